"""The SQL of tickets: rows in, values out. Every function works inside a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Entry, Fill, LegEntry, Summary
from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.store import Reading, Row, Writing
from jupyter_autocoder.trade.limits import Recent, Switch
from jupyter_autocoder.trade.market import ZERO
from jupyter_autocoder.trade.states import FINAL, State
from jupyter_autocoder.trade.terms import Side, canonical
from jupyter_autocoder.trade.tickets import Ticket, decode, digest
from jupyter_autocoder.trade.words import headline

_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))
_SUMMARY = "SELECT id, owner, mode, account, status, headline, message, created, expires, changed FROM trade_tickets"
_NEWEST = "ORDER BY created DESC, id LIMIT ?"
_INSERT_TICKET = (
    "INSERT INTO trade_tickets (id, owner, session, mode, broker, account, status, body, hash, words, headline, "
    "origin, successor, message, holder, created, expires, changed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', ?, ?, ?)"
)
_INSERT_LEG = (
    "INSERT INTO trade_legs (ticket, leg, client_order_id, account, status, symbol, side, size, notional, reducing, "
    "confirmed, sent, broker_order_id, filled_qty, filled_price, fees, message, changed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, '', '', '', '', '', ?)"
)
# What was confirmed and not turned away: the orders that limits count.
_RECENT = (
    "SELECT ticket, status, symbol, side, size, notional, reducing, confirmed FROM trade_legs "
    "WHERE account = ? AND confirmed >= ? AND status NOT IN ('pending', 'blocked', 'dismissed') ORDER BY confirmed DESC"
)


def insert_ticket(tx: Writing, ticket: Ticket, who: Who, state: State, *, origin: str | None = None) -> None:
    body = ticket.body()
    tx.run(
        _INSERT_TICKET,
        ticket.id,
        ticket.owner,
        who.session,
        ticket.mode,
        ticket.broker,
        ticket.account,
        state.value,
        body,
        digest(body),
        digest(ticket.text),
        headline(ticket),
        origin,
        ticket.created / 1000,
        ticket.expires / 1000,
        tx.now(),
    )


def complete_ticket(tx: Writing, ticket: Ticket) -> None:
    """Give a draft its final text; the database refuses this for anything that was shown."""
    body = ticket.body()
    tx.run(
        "UPDATE trade_tickets SET body = ?, hash = ?, headline = ?, account = ?, expires = ? WHERE id = ?",
        body,
        digest(body),
        headline(ticket),
        ticket.account,
        ticket.expires / 1000,
        ticket.id,
    )


def insert_legs(tx: Writing, ticket: Ticket, state: State) -> None:
    for index, leg in enumerate(ticket.legs):
        tx.run(
            _INSERT_LEG,
            ticket.id,
            index,
            ticket.client_order_id(index),
            ticket.account,
            state.value,
            leg.symbol,
            leg.side.value,
            canonical(leg.size),
            canonical(leg.cost),
            int(leg.reducing),
            tx.now(),
        )


def ticket_row(tx: Reading, ticket: str) -> Row:
    """Return a ticket's row; raises TradeRefused when there is none."""
    row = tx.row("SELECT * FROM trade_tickets WHERE id = ?", ticket)
    if row is None:
        raise TradeRefused(f"there is no ticket {ticket!r}", reasons=("unknown_ticket",), do="list them, and name one")
    return row


def leg_rows(tx: Reading, ticket: str) -> list[Row]:
    return tx.rows("SELECT * FROM trade_legs WHERE ticket = ? ORDER BY leg", ticket)


def leg_row(tx: Reading, ticket: str, leg: int) -> Row:
    row = tx.row("SELECT * FROM trade_legs WHERE ticket = ? AND leg = ?", ticket, leg)
    if row is None:
        raise TradeRefused(f"ticket {ticket} has no leg {leg}", reasons=("unknown_leg",))
    return row


def entry(tx: Reading, row: Row) -> Entry:
    approvals = tx.rows("SELECT person FROM trade_approvals WHERE ticket = ? ORDER BY at", row["id"])
    return Entry(
        ticket=decode(row["body"]),
        hash=row["hash"],
        state=State(row["status"]),
        legs=tuple(_leg_entry(leg) for leg in leg_rows(tx, row["id"])),
        session=row["session"],
        message=row["message"],
        successor=row["successor"],
        holder=row["holder"],
        created=row["created"],
        expires=row["expires"],
        changed=row["changed"],
        approvals=tuple(one["person"] for one in approvals),
    )


def _leg_entry(row: Row) -> LegEntry:
    return LegEntry(
        leg=row["leg"],
        client_order_id=row["client_order_id"],
        state=State(row["status"]),
        sent=row["sent"],
        broker_order_id=row["broker_order_id"],
        filled_qty=Decimal(row["filled_qty"] or "0"),
        filled_price=Decimal(row["filled_price"]) if row["filled_price"] else None,
        fees=Decimal(row["fees"] or "0"),
        message=row["message"],
        changed=row["changed"],
    )


def summaries(tx: Reading, *, owner: str, states: Sequence[State], limit: int) -> tuple[Summary, ...]:
    wanted = ["owner = ?"] * bool(owner)
    if states:
        wanted.append(f"status IN ({', '.join('?' for _ in states)})")
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    values = [*([owner] if owner else []), *(state.value for state in states), limit]
    return tuple(
        Summary(
            id=row["id"],
            owner=row["owner"],
            mode=row["mode"],
            account=row["account"],
            state=State(row["status"]),
            headline=row["headline"],
            message=row["message"],
            created=row["created"],
            expires=row["expires"],
            changed=row["changed"],
        )
        for row in tx.rows(f"{_SUMMARY} {where} {_NEWEST}", *values)
    )


def open_tickets(tx: Reading, *, account: str) -> list[str]:
    """Tickets with a leg that was sent and is not finished."""
    found = tx.rows(
        # Our own words only.
        "SELECT DISTINCT ticket FROM trade_legs WHERE sent IS NOT NULL "  # noqa: S608
        f"AND status NOT IN ({_FINAL}) AND (? = '' OR account = ?)",
        account,
        account,
    )
    return [row["ticket"] for row in found]


def late(tx: Reading, now: float, ticket: str) -> list[Row]:
    return tx.rows(
        "SELECT * FROM trade_tickets WHERE status IN ('draft', 'pending') AND expires <= ? AND (? = '' OR id = ?)",
        now,
        ticket,
        ticket,
    )


def stranded(tx: Reading, *, account: str, ticket: str) -> list[Row]:
    """Tickets with a leg that was confirmed and never sent."""
    return tx.rows(
        "SELECT * FROM trade_tickets WHERE (? = '' OR account = ?) AND (? = '' OR id = ?) "
        "AND id IN (SELECT ticket FROM trade_legs WHERE status = 'confirmed')",
        account,
        account,
        ticket,
        ticket,
    )


def submitting(tx: Reading, *, ticket: str, account: str) -> list[Row]:
    return tx.rows(
        "SELECT t.*, l.sent AS sent FROM trade_tickets t JOIN trade_legs l ON l.ticket = t.id "
        "WHERE l.status = 'submitting' AND (? = '' OR t.account = ?) AND (? = '' OR t.id = ?)",
        account,
        account,
        ticket,
        ticket,
    )


def recent(tx: Reading, account: str, *, since: float) -> tuple[Recent, ...]:
    return tuple(
        Recent(
            at=row["confirmed"],
            ticket=row["ticket"],
            symbol=row["symbol"],
            side=Side(row["side"]),
            size=row["size"],
            # What the broker turned away counts as an order, not as money.
            notional=ZERO if row["status"] == State.REJECTED else Decimal(row["notional"]),
            reducing=bool(row["reducing"]),
        )
        for row in tx.rows(_RECENT, account, since)
    )


def known_symbols(tx: Reading, account: str) -> frozenset[str]:
    found = tx.rows("SELECT DISTINCT symbol FROM trade_legs WHERE account = ? AND sent IS NOT NULL", account)
    return frozenset(row["symbol"] for row in found)


def switch(tx: Reading) -> Switch:
    row = tx.row("SELECT state FROM trade_switch WHERE id = 1")
    return Switch.ACTIVE if row is None else Switch(row["state"])


def set_switch(tx: Writing, state: Switch, person: str, reason: str) -> None:
    tx.run(
        "INSERT INTO trade_switch (id, state, person, reason, changed) VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) "
        "DO UPDATE SET state = excluded.state, person = excluded.person, reason = excluded.reason, "
        "changed = excluded.changed",
        state.value,
        person,
        reason,
        tx.now(),
    )


def update_leg(tx: Writing, row: Row, state: State, fill: Fill) -> bool:
    """Write a leg's news; False when there are none. The state is compared and set."""
    news = {
        "status": state.value,
        "broker_order_id": fill.broker_order_id or row["broker_order_id"],
        "filled_qty": row["filled_qty"] if fill.filled_qty is None else canonical(fill.filled_qty),
        "filled_price": row["filled_price"] if fill.filled_price is None else canonical(fill.filled_price),
        "fees": row["fees"] if fill.fees is None else canonical(fill.fees),
        "message": fill.message or row["message"],
    }
    if all(row[name] == value for name, value in news.items()):
        return False
    touched = tx.run(
        "UPDATE trade_legs SET status = ?, broker_order_id = ?, filled_qty = ?, filled_price = ?, fees = ?, "
        "message = ?, changed = ? WHERE ticket = ? AND leg = ? AND status = ?",
        *news.values(),
        tx.now(),
        row["ticket"],
        row["leg"],
        row["status"],
    )
    return touched == 1
