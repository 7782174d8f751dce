"""The audit: an append-only row per move of a ticket, each chained to the one before by its hash.

Triggers in the database refuse to change or remove rows; someone who owns the file can still edit it by other means,
and then the chain shows where. A retention setting may end the chain's old part: what is removed is covered by a *cut*
that keeps the last hash, so that the rest still verifies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.store import Reading, Row, Store, Writing
from jupyter_autocoder.trade.states import FINAL, State
from jupyter_autocoder.trade.tickets import digest, encode

BEGINNING = "0" * 64
_COLUMNS = ("seq", "at", "ticket", "leg", "step", "before", "after", "actor", "person", "session", "hash", "detail")
_INSERT = (
    "INSERT INTO trade_events (seq, at, ticket, leg, step, before, after, actor, person, session, hash, detail, "
    "previous, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))
# The statement holds our own words only.
_FIRST_NEEDED = (
    "SELECT min(seq) AS seq FROM trade_events WHERE at >= ? "  # noqa: S608
    f"OR ticket IN (SELECT ticket FROM trade_legs WHERE status NOT IN ({_FINAL})) "
    "OR ticket IN (SELECT id FROM trade_tickets WHERE status = 'draft')"
)
SECRET_KEYS = frozenset(
    {"authorization", "apca-api-key-id", "apca-api-secret-key", "api_key", "secret_key", "password"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who moved a ticket: `actor` is "human", "model", "system" or "broker", `session` a kernel's or browser's."""

    actor: str
    person: str = ""
    session: str = ""


SYSTEM = Who(actor="system")
BROKER = Who(actor="broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What the verifier found; `problems` is empty when every row is in its place and unchanged."""

    rows: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def append(
    tx: Writing,
    who: Who,
    step: str,
    *,
    ticket: str = "",
    leg: int | None = None,
    before: str = "",
    after: str = "",
    ticket_hash: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one row inside the transaction that makes the move."""
    last = tx.row("SELECT seq, chain FROM trade_events ORDER BY seq DESC LIMIT 1") or _last_cut(tx)
    event = {
        "seq": last["seq"] + 1,
        "at": int(tx.now() * 1000),
        "ticket": ticket,
        "leg": leg,
        "step": step,
        "before": before,
        "after": after,
        "actor": who.actor,
        "person": who.person,
        "session": who.session,
        "hash": ticket_hash,
        "detail": encode(_redacted(detail or {})),
    }
    chain = _chain(last["chain"], event)
    tx.run(_INSERT, *(event[name] for name in _COLUMNS), last["chain"], chain)


def events(tx: Reading, ticket: str) -> list[Row]:
    """The rows of one ticket in their order, with `detail` read."""
    rows = tx.rows("SELECT * FROM trade_events WHERE ticket = ? ORDER BY seq", ticket)
    return [{**row, "detail": json.loads(row["detail"])} for row in rows]


def export(store: Store) -> Iterator[str]:
    """Yield the whole audit as JSON lines, cuts first; each line carries its chain, so the export verifies alone."""
    with store.read() as tx:
        cuts = tx.rows("SELECT upto, chain, removed, person FROM trade_cuts ORDER BY upto")
        rows = tx.rows("SELECT * FROM trade_events ORDER BY seq")
    for cut in cuts:
        yield json.dumps({"cut": dict(cut)}, sort_keys=True)
    for row in rows:
        yield json.dumps(dict(row), sort_keys=True)


def verify(store: Store) -> AuditReport:
    """Compute the chain anew, and compare every ticket's state with the last row that speaks of it."""
    with store.read() as tx:
        problems, last = [], _last_cut(tx)
        rows = tx.rows("SELECT * FROM trade_events ORDER BY seq")
        for row in rows:
            if row["seq"] != last["seq"] + 1:
                problems.append(f"rows {last['seq'] + 1} to {row['seq'] - 1} are missing")
            elif row["previous"] != last["chain"]:
                problems.append(f"row {row['seq']} does not continue row {last['seq']}")
            if _chain(row["previous"], {name: row[name] for name in _COLUMNS}) != row["chain"]:
                problems.append(f"row {row['seq']} was changed")
            last = row
        problems += _strays(tx, rows)
    return AuditReport(rows=len(rows), problems=tuple(problems))


def cut(store: Store, *, before: float, who: Who) -> int:
    """Remove rows older than `before` (epoch seconds) and return how many.

    It ends before the first row of a ticket that is not finished. The cut itself is recorded, in a table that refuses
    changes, and in the audit.
    """
    with store.write() as tx:
        needed = tx.row(_FIRST_NEEDED, int(before * 1000))
        end = tx.row("SELECT max(seq) AS seq FROM trade_events")
        if needed is None or end is None or end["seq"] is None:
            return 0
        upto = end["seq"] if needed["seq"] is None else needed["seq"] - 1
        last = tx.row("SELECT seq, chain FROM trade_events WHERE seq = ?", upto)
        if last is None:
            return 0
        count = tx.row("SELECT count(*) AS n FROM trade_events WHERE seq <= ?", upto)
        removed = count["n"] if count else 0
        values = (upto, last["chain"], removed, who.person, tx.now())
        tx.run("INSERT INTO trade_cuts (upto, chain, removed, person, at) VALUES (?, ?, ?, ?, ?)", *values)
        tx.run("DELETE FROM trade_events WHERE seq <= ?", upto)
        append(tx, who, "cut", detail={"upto": upto, "removed": removed})
    return int(removed)


def _last_cut(tx: Reading) -> Row:
    row = tx.row("SELECT upto AS seq, chain FROM trade_cuts ORDER BY upto DESC LIMIT 1")
    return row or {"seq": 0, "chain": BEGINNING}


def _chain(previous: str, event: Mapping[str, Any]) -> str:
    return digest(previous + "\n" + json.dumps(dict(event), sort_keys=True, ensure_ascii=False))


def _strays(tx: Reading, rows: list[Row]) -> Iterator[str]:
    """Tickets whose text does not fit their hash, or whose state no row accounts for."""
    last = {row["ticket"]: row["after"] for row in rows if row["leg"] is None and row["ticket"]}
    for ticket in tx.rows("SELECT id, status, body, hash FROM trade_tickets"):
        if ticket["status"] != State.DRAFT and digest(ticket["body"]) != ticket["hash"]:
            yield f"ticket {ticket['id']}: its text does not fit its hash"
        if ticket["id"] in last and last[ticket["id"]] != ticket["status"]:
            yield f"ticket {ticket['id']} is {ticket['status']}, the audit says {last[ticket['id']]}"
        elif ticket["id"] not in last and State(ticket["status"]) not in FINAL:
            yield f"ticket {ticket['id']} is {ticket['status']}, and the audit does not know it"


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: "***" if str(key).lower() in SECRET_KEYS else _redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    # Brokers' raw answers may hold JSON numbers; an audit row keeps them as the text they came as.
    return repr(value) if isinstance(value, float) else value
