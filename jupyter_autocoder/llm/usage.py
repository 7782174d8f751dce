"""What was used, by model, day, source or user: data for a table, for JSON and for pictures."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from jupyter_autocoder.errors import StoreReadOnly, UsageError
from jupyter_autocoder.llm.counters import DAY, start_of
from jupyter_autocoder.llm.leases import charge_overdue, overdue
from jupyter_autocoder.llm.refusals import dollars
from jupyter_autocoder.llm.reservation import Left
from jupyter_autocoder.store import Reading, Row, Store

By = Literal["model", "day", "source", "user", "notebook", "key"]

_COLUMN: Final[dict[str, str]] = {
    "model": "model", "day": "day", "source": "face", "user": "who", "notebook": "notebook", "key": "fingerprint",
}  # fmt: skip
_SUMS: Final = ("requests", "failed", "estimated", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "cost")
_COUNTS: Final = (*_SUMS, "overdue")
_NOTHING: Final = (0,) * len(_COUNTS)
_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": DAY, "w": 7 * DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Sums of one group; `name` is the model, the day (2026-11-23, UTC), the face, the user, the notebook or the key.

    `cost` is in micro-USD and leaves out the `unpriced` requests, whose price is not known; `estimated` requests were
    not counted by the server, `failed` ones gave no answer. `overdue` ones are counted as they will be charged: the
    store cannot be written from here.
    """

    name: str
    requests: int
    failed: int
    estimated: int
    unpriced: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: int
    overdue: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def usage_report(store: Store, since: float, by: By = "model", *, user: str | None = None) -> tuple[UsageRow, ...]:
    """Return one row per group of all attempts reserved at or after `since`, of one `user` or of all.

    Leases that nobody ended in time are charged first, or counted as `overdue` where the store may only be read. Days
    come oldest first, everything else dearest first. Raises UsageError on an unknown `by`.
    """
    if by not in _COLUMN:
        raise UsageError(f"cannot group usage by {by!r}", do=f"group by one of: {', '.join(_COLUMN)}")
    with contextlib.suppress(StoreReadOnly):
        charge_overdue(store)
    with store.read() as tx:
        found = _merged(tx, since, _COLUMN[by], user)
        lost = [lease for lease in overdue(tx, tx.now()) if lease["at"] >= since and user in (None, lease["who"])]
    for lease in lost:
        key = start_of("day", lease["at"]) if by == "day" else lease[_COLUMN[by]]
        found[key] = _plus(found.get(key, _NOTHING), _as_charged(lease))
    rows = [UsageRow(name=_name(by, key), **dict(zip(_COUNTS, sums, strict=True))) for key, sums in found.items()]
    if by == "day":
        return tuple(sorted(rows, key=lambda row: row.name))
    return tuple(sorted(rows, key=lambda row: (-row.cost, -row.total_tokens, row.name)))


def total(rows: Sequence[UsageRow]) -> UsageRow:
    """Return the sum of a report."""
    return UsageRow(name="total", **{name: sum(getattr(row, name) for row in rows) for name in _COUNTS})


def since(text: str, now: float) -> float:
    """Return the moment that ``7d``, ``24h``, ``2w`` or ``2026-11-01`` means, in seconds since 1970.

    Days and weeks are whole UTC days that include today, so ``1d`` is today; hours and minutes go back from now.
    Raises UsageError on anything else.
    """
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text.strip())
    if match and int(match[1]) > 0:
        seconds = int(match[1]) * _UNITS[match[2]]
        return now - seconds if match[2] in "mh" else (start_of("day", now) + 1) * DAY - seconds
    try:
        day = datetime.date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is no span of time", do="write 30m, 24h, 7d, 2w or 2026-11-01") from None
    return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp()


def as_json(rows: Sequence[UsageRow], *, by: By, left: Sequence[Left] = ()) -> str:
    """Return the report as JSON: rows, their total, what they are grouped by, what is left; money in micro-USD."""

    def plain(row: UsageRow) -> dict[str, Any]:
        values = asdict(row)
        return {by: values.pop("name"), **values, "total_tokens": row.total_tokens}

    whole = plain(total(rows))
    del whole[by]
    report = {"by": by, "rows": [plain(row) for row in rows], "total": whole}
    limits = [{**asdict(one), "left": one.left} for one in left]
    return json.dumps({**report, "limits": limits}, indent=2)


def as_table(rows: Sequence[UsageRow], *, by: By) -> str:
    """Return the report as an aligned table with a line for the total."""
    if not rows:
        return "nothing was used in this time"
    head = (by, "requests", "failed", "input", "cached", "output", "cost", "")
    lines = [head, *(_cells(row) for row in rows), *([_cells(total(rows))] if len(rows) > 1 else [])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def text(line: tuple[str, ...]) -> str:
        first, *numbers, remark = line
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False))]
        return "  ".join([*cells, remark]).rstrip()

    return "\n".join(text(line) for line in lines)


def limit_name(left: Left) -> str:
    """``requests per minute``, ``money per day``."""
    return left.limit.replace("_", " ").replace("usd", "money")


def used_of(left: Left) -> str:
    """``2 of 3``, ``$1.20 of $5.00``."""
    if left.limit.startswith("usd"):
        return f"{dollars(left.used)} of {dollars(left.size)}"
    return f"{left.used:,} of {left.size:,}"


def as_lines(left: Sequence[Left]) -> str:
    """Return one line for each limit: what of it is used, and when there is room again where there is none."""
    return "\n".join(
        f"{limit_name(one)}: {used_of(one)} used"
        + (f", the next is free in {one.resets_in:.0f} s" if one.used >= one.size else "")
        for one in left
    )


def _cells(row: UsageRow) -> tuple[str, ...]:
    counts = (row.requests, row.failed, row.input_tokens, row.cached_tokens, row.output_tokens)
    remarks = [
        *([f"{row.estimated:,} estimated"] if row.estimated else []),
        *([f"{row.unpriced:,} without a price"] if row.unpriced else []),
        *([f"{row.overdue:,} overdue"] if row.overdue else []),
    ]
    return (row.name, *(f"{number:,}" for number in counts), dollars(row.cost), ", ".join(remarks))


def _merged(tx: Reading, since: float, column: str, user: str | None) -> dict[Any, tuple[int, ...]]:
    """Sum the whole days from the daily sums, and the day that `since` cuts in two from the ledger itself."""
    first = start_of("day", since)
    cut = since > first * DAY
    sums = ", ".join(f"SUM({name}) AS {name}" for name in _SUMS)
    mine, who = (" AND who = ?", (user,)) if user is not None else ("", ())
    rows = tx.rows(
        f"SELECT {column} AS name, {sums} FROM usage_daily WHERE day >= ?{mine} GROUP BY {column}",
        *(first + 1 if cut else first, *who),
    )
    if cut:
        exact = sums.replace("SUM(unpriced)", "SUM(CASE WHEN cost IS NULL THEN requests ELSE 0 END)")
        rows += tx.rows(
            f"SELECT {column} AS name, {exact} FROM ledger WHERE reserved_at >= ? AND day = ?{mine} GROUP BY {column}",
            *(since, first, *who),
        )
    merged: dict[Any, tuple[int, ...]] = {}
    for row in rows:
        counts = (*(int(row[name] or 0) for name in _SUMS), 0)
        merged[row["name"]] = _plus(merged.get(row["name"], _NOTHING), counts)
    return merged


def _as_charged(lease: Row) -> tuple[int, ...]:
    """What an overdue lease will add to the sums, in their order."""
    unpriced = int(lease["cost"] is None)
    return 1, 1, 1, unpriced, lease["input_tokens"], 0, lease["output_tokens"], lease["cost"] or 0, 1


def _plus(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _name(by: By, key: Any) -> str:
    if by != "day":
        return str(key) or "unknown"
    return datetime.datetime.fromtimestamp(key * DAY, tz=datetime.UTC).date().isoformat()
