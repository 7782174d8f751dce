"""What is left of every limit, for the footer of a chat and ``%usage``."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.llm.counters import DAY, MINUTE
from jupyter_autocoder.llm.reservation import Left, LimitName
from jupyter_autocoder.llm.scopes import Counted
from jupyter_autocoder.llm.windows import Sums, resets_in, sums, used_in_window
from jupyter_autocoder.store import Reading


def remaining(tx: Reading, now: float, scopes: tuple[Counted, ...]) -> tuple[Left, ...]:
    """Return one `Left` for each limit that these scopes have, in the order of the scopes."""
    return tuple(
        left
        for counted, used in zip(scopes, sums(tx, now, scopes), strict=True)
        for left in (*_rates(tx, now, counted), *_budgets(now, counted, used))
    )


def _rates(tx: Reading, now: float, counted: Counted) -> Iterator[Left]:
    minute: tuple[LimitName, ...] = ("requests_per_minute", "tokens_per_minute")
    for window, names in ((MINUTE, minute), (DAY, ("requests_per_day",))):
        sizes = {name: getattr(counted.limits, name) for name in names}
        if all(size is None for size in sizes.values()):
            continue
        requests, tokens, oldest = used_in_window(tx, now, counted, window)
        for name, size in sizes.items():
            if size is not None:
                used = tokens if name == "tokens_per_minute" else requests
                wait = resets_in(name, now, oldest) if used else 0.0
                yield Left(limit=name, scope=counted.scope, size=size, used=used, resets_in=wait)


def _budgets(now: float, counted: Counted, used: Sums) -> Iterator[Left]:
    budgets: tuple[tuple[LimitName, int], ...] = (("usd_per_day", used.day_cost), ("usd_per_month", used.month_cost))
    for name, spent in budgets:
        size: int | None = getattr(counted.limits, name)
        if size is not None:
            wait = resets_in(name, now, now)
            yield Left(limit=name, scope=counted.scope, size=size, used=spent + used.open_cost, resets_in=wait)
