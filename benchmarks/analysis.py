"""Twenty prompts over the examples' prices as a person types them, each with the code that answers it."""

from __future__ import annotations

STEPS = (
    ("Load `prices.csv` into `raw`.", "import pandas as pd\nraw = pd.read_csv('prices.csv', dtype=str)\nlen(raw)"),
    ("How many rows has each symbol in raw?", "raw['symbol'].str.strip().str.upper().value_counts()"),
    (
        "Clean raw into `prices`: real dates, positive numbers, no duplicates.",
        """\
prices = raw.assign(
    date=pd.to_datetime(raw['date'], format='mixed', dayfirst=True),
    symbol=raw['symbol'].str.strip().str.upper(),
    close=pd.to_numeric(raw['close'], errors='coerce'),
    volume=pd.to_numeric(raw['volume'], errors='coerce'),
)
prices = prices[prices['close'] > 0].drop_duplicates(['date', 'symbol'])
prices = prices.sort_values(['symbol', 'date']).reset_index(drop=True)
print(len(raw) - len(prices), 'rows dropped')""",
    ),
    ("Describe the cleaned prices.", "prices.describe()"),
    (
        "Pivot the closes: one column a symbol.",
        "wide = prices.pivot(index='date', columns='symbol', values='close').ffill()\nwide.tail()",
    ),
    ("Daily returns of every symbol.", "returns = wide.pct_change().dropna()\nreturns.describe().T"),
    (
        "Plot the growth of 100 on a log scale.",
        """\
import matplotlib.pyplot as plt
growth = 100 * (1 + returns).cumprod()
growth.plot(logy=True, figsize=(8, 4), title='Growth of 100')
plt.show()""",
    ),
    (
        "A table `summary` of annual return, volatility and Sharpe ratio at 2 %.",
        """\
summary = pd.DataFrame({
    'annual_return': (1 + returns).prod() ** (252 / len(returns)) - 1,
    'annual_volatility': returns.std() * 252 ** 0.5,
})
summary['sharpe'] = (summary['annual_return'] - 0.02) / summary['annual_volatility']
summary = summary.sort_values('sharpe', ascending=False)
summary""",
    ),
    ("Bars of the Sharpe ratios.", "summary['sharpe'].plot.barh(figsize=(6, 4))\nplt.show()"),
    ("The deepest drawdown of each symbol.", "drawdown = wide / wide.cummax() - 1\ndrawdown.min().sort_values()"),
    (
        "Plot the drawdown of the worst symbol.",
        "worst = drawdown.min().idxmin()\ndrawdown[worst].plot.area(figsize=(8, 3), title=worst)\nplt.show()",
    ),
    ("The correlation of the returns.", "correlation = returns.corr()\ncorrelation.round(2)"),
    (
        "Show the correlation as a heat map.",
        """\
figure, axes = plt.subplots(figsize=(5, 5))
axes.imshow(correlation, vmin=-1, vmax=1, cmap='coolwarm')
axes.set_xticks(range(len(correlation)), correlation.columns, rotation=90)
axes.set_yticks(range(len(correlation)), correlation.index)
plt.show()""",
    ),
    (
        "Rolling volatility over 60 days.",
        "rolling = returns.rolling(60).std() * 252 ** 0.5\nrolling.plot(figsize=(8, 4), legend=False)\nplt.show()",
    ),
    (
        "Simulate 2,000 equally likely portfolios of random weights; the best ten by Sharpe ratio.",
        """\
import numpy as np
generator = np.random.default_rng(7)
weights = generator.dirichlet(np.ones(returns.shape[1]), size=2000)
mean, covariance = returns.mean().to_numpy() * 252, returns.cov().to_numpy() * 252
risk = np.sqrt(np.einsum('ij,jk,ik->i', weights, covariance, weights))
portfolios = pd.DataFrame({'return': weights @ mean, 'risk': risk})
portfolios['sharpe'] = (portfolios['return'] - 0.02) / portfolios['risk']
portfolios.nlargest(10, 'sharpe').round(3)""",
    ),
    (
        "Plot them: risk against return.",
        "portfolios.plot.scatter('risk', 'return', c='sharpe', s=4, cmap='viridis', figsize=(7, 4))\nplt.show()",
    ),
    (
        "Bootstrap the annual return of an equal-weight portfolio, 2,000 times.",
        """\
equal = returns.mean(axis=1).to_numpy()
draws = generator.choice(equal, size=(2000, 252)).sum(axis=1)
low, high = np.quantile(draws, [0.05, 0.95])
print(f'5 % to 95 %: {low:.1%} to {high:.1%}')""",
    ),
    ("A histogram of that.", "pd.Series(draws).plot.hist(bins=50, figsize=(6, 3))\nplt.show()"),
    ("Returns by month of the year.", "by_month = returns.groupby(returns.index.month).mean() * 21\nby_month.round(4)"),
    ("The days with the largest moves.", "returns.stack().abs().nlargest(10)"),
)
