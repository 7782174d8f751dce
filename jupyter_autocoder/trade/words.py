"""Orders and tickets as sentences: what a card, a list and a receipt say."""

from __future__ import annotations

from decimal import Decimal

from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, TimeInForce, canonical
from jupyter_autocoder.trade.tickets import Leg, Ticket

LONGEST = 200
_TIF = {
    TimeInForce.DAY: "today, regular hours only",
    TimeInForce.GTC: "until cancelled",
    TimeInForce.IOC: "at once, whatever part of it can be filled",
    TimeInForce.FOK: "at once and in full, or not at all",
    TimeInForce.OPG: "in the opening auction only",
    TimeInForce.CLS: "in the closing auction only",
}
# A limit or a stop alone says its name with its price.
_TYPE = {
    OrderType.MARKET: "market",
    OrderType.STOP_LIMIT: "stop-limit",
    OrderType.TRAILING_STOP: "trailing stop",
}
STATE_WORDS = {
    State.DRAFT: "Draft: being prepared, not executed",
    State.PENDING: "Preview only: not executed",
    State.CONFIRMED: "Confirmed, not sent yet",
    State.SUBMITTING: "Being sent",
    State.ACCEPTED: "Accepted by the broker, not filled yet",
    State.PARTIALLY_FILLED: "Filled in part",
    State.CANCEL_REQUESTED: "Cancel requested, not confirmed by the broker yet",
    State.UNKNOWN: "Unknown: checking with the broker",
    State.FILLED: "Filled",
    State.DISMISSED: "Dismissed: not executed",
    State.EXPIRED: "Expired",
    State.SUPERSEDED: "Replaced by a new ticket: not executed",
    State.BLOCKED: "Blocked: not executed",
    State.REJECTED: "Rejected by the broker",
    State.CANCELLED: "Cancelled",
    State.REPLACED: "Replaced at the broker",
}


def usd(value: Decimal | None) -> str:
    """Write dollars with cents, and with four decimals where cents would hide the price."""
    if value is None:
        return "unknown"
    sign = "-" if value < 0 else ""
    size = abs(value)
    return f"{sign}${size:,.4f}" if size < 1 and size != round(size, 2) else f"{sign}${size:,.2f}"


def verb(leg: Leg) -> str:
    if leg.intent is Intent.SHORT:
        return "SELL SHORT"
    return "BUY TO COVER" if leg.intent is Intent.COVER else leg.side.value.upper()


def size(leg: Leg) -> str:
    return f"{usd(leg.notional)} of" if leg.qty is None else canonical(leg.qty)


def company(leg: Leg) -> str:
    """The company's name and exchange, which always stand beside a ticker."""
    return ", ".join(part for part in (leg.name, leg.exchange) if part) or "name unknown"


def price_terms(leg: Leg) -> str:
    """The type of an order with its prices: "stop-limit, stop $95.00, limit $94.50"."""
    if leg.order_class is OrderClass.OCO:
        return f"exit pair: {_exits(leg)}"
    parts = [_TYPE[leg.type]] if leg.type in _TYPE else []
    if leg.stop_price is not None:
        parts.append(f"stop {usd(leg.stop_price)}")
    if leg.limit_price is not None:
        parts.append(f"limit {usd(leg.limit_price)}")
    if leg.trail_percent is not None:
        parts.append(f"trailing {canonical(leg.trail_percent)} %")
    if leg.trail_price is not None:
        parts.append(f"trailing {usd(leg.trail_price)}")
    if exits := _exits(leg):
        parts.append(f"then {exits}")
    return ", ".join(parts)


def duration(leg: Leg) -> str:
    if leg.extended_hours:
        return f"{_TIF[leg.tif].replace(', regular hours only', '')}, extended hours too"
    return "today" if leg.tif is TimeInForce.DAY and "/" in leg.symbol else _TIF[leg.tif]


def sentence(leg: Leg) -> str:
    """One leg in full: "SELL 50 AAPL (Apple Inc., NASDAQ), market, today, regular hours only"."""
    turn = "" if leg.after is None else f", when order {leg.after + 1} has filled"
    return f"{verb(leg)} {size(leg)} {leg.symbol} ({company(leg)}), {price_terms(leg)}, {duration(leg)}{turn}"


def short(leg: Leg) -> str:
    return f"{verb(leg)} {size(leg)} {leg.symbol}"


def headline(ticket: Ticket) -> str:
    """One line for lists and banners."""
    if len(ticket.legs) == 1:
        return sentence(ticket.legs[0])
    if not ticket.legs:
        return ticket.text[:LONGEST]
    first, *others = ticket.legs
    rest = "".join(f"; {'' if leg.after is None else 'then '}{short(leg)}" for leg in others)
    line = f"{len(ticket.legs)} orders: {short(first)}{rest}"
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def act(ticket: Ticket) -> str:
    """The words on the control that confirms: what it does, never "OK"."""
    if len(ticket.legs) != 1:
        return f"Send {len(ticket.legs)} orders"
    leg = ticket.legs[0]
    return f"{verb(leg).capitalize()} {size(leg)} {leg.symbol}"


def _exits(leg: Leg) -> str:
    parts = []
    if leg.take_profit is not None:
        parts.append(f"take profit at {usd(leg.take_profit)}")
    if leg.stop_loss is not None:
        limit = f" (limit {usd(leg.stop_loss_limit)})" if leg.stop_loss_limit is not None else ""
        parts.append(f"stop loss at {usd(leg.stop_loss)}{limit}")
    return " and ".join(parts)
