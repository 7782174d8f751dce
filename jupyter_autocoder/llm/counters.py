"""Spans of time: which one holds a moment, and which ones no window can reach any more.

The sums themselves are kept by the database, see `jupyter_autocoder.store.tables.governor`.
"""

from __future__ import annotations

import math
import time
from typing import Final, Literal

from jupyter_autocoder.store import Writing

Span = Literal["second", "hour", "day", "month"]

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
# Sums older than this belong to no window any more and are forgotten.
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


def prune(tx: Writing, now: float, scopes: tuple[str, ...]) -> None:
    """Forget the spans of these scopes that no window can reach any more."""
    for scope in scopes:
        for span, kept in KEPT.items():
            before = start_of("second" if span == "second" else "hour", now - kept)
            tx.run("DELETE FROM counters WHERE scope = ? AND span = ? AND start < ?", scope, span, before)
