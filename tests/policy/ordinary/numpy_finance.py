import math
import random
from statistics import mean, median, stdev

import numpy as np
from numpy.linalg import inv, norm
from numpy.random import default_rng
from scipy import optimize, stats
from scipy.stats import norm as normal

rng = default_rng(42)
np.random.seed(0)
random.seed(1)
np.set_printoptions(precision=4, suppress=True)


def black_scholes(S, K, T, r, sigma, option="call"):
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * np.sqrt(T))
    d2 = d1 - sigma * np.sqrt(T)
    if option == "call":
        return S * normal.cdf(d1) - K * np.exp(-r * T) * normal.cdf(d2)
    return K * np.exp(-r * T) * normal.cdf(-d2) - S * normal.cdf(-d1)


def implied_vol(price, S, K, T, r):
    return optimize.brentq(lambda s: black_scholes(S, K, T, r, s) - price, 1e-6, 5)


returns = rng.normal(0.0005, 0.01, size=(252, 4))
cov = np.cov(returns.T) * 252
mu = returns.mean(axis=0) * 252
w = inv(cov) @ mu
w /= w.sum()
paths = 100 * np.exp(np.cumsum(rng.standard_normal((1000, 252)) * 0.01, axis=1))
var95 = np.percentile(paths[:, -1] - 100, 5)
windows = np.lib.stride_tricks.sliding_window_view(np.arange(10), 3)
mask = (paths[:, -1] > 100) & ~np.isnan(paths[:, -1])
res = optimize.minimize(lambda x: x @ cov @ x, np.ones(4) / 4, constraints={"type": "eq", "fun": lambda x: x.sum() - 1})
print(w.round(3), var95, norm(w), windows.shape, mask.mean(), res.x)
print(implied_vol(10.45, 100, 100, 1, 0.05), stats.ttest_1samp(returns[:, 0], 0).pvalue)
print(np.select([w > 0, w < 0], ["long", "short"], default="flat"), np.r_[1:4], np.c_[[1], [2]], np.__version__)
print(mean([1, 2]), median([3, 1]), stdev([1, 2, 3]), math.isclose(0.1 + 0.2, 0.3), random.choice("abc"))
np.save("w.npy", w)
np.testing.assert_allclose(np.load("w.npy"), w)
np.savetxt("w.csv", w, delimiter=",", fmt="%.4f")
x = np.array([1, 2, 3], dtype=np.float64).reshape(-1, 1)
with np.errstate(divide="ignore", invalid="ignore"):
    print(np.where(x > 1, 1 / x, 0).T, x.dtype, x.flags["C_CONTIGUOUS"])
