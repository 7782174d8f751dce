import datetime as dt
from io import StringIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

pd.set_option("display.max_columns", 20)
text = """sym,qty,px,when
A,10,1.5,2024-01-02
B,,2.5,2024-01-03
A,7,1.6,2024-02-01
"""
df = pd.read_csv(StringIO(text), parse_dates=["when"], dtype={"sym": "category"})
df["qty"] = df["qty"].fillna(0).astype(int)
df = df.assign(value=df.qty * df.px, month=df.when.dt.to_period("M"))
limit = 5
print(df.query("qty > 5 and px < 2"))
print(df.query("qty > @limit"))
print(df.query(f"qty > {limit} and sym == 'A'"))
print(df.eval("total = qty * px"))
pivot = df.pivot_table(index="month", columns="sym", values="value", aggfunc="sum", observed=False)
stats = df.groupby("sym", observed=True).agg({"qty": ["sum", "mean"], "px": "max"})
stats.columns = ["_".join(c) for c in stats.columns]
for sym, part in df.groupby("sym", observed=True):
    print(sym, part.shape)
for row in df.itertuples(index=False):
    print(row.sym, row.qty, row._fields)
for i, r in df.iterrows():
    if r["qty"] > 5:
        df.at[i, "flag"] = "big"
merged = df.merge(pivot.reset_index().melt(id_vars="month"), on=["month", "sym"], how="left", suffixes=("", "_p"))
merged["z"] = merged["px"].pipe(lambda s: (s - s.mean()) / s.std())
merged["bucket"] = pd.cut(merged["px"], bins=[0, 1.55, 10], labels=["low", "high"])
merged["up"] = merged["sym"].str.upper().str.cat(merged["qty"].astype(str), sep="-")
print(merged.describe(include="all").T, merged.dtypes, merged.memory_usage(deep=True).sum())
print(df.set_index("when")["px"].resample("ME").last().rolling(2, min_periods=1).mean())
print(df.style.format({"px": "{:.2f}"}).background_gradient(cmap="viridis").to_html()[:20])
print([c for c in df.columns if is_numeric_dtype(df[c])], df.sym.cat.categories.tolist())
table = pa.Table.from_pandas(df[["qty", "px"]])
pq.write_table(table, "t.parquet")
back = pq.read_table("t.parquet").to_pandas()
df.drop(columns="month").to_json("t.json", orient="records", date_format="iso")
df.to_parquet("df.parquet") if limit > 100 else None
print(back.equals(df[["qty", "px"]]), dt.datetime(2024, 1, 1) + dt.timedelta(days=3), pd.Timestamp("2024-01-01"))
print(df["px"].agg(["mean", "std"]), df["px"].apply("sqrt"), df.select_dtypes("number").corr())
df.index.name = "row"
df.columns.name = None
df.plot(x="when", y="px", kind="line", title="px")
with pd.ExcelWriter("x.xlsx") as xl:
    df.to_excel(xl, sheet_name="a")
