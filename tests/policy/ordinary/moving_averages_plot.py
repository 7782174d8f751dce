import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import matplotlib.ticker as mticker
import pandas as pd

plt.style.use("seaborn-v0_8-darkgrid")
plt.rcParams["figure.figsize"] = (12, 6)
plt.rcParams.update({"font.size": 11})

prices = pd.read_csv("AAPL.csv", index_col="Date", parse_dates=True)
prices["SMA20"] = prices["Close"].rolling(window=20).mean()
prices["SMA50"] = prices["Close"].rolling(window=50).mean()
prices["signal"] = (prices["SMA20"] > prices["SMA50"]).astype(int).diff()

fig, (ax, ax2) = plt.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
ax.plot(prices.index, prices["Close"], label="Close", alpha=0.6)
ax.plot(prices.index, prices["SMA20"], label="SMA 20", lw=1.5)
ax.scatter(prices.index[prices["signal"] == 1], prices["Close"][prices["signal"] == 1], marker="^", c="g")
ax.set(title="Apple", ylabel="USD")
ax.yaxis.set_major_formatter(mticker.StrMethodFormatter("${x:,.0f}"))
ax2.bar(prices.index, prices["Volume"], width=1.0, color="grey")
ax2.xaxis.set_major_locator(mdates.MonthLocator(interval=3))
ax2.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
for label in ax2.get_xticklabels():
    label.set_rotation(45)
ax.legend(loc="upper left")
plt.tight_layout()
plt.savefig("sma.png", dpi=150, bbox_inches="tight")
plt.show()
plt.close("all")
