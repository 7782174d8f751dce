import numpy as np
import pandas as pd
import seaborn as sns
import statsmodels.api as sm
import statsmodels.formula.api as smf
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.stattools import adfuller

X, y = make_classification(n_samples=200, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
pipe = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression(max_iter=500))])
grid = GridSearchCV(pipe, {"clf__C": [0.1, 1, 10]}, cv=3)
grid.fit(X_train, y_train)
print(grid.best_params_, grid.best_score_, grid.best_estimator_.named_steps["clf"].coef_.shape)
pred = grid.predict(X_test)
print(classification_report(y_test, pred), confusion_matrix(y_test, pred), accuracy_score(y_test, pred))
forest = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=10, n_jobs=1))
print(cross_val_score(forest, X, y, cv=TimeSeriesSplit(3)).mean())
df = pd.DataFrame({"x": np.arange(50), "g": ["a", "b"] * 25})
df["y"] = 2 * df.x + np.random.default_rng(0).normal(size=50)
prep = ColumnTransformer([("cat", OneHotEncoder(), ["g"]), ("num", "passthrough", ["x"])])
print(prep.fit_transform(df).shape, LinearRegression().fit(df[["x"]], df.y).intercept_)
ols = smf.ols("y ~ x + C(g) + np.log(x + 1)", data=df).fit()
print(ols.summary(), ols.params["x"], sm.OLS(df.y, sm.add_constant(df.x)).fit().rsquared)
model = ARIMA(df["y"], order=(1, 1, 0)).fit()
print(model.forecast(3), adfuller(df["y"])[1], load_iris().feature_names)
sns.set_theme(style="whitegrid")
g = sns.relplot(data=df, x="x", y="y", hue="g")
g.figure.savefig("rel.png")
sns.heatmap(df[["x", "y"]].corr(), annot=True, fmt=".2f")
