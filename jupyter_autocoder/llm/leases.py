"""Reservations as rows: made, found, ended, expired, and put right after the clock was set back."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm import ledger
from jupyter_autocoder.llm.counters import Counts
from jupyter_autocoder.llm.reservation import Reservation
from jupyter_autocoder.llm.scopes import Counted
from jupyter_autocoder.store import Writing

# Clocks are slewed by parts of a second all the time; only more than this counts as set back.
CLOCK_SLACK: Final = 1.0
_EXPIRE_AT_ONCE: Final = 50

_COLUMNS: Final = (
    "id, who, fingerprint, model, face, notebook, process, at, expires_at, state, slot, tokens, input_tokens, "
    "output_tokens, cost"
)
_INSERT: Final = f"INSERT INTO reservations ({_COLUMNS}) VALUES ({', '.join('?' * len(_COLUMNS.split(',')))})"


def add(tx: Writing, counts: Counts, reservation: Reservation, process: str, scopes: tuple[Counted, ...]) -> None:
    """Write a reservation that has passed every limit, and count it."""
    ask, at = reservation.ask, reservation.at
    tx.run(
        _INSERT,
        *(reservation.id, reservation.user, ask.key, ask.model, ask.face, ask.notebook, process, at),
        *(reservation.expires_at, "open", 1, ask.tokens, ask.input_tokens, ask.max_output_tokens, ask.cost),
    )
    for scope in scopes:
        counts.add_window(scope.name, at, now=at, requests=1, tokens=ask.tokens)
    counts.write(tx)


def find(tx: Writing, reservation: Reservation) -> Mapping[str, Any] | None:
    """Return the row of a reservation that can still be ended, None when it has been.

    `tripped` tells how many breakers stand before its model and key. A reservation whose row is gone and which the
    ledger does not know (the store was replaced meanwhile) is ended all the same: what was used must be written down.
    """
    ask = reservation.ask
    row = tx.row(
        f"SELECT {_COLUMNS}, (SELECT COUNT(*) FROM breakers WHERE scope IN (?, ?)) AS tripped "
        "FROM reservations WHERE id = ?",
        *(f"model:{ask.key}:{ask.model}", f"key:{ask.key}", reservation.id),
    )
    if row is not None:
        return None if row["state"] == "ended" else row
    if tx.row("SELECT 1 FROM ledger WHERE id = ?", reservation.id):
        return None
    return {
        "id": reservation.id, "who": reservation.user, "fingerprint": ask.key, "model": ask.model, "face": ask.face,
        "notebook": ask.notebook, "process": "", "at": reservation.at, "state": "lost", "slot": 0, "tokens": 0,
        "tripped": 0,
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


def end(
    tx: Writing, counts: Counts, lease: Mapping[str, Any], *, tokens: int, sent: bool, sent_at: float, now: float
) -> None:
    """Close a lease: its tokens become those used, and its place in the windows moves to when it was really sent."""
    if lease["state"] == "lost":
        return
    slot = lease["slot"] if sent else 0
    tokens = max(tokens, 0)
    # Connecting takes time: the server counts from when the request came, which is later than when it was reserved.
    at = max(lease["at"], sent_at)
    tx.run(
        "UPDATE reservations SET state = 'ended', slot = ?, tokens = ?, at = ? WHERE id = ?",
        *(slot, tokens, at, lease["id"]),
    )
    _move(counts, lease, at, now=now, slot=slot, tokens=tokens)


def put_right(tx: Writing, counts: Counts, now: float) -> None:
    """Bring the reservations up to the clock: expire what is overdue, pull back what lies in the future."""
    row = tx.row(
        "SELECT (SELECT MAX(at) FROM reservations) AS newest, "
        "(SELECT MIN(expires_at) FROM reservations WHERE state = 'open') AS soonest"
    )
    if row is None or row["newest"] is None:
        return
    if row["newest"] > now + CLOCK_SLACK:
        _pull_back(tx, counts, now)
        counts.write(tx)
    if row["soonest"] is not None and row["soonest"] <= now:
        _expire(tx, counts, now)
        counts.write(tx)


def _expire(tx: Writing, counts: Counts, now: float) -> None:
    """Charge overdue leases at their estimate: nobody said how they ended, and they may have been billed."""
    overdue = tx.rows(
        f"SELECT {_COLUMNS} FROM reservations WHERE state = 'open' AND expires_at <= ? ORDER BY expires_at LIMIT ?",
        *(now, _EXPIRE_AT_ONCE),
    )
    for lease in overdue:
        ledger.write(tx, counts, lease, ledger.charge(estimate(lease), ledger.EXPIRED, None), now=now)
        tx.run("UPDATE reservations SET state = 'expired' WHERE id = ?", lease["id"])


def _pull_back(tx: Writing, counts: Counts, now: float) -> None:
    """Count attempts of the future as made now: no window is passed, and none stays shut until the old time returns."""
    for lease in tx.rows(f"SELECT {_COLUMNS} FROM reservations WHERE at > ?", now):
        tx.run(
            "UPDATE reservations SET at = ?, expires_at = ? WHERE id = ?",
            *(now, now + lease["expires_at"] - lease["at"], lease["id"]),
        )
        _move(counts, lease, now, now=now, slot=lease["slot"], tokens=lease["tokens"])


def _move(counts: Counts, lease: Mapping[str, Any], at: float, *, now: float, slot: int, tokens: int) -> None:
    for scope in _scope_names(lease):
        counts.add_window(scope, lease["at"], now=now, requests=-lease["slot"], tokens=-lease["tokens"])
        counts.add_window(scope, at, now=now, requests=slot, tokens=tokens)


def _scope_names(lease: Mapping[str, Any]) -> tuple[str, ...]:
    key = lease["fingerprint"]
    return f"user:{lease['who']}", f"key:{key}", f"model:{key}:{lease['model']}"
