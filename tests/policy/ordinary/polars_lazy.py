import polars as pl

lf = pl.scan_csv("prices.csv")
out = (
    lf.with_columns(
        pl.col("date").str.to_date(), (pl.col("close") / pl.col("close").shift(1) - 1).over("symbol").alias("ret")
    )
    .filter(pl.col("ret").is_not_null() & (pl.col("volume") > 0))
    .group_by("symbol")
    .agg(pl.col("ret").mean().alias("mean"), pl.col("ret").std().alias("vol"), pl.len())
    .sort("mean", descending=True)
    .collect()
)
print(out, out.to_pandas().shape, pl.select(pl.lit(1)).item())
print(out.select(pl.format("{} has {}", pl.col("symbol"), pl.col("mean"))))
out.write_parquet("out.parquet")
