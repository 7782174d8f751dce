"""Order management by words: what makes less happen is done at once, what changes an order is a ticket."""

from __future__ import annotations

from typing import Any, Protocol

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.base import Broker
from jupyter_autocoder.broking.drafting import Wish, matching
from jupyter_autocoder.broking.entries import Entry
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.desk.outcome import Outcome
from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.market import OpenOrder
from jupyter_autocoder.trade.orders import Changes, Order, Reading, Size, Target
from jupyter_autocoder.trade.terms import Action, ReadBy, TimeInForce
from jupyter_autocoder.trade.tickets import CLIENT_ID_PREFIX


class Desk(Protocol):
    """What of a desk the words need; see `jupyter_autocoder.desk.desk.Desk`."""

    owner: str
    book: TicketBook

    @property
    def me(self) -> Who: ...
    def broker(self) -> Broker: ...
    def card(self, ticket: str) -> dict[str, Any]: ...
    def cancel(self, ticket: str, who: Who) -> Entry: ...
    def propose(self, wish: Wish, reading: Reading | None = None) -> Outcome: ...
    def set_trading(self, state: Switch, who: Who, *, reason: str = "") -> None: ...


def manage(desk: Desk, reading: Reading) -> Outcome:
    """Cancel or halt at once, turn a change into a ticket; ask back where the words fit no order or several."""
    if reading.action is Action.HALT:
        desk.set_trading(Switch.HALTED, desk.me, reason=reading.text)
        return Outcome(kind="done", text="Trading is halted; cancels still pass.", reading=reading)
    if reading.read_by is ReadBy.MODEL:
        # A model proposes tickets, which a person confirms; it ends no orders, which might protect a holding.
        return Outcome(kind="ask", text="Say exactly which order you mean: a model read this.", reading=reading)
    if reading.target is None:
        return Outcome(kind="ask", text="Which order do you mean?", reading=reading)
    if reading.action is Action.CANCEL and (ticket := _own_ticket(desk, reading.target)):
        return _done(desk, ticket, reading)
    found = matching(reading.target, desk.broker().open_orders())
    if not found:
        return Outcome(kind="ask", text="There is no open order that fits these words.", reading=reading)
    if reading.action is Action.CANCEL:
        return _cancel(desk, found, reading)
    if len(found) > 1:
        text = f"Say which order: {'; '.join(_named(order) for order in found)}"
        return Outcome(kind="ask", text=text, reading=reading)
    return _amend(desk, found[0], reading)


def _own_ticket(desk: Desk, target: Target) -> str:
    """The id of this person's ticket that the words name; empty when they name none."""
    return "" if not target.order_id else ticket_of(desk, target.order_id)


def ticket_of(desk: Desk, name: str) -> str:
    """The id of this person's ticket behind a ticket's or an order's name; empty when there is none."""
    ticket = name.removeprefix(CLIENT_ID_PREFIX).partition("-")[0]
    try:
        entry = desk.book.get(ticket)
    except TradeRefused:
        return ""
    return ticket if entry.ticket.owner == desk.owner else ""


def _done(desk: Desk, ticket: str, reading: Reading) -> Outcome:
    entry = desk.cancel(ticket, desk.me)
    view = desk.card(ticket)
    return Outcome(
        kind="done", text=f"{view['state_words']}: {view['headline']}", entry=entry, reading=reading, data=view
    )


def _cancel(desk: Desk, found: tuple[OpenOrder, ...], reading: Reading) -> Outcome:
    for order in found:
        ticket = ticket_of(desk, order.client_order_id)
        if ticket:
            desk.cancel(ticket, desk.me)
        else:
            desk.broker().cancel(order.client_order_id)
    text = f"Cancel requested: {'; '.join(_named(order) for order in found)}"
    return Outcome(kind="done", text=text, reading=reading)


def _amend(desk: Desk, old: OpenOrder, reading: Reading) -> Outcome:
    """Make a ticket with the change that cancels the old order before it sends the new one."""
    changes = reading.changes or Changes(tif=TimeInForce.DAY)
    qty = changes.qty or old.remaining
    if qty is None or old.exit:
        text = "This order cannot be changed, only cancelled: it is one of several parts, or in dollars."
        return Outcome(kind="ask", text=text, reading=reading)
    try:
        order = Order(
            side=old.side,
            symbol=old.symbol,
            size=Size(qty=qty),
            type=old.type,
            limit_price=changes.limit_price or old.limit_price,
            stop_price=changes.stop_price or old.stop_price,
            tif=changes.tif or old.tif or TimeInForce.DAY,
        )
    except ValueError as error:
        return Outcome(kind="ask", text=f"This change does not fit the order: {error}.", reading=reading)
    known = desk.broker().lookup(old.client_order_id)
    filled = {} if known is None else {old.client_order_id: known.filled_qty}
    wish = Wish(
        text=reading.text,
        orders=(order,),
        cancels=(old.client_order_id,),
        filled_before=filled,
        note=f"Replaces {_named(old)}.",
    )
    return desk.propose(wish, reading)


def _named(order: OpenOrder) -> str:
    return f"{order.side} {order.symbol} ({order.client_order_id})"
