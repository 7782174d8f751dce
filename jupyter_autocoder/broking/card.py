"""A ticket as a card: plain texts, made in one place for every face, so that all of them say the same.

`card()` returns JSON's own types only. A face decides about looks and escapes what it shows; it never computes.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from jupyter_autocoder.broking.entries import Entry, LegEntry
from jupyter_autocoder.trade.market import ZERO
from jupyter_autocoder.trade.states import AT_BROKER, State
from jupyter_autocoder.trade.terms import Intent, canonical
from jupyter_autocoder.trade.text import on_one_line
from jupyter_autocoder.trade.tickets import Leg, Ticket
from jupyter_autocoder.trade.words import (
    STATE_WORDS,
    act,
    company,
    duration,
    headline,
    price_terms,
    sentence,
    usd,
    verb,
)

ARM_AFTER = 0.4
HOLD_FOR = 0.8
HASH_SHOWN = 8
_ACTOR = {"human": "you", "system": "this program", "broker": "the broker", "model": "a model"}
_STEPS = {
    "propose": "proposed",
    "confirm": "confirmed",
    "approve": "approved by one person",
    "submit": "sent",
    "resubmit": "sent again under the same id",
    "accept": "accepted",
    "fill_part": "filled in part",
    "fill": "filled",
    "reject": "rejected",
    "lose": "no certain answer",
    "request_cancel": "cancel requested",
    "cancel": "cancelled",
    "dismiss": "dismissed",
    "expire": "expired",
    "supersede": "replaced by a new ticket",
    "block": "blocked",
    "ask_again": "asked again",
    "replace": "replaced",
}


def card(entry: Entry, *, now: float, events: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Everything a face shows of a ticket; `now` (epoch seconds) tells how much of its time is left."""
    return {name: _visible(value) for name, value in _texts(entry, now, events or []).items()}


def _visible(value: Any) -> Any:
    """Texts as they may be shown: a broker's message or a price source's name is somebody else's."""
    if isinstance(value, str):
        return "\n".join(on_one_line(line) for line in value.splitlines())
    if isinstance(value, list):
        return [_visible(one) for one in value]
    return {key: _visible(one) for key, one in value.items()} if isinstance(value, dict) else value


def _texts(entry: Entry, now: float, events: list[dict[str, Any]]) -> dict[str, Any]:
    ticket = entry.ticket
    live = ticket.mode == "live"
    waits = entry.state is State.PENDING and now < entry.expires
    return {
        "id": ticket.id,
        "hash": entry.hash,
        "short_hash": entry.hash[:HASH_SHOWN],
        "mode": ticket.mode,
        "banner": _banner(ticket),
        "account": tail(ticket.account),
        "broker": ticket.broker,
        "state": entry.state.value,
        "state_words": _state_words(entry, now),
        "message": entry.message,
        "successor": entry.successor,
        "parent": ticket.parent,
        "changed": list(ticket.changed),
        "text": ticket.text,
        "read_by": _read_by(ticket),
        "note": ticket.note,
        "headline": headline(ticket),
        "side": _side(ticket),
        "act": act(ticket),
        "legs": [_leg(entry, index, leg) for index, leg in enumerate(ticket.legs)],
        "follow_ups": [_follow_up(ticket, index) for index in range(len(ticket.follow_ups))],
        "left_out": list(ticket.left_out),
        "cancels": list(ticket.cancels),
        "quotes": [_quote(ticket, symbol) for symbol in ticket.quotes],
        "money": _money(ticket),
        "warnings": [{"key": one.key, "message": one.message} for one in ticket.warnings],
        "market": ticket.market,
        "confirmable": waits,
        "cancellable": any(leg.state in AT_BROKER for leg in entry.legs),
        "retry": [leg.leg for leg in entry.legs if leg.state is State.UNKNOWN and "safe to retry" in leg.message],
        "needs_hold": live or bool(ticket.warnings),
        "type_symbol": ticket.legs[0].symbol if live and len(ticket.legs) == 1 else "",
        "arm_after": ARM_AFTER,
        "hold_for": HOLD_FOR,
        "created": moment(entry.created),
        "expires": moment(entry.expires),
        "seconds_left": max(0.0, round(entry.expires - now, 1)) if waits else 0.0,
        "approvals": list(entry.approvals),
        "done": entry.done,
        "timeline": _timeline(events),
    }


def tail(account: str) -> str:
    """The end of an account's id, enough to tell it apart; paper accounts are shown whole."""
    return account if account.startswith("PAPER-") or len(account) <= 4 else f"…{account[-4:]}"


def moment(seconds: float) -> str:
    """An absolute time that stays true in a saved notebook."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _banner(ticket: Ticket) -> str:
    if ticket.mode == "live":
        return f"LIVE - REAL MONEY - account {tail(ticket.account)} at {ticket.broker}"
    return f"PAPER - play money - account {tail(ticket.account)}"


def _state_words(entry: Entry, now: float) -> str:
    if entry.state is State.PENDING and now >= entry.expires:
        return "Expired: not executed"
    words = STATE_WORDS[entry.state]
    if entry.state is State.PENDING and entry.approvals:
        return f"{words}; confirmed by {', '.join(entry.approvals)}, one more person must confirm"
    sent = [leg for leg in entry.legs if leg.sent is not None]
    if entry.state in (State.EXPIRED, State.DISMISSED) and not sent:
        return f"{words.removesuffix(': not executed')}: not executed"
    if len(entry.legs) > 1 and entry.done and sent:
        filled = sum(leg.state is State.FILLED for leg in entry.legs)
        return f"Finished: {filled} of {len(entry.legs)} orders filled"
    if entry.state is State.PARTIALLY_FILLED and len(entry.legs) == 1:
        leg = entry.legs[0]
        whole = entry.order(0).qty
        of = "" if whole is None else f" of {canonical(whole)}"
        price = "" if leg.filled_price is None else f" at {usd(leg.filled_price)}"
        return f"{words}: {canonical(leg.filled_qty)}{of}{price}"
    return words


def _read_by(ticket: Ticket) -> str:
    return {
        "model": "Interpreted by a model: compare it with your own words",
        "weights": "Made from target weights",
    }.get(ticket.read_by, "Read by fixed rules")


def _side(ticket: Ticket) -> str:
    sides = {leg.side.value for leg in ticket.legs}
    return sides.pop() if len(sides) == 1 else "both"


def _leg(entry: Entry, index: int, leg: Leg) -> dict[str, Any]:
    shares = f"{usd(leg.notional)} worth" if leg.qty is None else f"{canonical(leg.qty)} shares"
    if "/" in leg.symbol and leg.qty is not None:
        shares = f"{canonical(leg.qty)} units"
    return {
        "sentence": sentence(leg),
        "verb": verb(leg),
        "side": leg.side.value,
        "symbol": leg.symbol,
        "company": company(leg),
        "quantity": f"{shares} ({leg.derived})" if leg.derived else shares,
        "type": price_terms(leg),
        "duration": duration(leg),
        "cost": _cost(leg),
        "worst": _worst(leg),
        "position": f"{canonical(leg.held)} → {canonical(leg.then)}",
        "receipt": _receipt(entry.legs[index]) if index < len(entry.legs) else {},
    }


def _cost(leg: Leg) -> str:
    words = f"about {usd(leg.cost)}" if leg.side.value == "buy" else f"about {usd(leg.cost)} received"
    return f"{words}, fees {usd(leg.fees)}"


def _worst(leg: Leg) -> str:
    if leg.worst is not None:
        return f"at most {usd(leg.worst)}"
    if leg.intent is Intent.SHORT:
        return "no bound: a short sale can lose more than it brought in"
    if leg.side.value == "buy":
        return "no bound: it takes the price it finds; brokers reckon with 4 % more"
    if leg.limit_price is not None and leg.qty is not None:
        return f"at least {usd(leg.limit_price * leg.qty)} received if it fills"
    return "no bound: it takes the price it finds"


def _receipt(leg: LegEntry) -> dict[str, str]:
    return {
        "state": leg.state.value,
        "state_words": STATE_WORDS[leg.state],
        "client_order_id": leg.client_order_id,
        "broker_order_id": leg.broker_order_id,
        "filled": canonical(leg.filled_qty),
        "average": "" if leg.filled_price is None else usd(leg.filled_price),
        "fees": usd(leg.fees),
        "message": leg.message,
        "sent": "" if leg.sent is None else moment(leg.sent),
    }


def _follow_up(ticket: Ticket, index: int) -> str:
    follow_up = ticket.follow_ups[index]
    order = follow_up.order
    amount = f"{order['percent']} % of the proceeds" if "percent" in order else "an amount then known"
    name = ", ".join(part for part in (follow_up.name, follow_up.exchange) if part) or "name unknown"
    what = f"{order['side'].upper()} {order['symbol']} ({name}) with {amount}"
    return f"When order {follow_up.after + 1} has filled, a new ticket will ask you to {what}"


def _quote(ticket: Ticket, symbol: str) -> dict[str, str]:
    seen = ticket.quotes[symbol]
    age = max(0.0, (ticket.created - seen.time) / 1000)
    return {
        "symbol": symbol,
        "prices": f"bid {usd(seen.bid)}, ask {usd(seen.ask)}, last {usd(seen.last)}",
        "age": f"{age:.0f} s old when this was drafted"
        + (f", sample time {seen.sample_time}" if seen.sample_time else ""),
        "source": seen.source,
    }


def _money(ticket: Ticket) -> dict[str, str]:
    money = ticket.money
    if money is None:
        return {}
    return {
        "cash": f"{usd(money.cash)} → {usd(money.cash_after)}",
        "buying_power": f"{usd(money.buying_power)} → {usd(max(money.buying_power_after, ZERO))}",
        "equity": usd(money.equity),
    }


def _timeline(events: list[dict[str, Any]]) -> list[str]:
    lines = []
    for event in events:
        step = _STEPS.get(event["step"])
        if step is None:
            continue
        who = _ACTOR.get(event["actor"], event["actor"])
        leg = "" if event["leg"] is None else f"order {event['leg'] + 1}: "
        detail = event["detail"]
        filled = ""
        if event["step"] in ("fill", "fill_part") and detail.get("filled_qty"):
            price = detail.get("filled_price")
            filled = f" ({detail['filled_qty']}" + (f" at {usd(Decimal(price))})" if price else ")")
        lines.append(f"{moment(event['at'] / 1000)} {leg}{step}{filled}, by {who}")
    return lines
