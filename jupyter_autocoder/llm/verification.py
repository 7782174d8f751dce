"""Whether every kept sum is what the ledger and the reservations say it must be."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_autocoder.llm.counters import DAY, HOUR, MINUTE, start_of
from jupyter_autocoder.store import Reading, Row

_MOST_NAMED: Final = 20

_DAILY_SUMS: Final = (
    "SUM(requests) AS requests, SUM(failed) AS failed, SUM(estimated) AS estimated, "
    "SUM(CASE WHEN cost IS NULL THEN requests ELSE 0 END) AS unpriced, SUM(input_tokens) AS input_tokens, "
    "SUM(cached_tokens) AS cached_tokens, SUM(output_tokens) AS output_tokens, COALESCE(SUM(cost), 0) AS cost"
)
_DAILY_KEY: Final = ("day", "who", "face", "notebook", "model", "fingerprint")
_DAILY_COLUMNS: Final = (
    *("requests", "failed", "estimated", "unpriced", "input_tokens", "cached_tokens", "output_tokens", "cost"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`differences` names sums that do not agree (twenty at most), `entries` is how many ledger rows were read."""

    differences: tuple[str, ...]
    entries: int
    open_reservations: int

    @property
    def ok(self) -> bool:
        return not self.differences


def verify(tx: Reading, now: float) -> Verification:
    """Recompute all sums inside one snapshot; takes a few seconds per million entries."""
    differences = [*_daily(tx), *_periods(tx), *_windows(tx, now), *_strays(tx)]
    counted = tx.row("SELECT COUNT(*) AS n FROM ledger")
    opened = tx.row("SELECT COUNT(*) AS n FROM reservations WHERE state = 'open'")
    return Verification(
        differences=tuple(differences[:_MOST_NAMED]),
        entries=counted["n"] if counted else 0,
        open_reservations=opened["n"] if opened else 0,
    )


def _daily(tx: Reading) -> list[str]:
    key = ", ".join(_DAILY_KEY)
    kept = tx.rows(f"SELECT {key}, {', '.join(_DAILY_COLUMNS)} FROM usage_daily")
    truth = tx.rows(f"SELECT {key}, {_DAILY_SUMS} FROM ledger GROUP BY {key}")
    return _compare("usage_daily", _table(kept, _DAILY_KEY, _DAILY_COLUMNS), _table(truth, _DAILY_KEY, _DAILY_COLUMNS))


def _periods(tx: Reading) -> list[str]:
    found = []
    for span in ("day", "month"):
        kept = tx.rows("SELECT scope, start, requests, tokens, cost FROM counters WHERE span = ?", span)
        truth = tx.rows(
            " UNION ALL ".join(
                f"SELECT '{prefix}:' || {column} AS scope, {span} AS start, SUM(requests) AS requests, "
                f"SUM(total_tokens) AS tokens, COALESCE(SUM(cost), 0) AS cost FROM ledger GROUP BY {column}, {span}"
                for prefix, column in (("user", "who"), ("key", "fingerprint"))
            )
        )
        columns = ("requests", "tokens", "cost")
        found += _compare(span, _table(kept, ("scope", "start"), columns), _table(truth, ("scope", "start"), columns))
    return found


def _windows(tx: Reading, now: float) -> list[str]:
    found = []
    for span in ("second", "hour"):
        # As far back as a window can reach; older spans and reservations are being forgotten.
        first = start_of("second" if span == "second" else "hour", now - (MINUTE if span == "second" else DAY + HOUR))
        since = float(first if span == "second" else first * 3600)
        kept = tx.rows("SELECT scope, start, requests, tokens FROM counters WHERE span = ? AND start >= ?", span, first)
        truth: dict[tuple[object, ...], list[int]] = {}
        rows = tx.rows("SELECT who, fingerprint, model, at, slot, tokens FROM reservations WHERE at >= ?", since)
        for row in rows:
            key, start = row["fingerprint"], start_of("second" if span == "second" else "hour", row["at"])
            for scope in (f"user:{row['who']}", f"key:{key}", f"model:{key}:{row['model']}"):
                sums = truth.setdefault((scope, start), [0, 0])
                sums[0] += row["slot"]
                sums[1] += row["tokens"]
        known = {place: tuple(sums) for place, sums in truth.items()}
        found += _compare(span, _table(kept, ("scope", "start"), ("requests", "tokens")), known)
    return found


def _strays(tx: Reading) -> list[str]:
    """Reservations that ended without an entry, and open ones that have one."""
    rows = tx.rows(
        "SELECT r.id, r.state FROM reservations r LEFT JOIN ledger l ON l.id = r.id AND l.entry = 'charge' "
        "WHERE (r.state = 'open') = (l.id IS NOT NULL)"
    )
    return [f"reservation {row['id']} is {row['state']} and does not fit the ledger" for row in rows]


def _table(
    rows: list[Row], key: tuple[str, ...], columns: tuple[str, ...]
) -> dict[tuple[object, ...], tuple[int, ...]]:
    return {tuple(row[name] for name in key): tuple(int(row[name]) for name in columns) for row in rows}


def _compare(
    name: str, kept: dict[tuple[object, ...], tuple[int, ...]], truth: dict[tuple[object, ...], tuple[int, ...]]
) -> list[str]:
    found = []
    for key in sorted(kept.keys() | truth.keys(), key=str):
        # A sum that came back to nothing may be kept as zeros.
        mine, real = kept.get(key), truth.get(key)
        if mine != real and (any(mine or ()) or any(real or ())):
            found.append(f"{name} {key}: kept {mine}, recomputed {real}")
    return found
