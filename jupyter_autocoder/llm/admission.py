# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
"""The short way in: one statement that takes a place if there is plainly room, and nothing out of the ordinary stands.

It looks only at the coarse sums, which are never below the truth, and steps aside for every breaker, every word of the
model's server, every overdue lease and every clock that was set back. What it lets through, the long way would let
through as well; what it does not, the long way decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from jupyter_autocoder.llm import breakers
from jupyter_autocoder.llm.counters import DAY, HOUR, MINUTE, start_of
from jupyter_autocoder.llm.leases import CLOCK_SLACK, COLUMNS
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.llm.scopes import Counted
from jupyter_autocoder.store import Statement

# Where a span of a sliding window begins, at the latest: CAST rounds on one database and cuts off on the other, so each
# begins a whole span early.
_FIRST_SECOND: Final = f"CAST(now - {MINUTE + 1} AS BIGINT)"
_FIRST_HOUR: Final = f"CAST((now - {DAY + HOUR}) / {HOUR} AS BIGINT)"
_FIRST_DAY: Final = f"CAST(now / {DAY} - 1 AS BIGINT)"


def statement(
    ask: Ask, scopes: tuple[Counted, ...], *, id: str, user: str, process: str, lease: float, now: float
) -> Statement:
    """Return the statement; it gives the row's `at` and `expires_at` back, or no row.

    `now` is about the time, good enough to know the month.
    """
    conditions: list[str] = [
        "NOT EXISTS (SELECT 1 FROM breakers WHERE scope IN (?, ?))",
        "NOT EXISTS (SELECT 1 FROM server_limits WHERE fingerprint = ? AND model = ? AND reset_at > now)",
        # The end of an index, whatever the planner knows of the table; as NOT EXISTS it may read all of a user's.
        f"COALESCE((SELECT MAX(at) FROM reservations WHERE who = ?), 0) <= now + {CLOCK_SLACK}",
        f"COALESCE((SELECT MAX(at) FROM reservations WHERE fingerprint = ?), 0) <= now + {CLOCK_SLACK}",
        "NOT EXISTS (SELECT 1 FROM reservations WHERE state = 'open' AND expires_at <= now)",
    ]
    params: list[Any] = [*breakers.names_of(ask), ask.key, ask.model, user, ask.key]
    for counted in scopes:
        for condition, values in _within(counted, ask, now):
            conditions.append(condition)
            params += values
    sql = (
        f"WITH clock AS (SELECT store_now() AS now) INSERT INTO reservations ({COLUMNS}) "
        "SELECT ?, ?, ?, ?, ?, ?, ?, now, now + ?, 'open', 1, ?, ?, ?, CAST(? AS BIGINT) FROM clock "
        f"WHERE {' AND '.join(conditions)} RETURNING at, expires_at"
    )
    row = (id, user, ask.key, ask.model, ask.face, ask.notebook, process, lease)
    return sql, (*row, ask.tokens, ask.input_tokens, ask.max_output_tokens, ask.cost, *params)


def _within(counted: Counted, ask: Ask, now: float) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield what must hold for each limit of one scope, with its parameters."""
    limits, cost = counted.limits, ask.cost or 0
    if limits.requests_per_minute is not None:
        used = _used("requests", "second", _FIRST_SECOND)
        yield f"{used} + 1 <= ?", (counted.name, limits.requests_per_minute)
    if limits.tokens_per_minute is not None:
        yield (
            f"{_used('tokens', 'second', _FIRST_SECOND)} + ? <= ?",
            (counted.name, ask.tokens, limits.tokens_per_minute),
        )
    if limits.requests_per_day is not None:
        yield f"{_used('requests', 'hour', _FIRST_HOUR)} + 1 <= ?", (counted.name, limits.requests_per_day)
    opened = f"COALESCE((SELECT SUM(cost) FROM reservations WHERE {_OPEN} AND {counted.where_open}), 0)"
    if limits.usd_per_day is not None:
        used = f"{_used('cost', 'day', _FIRST_DAY)} + {opened}"
        yield f"{used} + ? <= ?", (counted.name, *counted.params, cost, limits.usd_per_day)
    if limits.usd_per_month is not None:
        # A day early, since the database's clock may not have come to the month of ours yet.
        month = start_of("month", now - DAY)
        used = f"{_used('cost', 'month', '?')} + {opened}"
        yield f"{used} + ? <= ?", (counted.name, month, *counted.params, cost, limits.usd_per_month)


_OPEN: Final = "state = 'open' AND expires_at > 0"


def _used(column: str, span: str, start: str) -> str:
    return f"COALESCE((SELECT SUM({column}) FROM counters WHERE scope = ? AND span = '{span}' AND start >= {start}), 0)"
