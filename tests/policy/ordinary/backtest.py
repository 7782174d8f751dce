"""A backtest with helpers that an answer often has."""

import json
import sys
from dataclasses import dataclass, field, fields, replace

import matplotlib
import numpy as np
import pandas as pd
import pandas.testing as tm

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import cm
from matplotlib.colors import LinearSegmentedColormap
from mpl_toolkits.mplot3d import Axes3D


@dataclass
class Config:
    fast: int = 10
    slow: int = 30
    fee: float = 0.001
    tags: list = field(default_factory=list)

    @classmethod
    def from_dict(cls, d: dict) -> "Config":
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in d.items() if k in known})


class Strategy:
    name = "base"

    def __init__(self, config=None):
        self.config = config or Config()
        self.results = {}

    def signals(self, close: pd.Series) -> pd.Series:
        raise NotImplementedError


class Cross(Strategy):
    name = "cross"

    def signals(self, close):
        fast = close.ewm(span=self.config.fast, adjust=False).mean()
        slow = close.rolling(self.config.slow).mean()
        return (fast > slow).astype(int).shift(1).fillna(0)


def max_drawdown(equity: pd.Series) -> float:
    return float((equity / equity.cummax() - 1).min())


def run(strategy: Strategy, close: pd.Series) -> pd.DataFrame:
    pos = strategy.signals(close)
    ret = close.pct_change().fillna(0)
    cost = pos.diff().abs().fillna(0) * strategy.config.fee
    out = pd.DataFrame({"pos": pos, "ret": pos * ret - cost})
    out["equity"] = (1 + out["ret"]).cumprod()
    return out


idx = pd.bdate_range("2023-01-02", periods=500)
close = pd.Series(100 * np.exp(np.random.default_rng(7).normal(0, 0.01, 500).cumsum()), index=idx, name="close")
strategies = {"cross": Cross, "slow": lambda: Cross(replace(Config(), slow=50))}
results = {}
for label, make in strategies.items():
    try:
        results[label] = run(make(), close)
    except Exception as e:
        print(f"Error in {label}: {e}", file=sys.stderr)
        continue
report = {k: {"final": round(v["equity"].iloc[-1], 4), "mdd": max_drawdown(v["equity"])} for k, v in results.items()}
print(json.dumps(report, indent=2))
tm.assert_series_equal(results["cross"]["pos"], results["cross"]["pos"])
fig = plt.figure()
ax = fig.add_subplot(111, projection="3d")
ax.plot_surface(*np.meshgrid(range(3), range(3)), np.ones((3, 3)), cmap=cm.coolwarm)
for label, frame in results.items():
    plt.plot(frame.index, frame["equity"], label=label)
plt.gca().spines[["top", "right"]].set_visible(False)
plt.legend()
plt.grid(True, linestyle="--", alpha=0.3)
plt.show()
print(Config.from_dict({"fast": 5, "zzz": 1}), LinearSegmentedColormap.from_list("x", ["red", "blue"]).name, Axes3D)
