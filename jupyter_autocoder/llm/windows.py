"""Whether one more attempt fits every limit, and when it will if not.

Rates are sliding windows over a log of single attempts, because every cheaper way (fixed windows, buckets) lets more
than N through in some minute. The log is only read when it matters: the sum over whole seconds (hours, for a day) that
touch the window is never below the truth, and while even that leaves room nothing else is looked at.

One comparison decides everywhere: what is used plus what is asked for must not be more than the limit.
"""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from jupyter_autocoder.errors import BudgetExceeded, PriceUnknown
from jupyter_autocoder.llm.counters import DAY, MINUTE, Span, end_of, start_of
from jupyter_autocoder.llm.profiles import Limits
from jupyter_autocoder.llm.refusals import Refusal, budget_exceeded
from jupyter_autocoder.llm.reservation import Ask, LimitName
from jupyter_autocoder.llm.scopes import Counted
from jupyter_autocoder.store import Reading

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What one scope has used, by coarse spans for the rates (never below the truth) and exactly for the money."""

    minute_requests: int = 0
    minute_tokens: int = 0
    day_requests: int = 0
    day_cost: int = 0
    month_cost: int = 0
    open_cost: int = 0


def exceeds(used: int, asked: int, limit: int | None) -> bool:
    """The one comparison: no limit is None, and a limit may be reached but not passed."""
    return limit is not None and used + asked > limit


def sums(tx: Reading, now: float, scopes: tuple[Counted, ...]) -> tuple[Sums, ...]:
    """Read what each scope has used so far, as far as it has limits, in one statement.

    Spans that lie in the future (the clock was set back) count as well.
    """
    arms: list[str] = []
    params: list[Any] = []
    for index, counted in enumerate(scopes):
        for field, (span, start) in _spans(counted.limits, now).items():
            arms.append(
                f"SELECT {index} AS scope, '{field}' AS field, SUM(requests) AS requests, SUM(tokens) AS tokens, "
                f"SUM(cost) AS cost FROM counters WHERE scope = ? AND span = '{span}' AND start >= ?"
            )
            params += [counted.name, start]
        if counted.limits.usd_per_day is not None or counted.limits.usd_per_month is not None:
            arms.append(
                f"SELECT {index} AS scope, 'open' AS field, COUNT(*) AS requests, SUM(tokens) AS tokens, "
                f"SUM(cost) AS cost FROM reservations WHERE state = 'open' AND expires_at > 0 AND {counted.where_open}"
            )
            params += counted.params
    rows = tx.rows(" UNION ALL ".join(arms), *params) if arms else []
    found = {(row["scope"], row["field"]): row for row in rows}

    def value(index: int, field: str, column: str) -> int:
        row = found.get((index, field))
        return 0 if row is None else int(row[column] or 0)

    return tuple(
        Sums(
            minute_requests=value(index, "minute", "requests"),
            minute_tokens=value(index, "minute", "tokens"),
            day_requests=value(index, "24h", "requests"),
            day_cost=value(index, "day", "cost"),
            month_cost=value(index, "month", "cost"),
            open_cost=value(index, "open", "cost"),
        )
        for index in range(len(scopes))
    )


def _spans(limits: Limits, now: float) -> dict[str, tuple[Span, int]]:
    """Return the spans to be summed for these limits, and where each begins."""
    spans: dict[str, tuple[Span, int]] = {}
    if limits.requests_per_minute is not None or limits.tokens_per_minute is not None:
        spans["minute"] = ("second", start_of("second", now - MINUTE))
    if limits.requests_per_day is not None:
        spans["24h"] = ("hour", start_of("hour", now - DAY))
    if limits.usd_per_day is not None:
        spans["day"] = ("day", start_of("day", now))
    if limits.usd_per_month is not None:
        spans["month"] = ("month", start_of("month", now))
    return spans


def check_price(ask: Ask, counted: tuple[Counted, ...]) -> None:
    """Refuse an attempt that no state of the store could let through: too dear by itself, or of unknown price."""
    for scope in counted:
        if ask.cost is None and scope.limits.counts_money:
            raise PriceUnknown(
                f"the price of {ask.model} is not known",
                model=ask.model,
                why="a budget in dollars is set, and an unknown price is never taken for zero",
                do="add the model to your prices file ([model] prices_file), or choose a model with a known price",
            )
        if exceeds(0, ask.cost or 0, scope.limits.usd_per_request):
            raise budget_exceeded("usd_per_request", scope, spent=0, asked=ask.cost or 0)


def budget_refusal(ask: Ask, counted: Counted, used: Sums) -> BudgetExceeded | None:
    """Return the refusal when this attempt's cost would pass a budget; what is open counts as spent."""
    for limit, spent in (("usd_per_day", used.day_cost), ("usd_per_month", used.month_cost)):
        spent += used.open_cost
        if exceeds(spent, ask.cost or 0, getattr(counted.limits, limit)):
            return budget_exceeded(limit, counted, spent=spent, asked=ask.cost or 0)
    return None


def rate_refusals(tx: Reading, now: float, ask: Ask, counted: Counted, used: Sums) -> Iterator[Refusal]:
    """Yield a refusal for every rate of `counted` that one more attempt would pass now."""
    limits = counted.limits
    for name, window, coarse in (
        ("requests_per_minute", MINUTE, used.minute_requests),
        ("requests_per_day", DAY, used.day_requests),
    ):
        size: int | None = getattr(limits, name)
        if size is not None and exceeds(coarse, 1, size):
            wait = _requests_wait(tx, now, counted, size, window)
            if wait:
                yield Refusal(limit=name, counted=counted, size=size, wait=wait)
    size = limits.tokens_per_minute
    if size is not None and exceeds(used.minute_tokens, ask.tokens, size):
        wait = _tokens_wait(tx, now, counted, size, ask.tokens)
        if wait:
            yield Refusal(limit="tokens_per_minute", counted=counted, size=size, wait=wait, asked=ask.tokens)


def used_in_window(tx: Reading, now: float, counted: Counted, window: float) -> tuple[int, int, float]:
    """Return requests and tokens of `counted` within the last `window` seconds, exactly, and the oldest one's time."""
    row = tx.row(
        "SELECT COUNT(*) AS requests, SUM(tokens) AS tokens, MIN(at) AS oldest FROM reservations "
        f"WHERE {counted.where} AND at > ? AND slot = 1",
        *counted.params,
        now - window,
    )
    if row is None or not row["requests"]:
        return 0, 0, now
    return int(row["requests"]), int(row["tokens"]), float(row["oldest"])


def resets_in(limit: LimitName, now: float, oldest: float) -> float:
    """Return in how many seconds a limit gives something back."""
    if limit in ("usd_per_day", "usd_per_month"):
        return end_of("day" if limit == "usd_per_day" else "month", now) - now
    return max(oldest + (DAY if limit == "requests_per_day" else MINUTE) - now, 0.0)


def _requests_wait(tx: Reading, now: float, counted: Counted, size: int, window: float) -> float:
    """Return the seconds until the `size`-th newest attempt has left the window; 0 when there is room."""
    if size == 0:
        return NEVER
    row = tx.row(
        f"SELECT at FROM reservations WHERE {counted.where} AND at > ? AND slot = 1 ORDER BY at DESC LIMIT 1 OFFSET ?",
        *counted.params,
        now - window,
        size - 1,
    )
    return 0.0 if row is None else max(row["at"] + window - now, 0.001)


def _tokens_wait(tx: Reading, now: float, counted: Counted, size: int, asked: int) -> float:
    """Return the seconds until enough tokens have left the last minute; 0 when there is room."""
    if asked > size:
        return NEVER
    rows = tx.rows(
        f"SELECT at, tokens FROM reservations WHERE {counted.where} AND at > ? AND tokens > 0 ORDER BY at",
        *counted.params,
        now - MINUTE,
    )
    used, wait = sum(row["tokens"] for row in rows), 0.0
    for row in rows:
        if not exceeds(used, asked, size):
            break
        used -= row["tokens"]
        wait = max(row["at"] + MINUTE - now, 0.001)
    return wait
