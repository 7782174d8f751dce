"""Load daily prices, mend the gaps and report what was done."""

import numpy as np
import pandas as pd

df = pd.read_csv("prices.csv", parse_dates=["date"])
df.columns = [c.strip().lower().replace(" ", "_") for c in df.columns]
df = df.drop_duplicates(subset=["symbol", "date"]).sort_values(["symbol", "date"])
df["close"] = pd.to_numeric(df["close"], errors="coerce")
df.loc[df["close"] <= 0, "close"] = np.nan
missing = df["close"].isna().sum()
df["close"] = df.groupby("symbol")["close"].transform(lambda s: s.ffill().bfill())
df["ret"] = df.groupby("symbol")["close"].pct_change()
summary = (
    df.groupby("symbol")
    .agg(first=("date", "min"), last=("date", "max"), mean=("ret", "mean"), vol=("ret", "std"))
    .assign(sharpe=lambda d: d["mean"] / d["vol"] * np.sqrt(252))
    .round(4)
)
print(f"{missing} missing closes were filled")
print(summary.to_string())
summary.to_csv("summary.csv", index=True)
