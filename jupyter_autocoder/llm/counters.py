"""Running sums by scope and span of time, changed in one statement at the end of a transaction."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

import math
import time
from typing import Final, Literal

from jupyter_autocoder.store import Writing

Span = Literal["second", "hour", "day", "month"]

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
# Spans older than `TOUCHED` belong to no window any more and are left as they are; older than `KEPT` they are pruned.
TOUCHED: Final = {"second": 2 * MINUTE, "hour": DAY + 2 * HOUR}
KEPT: Final = {"second": 5 * MINUTE, "hour": DAY + 6 * HOUR}


def start_of(span: Span, at: float) -> int:
    """Return the number of the span that holds `at`: seconds, hours or days since 1970 in UTC, or 202611."""
    if span == "month":
        day = time.gmtime(at)
        return day.tm_year * 100 + day.tm_mon
    return math.floor(at / {"second": 1.0, "hour": HOUR, "day": DAY}[span])


def end_of(span: Literal["day", "month"], at: float) -> float:
    """Return when the UTC day or month that holds `at` ends."""
    if span == "day":
        return (math.floor(at / DAY) + 1) * DAY
    end = end_of("day", at)
    while start_of("month", end) == start_of("month", at):
        end += DAY
    return end


class Counts:
    """Changes to counters, collected and written together, so that one span is touched once."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, str, int], list[int]] = {}

    def add(self, scope: str, span: Span, at: float, *, requests: int = 0, tokens: int = 0, cost: int = 0) -> None:
        change = self._changes.setdefault((scope, span, start_of(span, at)), [0, 0, 0])
        for index, value in enumerate((requests, tokens, cost)):
            change[index] += value

    def add_window(self, scope: str, at: float, *, now: float, requests: int, tokens: int) -> None:
        """Change the spans of the sliding windows, as far as a window can still reach them."""
        if at > now - TOUCHED["second"]:
            self.add(scope, "second", at, requests=requests, tokens=tokens)
        if at > now - TOUCHED["hour"]:
            self.add(scope, "hour", at, requests=requests, tokens=tokens)

    def write(self, tx: Writing) -> None:
        rows = [(*key, *change) for key, change in self._changes.items() if any(change)]
        self._changes.clear()
        if not rows:
            return
        tx.run(
            "INSERT INTO counters (scope, span, start, requests, tokens, cost) "
            f"VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * len(rows))} "
            "ON CONFLICT (scope, span, start) DO UPDATE SET requests = counters.requests + excluded.requests, "
            "tokens = counters.tokens + excluded.tokens, cost = counters.cost + excluded.cost",
            *(value for row in rows for value in row),
        )


def prune(tx: Writing, now: float, scopes: tuple[str, ...]) -> None:
    """Forget spans and reservations that no window can reach any more, a bounded number at a time."""
    for scope in scopes:
        for span, kept in KEPT.items():
            before = start_of("second" if span == "second" else "hour", now - kept)
            tx.run("DELETE FROM counters WHERE scope = ? AND span = ? AND start < ?", scope, span, before)
    tx.run(
        "DELETE FROM reservations WHERE id IN (SELECT id FROM reservations "
        "WHERE at < ? AND state <> 'open' ORDER BY at LIMIT 500)",
        now - KEPT["hour"] - HOUR,
    )
