"""Make prices.csv: daily prices of ten invented symbols, with the gaps and odd rows that real files have.

The file is checked in; this script shows how it came to be and gives the same bytes each time.
"""

from __future__ import annotations

import csv
import datetime
import random
from pathlib import Path

SYMBOLS = ["ALFA", "BRVO", "CHLY", "DLTA", "ECHO", "FXTR", "GOLF", "HOTL", "INDA", "JULT"]
START, END = datetime.date(2017, 1, 2), datetime.date(2025, 12, 31)


def rows(rng: random.Random) -> list[list[str]]:
    made: list[list[str]] = []
    prices = {symbol: rng.uniform(20, 400) for symbol in SYMBOLS}
    drifts = {symbol: rng.uniform(-0.0001, 0.0007) for symbol in SYMBOLS}
    day = START
    while day <= END:
        market = rng.gauss(0, 0.008)
        for symbol in SYMBOLS if day.weekday() < 5 else []:
            prices[symbol] *= 1 + drifts[symbol] + market + rng.gauss(0, 0.012)
            made += _odd(rng, day, symbol, prices[symbol], int(rng.lognormvariate(13, 0.6)))
        day += datetime.timedelta(days=1)
    return made


def _odd(rng: random.Random, day: datetime.date, symbol: str, close: float, volume: int) -> list[list[str]]:
    """One row as a rule; sometimes none, two, or one that needs cleaning."""
    row = [day.isoformat(), symbol, f"{close:.2f}", str(volume)]
    chance = rng.random()
    if chance < 0.006:
        return []  # a gap
    if chance < 0.009:
        return [row, row]  # the same row twice
    if chance < 0.012:
        return [[row[0], symbol, "", row[3]]]  # no price
    if chance < 0.014:
        return [[row[0], symbol, "N/A", "0"]]
    if chance < 0.015:
        return [[row[0], symbol, f"-{row[2]}", row[3]]]  # a sign error
    if chance < 0.017:
        return [[day.strftime("%d/%m/%Y"), symbol, row[2], row[3]]]  # another date format
    if chance < 0.019:
        return [[row[0], symbol.lower() + " ", row[2], row[3]]]  # untidy symbol
    return [row]


def main() -> None:
    with Path(__file__).with_name("prices.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "symbol", "close", "volume"])
        writer.writerows(rows(random.Random(20260102)))


if __name__ == "__main__":
    main()
