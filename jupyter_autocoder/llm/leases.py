"""Reservations as rows: made, found, ended, expired, and put right after the clock was set back."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm import breakers, ledger
from jupyter_autocoder.llm.counters import HOUR, KEPT, start_of
from jupyter_autocoder.llm.reservation import Ask, Reservation, first_id
from jupyter_autocoder.store import Reading, Row, Statement, Store, Writing

# Clocks are slewed by parts of a second all the time; only more than this counts as set back.
CLOCK_SLACK: Final = 1.0
_EXPIRE_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is to be dealt with before an attempt is judged."""

    clock_back: bool = False
    overdue: bool = False
    breakers: bool = False
    signals: bool = False


COLUMNS: Final = (
    "id, who, fingerprint, model, face, notebook, process, at, expires_at, state, slot, tokens, input_tokens, "
    "output_tokens, cost"
)
_INSERT: Final = f"INSERT INTO reservations ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))})"


def add(tx: Writing, reservation: Reservation, process: str) -> None:
    """Write a reservation that has passed every limit."""
    ask, at = reservation.ask, reservation.at
    tx.run(
        _INSERT,
        *(reservation.id, reservation.user, ask.key, ask.model, ask.face, ask.notebook, process, at),
        *(reservation.expires_at, "open", 1, ask.tokens, ask.input_tokens, ask.max_output_tokens, ask.cost),
    )


def find(tx: Writing, reservation: Reservation) -> Mapping[str, Any] | None:
    """Return the row of a reservation that can still be ended, None when it has been.

    A reservation whose row is gone and which the ledger does not know (the store was replaced meanwhile) is ended all
    the same: what was used must be written down.
    """
    ask = reservation.ask
    row = tx.row(f"SELECT {COLUMNS} FROM reservations WHERE id = ?", reservation.id)
    if row is not None:
        return None if row["state"] == "ended" else row
    if tx.row("SELECT 1 FROM ledger WHERE id = ?", reservation.id):
        return None
    return {
        "id": reservation.id, "who": reservation.user, "fingerprint": ask.key, "model": ask.model, "face": ask.face,
        "notebook": ask.notebook, "process": "", "at": reservation.at, "state": "lost", "slot": 0, "tokens": 0,
    }  # fmt: skip


def estimate(lease: Mapping[str, Any]) -> Usage:
    """Return what an expired lease is charged: everything it had reserved."""
    return Usage(
        input_tokens=lease["input_tokens"],
        output_tokens=lease["output_tokens"],
        cost=lease["cost"],
        estimated=True,
        requests=1,
    )


def end_at_once(
    reservation: Reservation, entry: ledger.Entry, *, sent: bool, latency: float | None
) -> Iterator[Statement]:
    """Yield the statements that end a lease as long as it is open; the first gives a row back if it was.

    They change nothing when the lease has ended, expired or been pulled back to another time.
    """
    usage, at = entry.usage, reservation.at
    days = (start_of("day", at), start_of("month", at))
    numbers = (entry.requests, entry.failed, entry.estimated, usage.input_tokens, usage.cached_tokens)
    charge = (
        f"INSERT INTO ledger ({ledger.COLUMNS}) SELECT id, 'charge', store_now(), at, ?, ?, who, process, face, "
        "notebook, model, fingerprint, ?, ?, ?, ?, ?, ?, ?, CAST(? AS BIGINT), CAST(? AS DOUBLE PRECISION), ? "
        "FROM reservations WHERE id = ? AND state = 'open' AND at = ? RETURNING id"
    )
    values = (*days, *numbers, usage.output_tokens, usage.total_tokens, usage.cost, latency, entry.outcome)
    yield charge, (*values, reservation.id, at)
    if latency is not None:
        # By itself, because a row that moves in the windows costs three times as much as one that stays.
        sent_at = "store_now() - CAST(? AS DOUBLE PRECISION)"
        move = f"UPDATE reservations SET at = {sent_at} WHERE id = ? AND state = 'open' AND at = ? AND at < {sent_at}"
        yield move, (latency, reservation.id, at, latency)
    # Moved it lies later, and pulled back it lies earlier.
    close = "UPDATE reservations SET state = 'ended', slot = ?, tokens = ? WHERE id = ? AND state = 'open' AND at >= ?"
    yield close, (int(sent), max(usage.total_tokens, 0), reservation.id, at)


def end(tx: Writing, lease: Mapping[str, Any], *, tokens: int, sent: bool, sent_at: float) -> None:
    """Close a lease: its tokens become those used, and its place in the windows moves to when it was really sent."""
    if lease["state"] == "lost":
        return
    # Connecting takes time: the server counts from when the request came, which is later than when it was reserved.
    at = max(lease["at"], sent_at)
    tx.run(
        "UPDATE reservations SET state = 'ended', slot = ?, tokens = ?, at = ? WHERE id = ?",
        *(lease["slot"] if sent else 0, max(tokens, 0), at, lease["id"]),
    )


def survey(tx: Reading, ask: Ask, user: str, now: float) -> Survey:
    """Look whether anything besides the limits needs attention, in one statement because it hardly ever does."""
    row = tx.row(
        "SELECT (SELECT MAX(at) FROM reservations WHERE who = ?) AS newest, "
        "(SELECT MAX(at) FROM reservations WHERE fingerprint = ?) AS newest_of_key, "
        "(SELECT MIN(expires_at) FROM reservations WHERE state = 'open') AS soonest, "
        "(SELECT COUNT(*) FROM breakers WHERE scope IN (?, ?)) AS breakers, "
        "(SELECT COUNT(*) FROM server_limits WHERE fingerprint = ? AND model = ?) AS signals",
        *(user, ask.key, *breakers.names_of(ask), ask.key, ask.model),
    )
    if row is None:
        return Survey()
    return Survey(
        clock_back=max(row["newest"] or 0.0, row["newest_of_key"] or 0.0) > now + CLOCK_SLACK,
        overdue=row["soonest"] is not None and row["soonest"] <= now,
        breakers=row["breakers"] > 0,
        signals=row["signals"] > 0,
    )


def pull_back(tx: Writing, now: float) -> None:
    """Count attempts that lie in the future, since the clock was set back, as made now.

    So no window is passed, and none stays shut until the old time has come back.
    """
    tx.run("UPDATE reservations SET expires_at = ? + expires_at - at, at = ? WHERE at > ?", now, now, now)


def prune(tx: Writing, now: float) -> None:
    """Forget ended reservations that no window can reach any more, a bounded number at a time."""
    before = now - KEPT["hour"] - HOUR
    tx.run(
        "DELETE FROM reservations WHERE id IN (SELECT id FROM reservations "
        "WHERE id < ? AND at < ? AND state <> 'open' ORDER BY id LIMIT 500)",
        *(first_id(before), before),
    )


def overdue(tx: Reading, now: float, *, most: int = -1) -> list[Row]:
    """The open leases whose time is over, `most` of them or all, those first that have waited longest."""
    limit = f" LIMIT {int(most)}" if most >= 0 else ""
    return tx.rows(
        f"SELECT {COLUMNS} FROM reservations WHERE state = 'open' AND expires_at <= ? ORDER BY expires_at{limit}", now
    )


def charge_overdue(store: Store) -> int:
    """Charge every overdue lease, as a report that must be complete wants it; return how many there were."""
    with store.read() as tx:
        if not overdue(tx, tx.now(), most=1):
            return 0
    charged = 0
    while True:
        with store.write() as tx:
            batch = expire(tx, tx.now())
        charged += batch
        if not batch:
            return charged


def expire(tx: Writing, now: float) -> int:
    """Charge overdue leases at their estimate, since they may have been billed; return how many, fifty at most."""
    found = overdue(tx, now, most=_EXPIRE_AT_ONCE)
    for lease in found:
        ledger.write(tx, lease, ledger.charge(estimate(lease), ledger.EXPIRED, None), now=now)
        tx.run("UPDATE reservations SET state = 'expired' WHERE id = ?", lease["id"])
    return len(found)
