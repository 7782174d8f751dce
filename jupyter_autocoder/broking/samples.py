"""Makes the sample prices that come with the package: ``python -m jupyter_autocoder.broking.samples``.

A seeded random walk per symbol that ends where it began, so that the replay has no jump when it starts over. The
levels are round numbers of about the right size; nothing in the file was ever a price in a market.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20260105
START = dt.datetime(2026, 1, 5, 9, 30)
STEP = dt.timedelta(minutes=10)
STEPS = 40
# symbol -> (level in USD, move per step in percent)
LEVELS = {
    "AAPL": (150, 0.10), "MSFT": (400, 0.09), "NVDA": (180, 0.16), "AMZN": (200, 0.12), "GOOGL": (170, 0.11),
    "GOOG": (171, 0.11), "META": (600, 0.13), "TSLA": (250, 0.20), "AMD": (160, 0.18), "INTC": (30, 0.16),
    "NFLX": (900, 0.12), "JPM": (250, 0.08), "BAC": (45, 0.09), "V": (310, 0.07), "JNJ": (155, 0.05),
    "PFE": (27, 0.07), "KO": (65, 0.05), "PEP": (160, 0.05), "WMT": (90, 0.06), "COST": (950, 0.07),
    "DIS": (110, 0.09), "XOM": (115, 0.08), "BA": (180, 0.12), "F": (10, 0.12), "GM": (50, 0.11), "T": (22, 0.06),
    "UBER": (75, 0.13), "PLTR": (80, 0.22), "ORCL": (170, 0.11), "CRM": (300, 0.11), "IBM": (230, 0.07),
    "BRK.B": (460, 0.05), "SPY": (600, 0.05), "QQQ": (520, 0.07), "VTI": (290, 0.05), "IWM": (220, 0.08),
    "GLD": (250, 0.05), "TLT": (90, 0.05), "BND": (73, 0.02), "BTC/USD": (90_000, 0.20), "ETH/USD": (3_200, 0.25),
    "SOL/USD": (180, 0.30),
}  # fmt: skip


def walk(level: float, move: float, chance: random.Random) -> list[float]:
    """A random walk of `STEPS` prices whose next step would lead back to its first."""
    steps = [chance.gauss(0.0, move / 100) for _ in range(STEPS)]
    drift = sum(steps) / STEPS
    prices, log = [], 0.0
    for step in steps:
        prices.append(level * (1 + log))
        log += step - drift
    return prices


def lines() -> Iterator[str]:
    """The lines of the file, in the order of time."""
    yield "time,symbol,bid,ask,last"
    chance = random.Random(SEED)  # noqa: S311 - prices in a play, no secret
    walks = {symbol: walk(level, move, chance) for symbol, (level, move) in LEVELS.items()}
    for number in range(STEPS):
        moment = (START + number * STEP).isoformat(timespec="minutes")
        for symbol, prices in walks.items():
            price = prices[number]
            half = max(price * 0.0001, 0.01)
            yield f"{moment},{symbol},{price - half:.2f},{price + half:.2f},{price:.2f}"


def write(path: Path) -> None:
    path.write_text("\n".join(lines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "data" / "sample_prices.csv")
