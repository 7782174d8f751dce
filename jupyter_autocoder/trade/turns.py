"""Orders that were said one after the other: each is sent when the one before it has filled.

A ticket is sent within seconds of its click, so only orders that fill at once can have others behind them. Where the
first may wait, or where a later size depends on what the first does, the person is asked to say the rest afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.market import Hours
from jupyter_autocoder.trade.orders import Order
from jupyter_autocoder.trade.terms import OrderType, PercentOf, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_MOVED_BY_ANY = frozenset({PercentOf.CASH, PercentOf.BUYING_POWER})


def in_turn(orders: Sequence[Order], legs: Sequence[Leg], hours: Hours) -> tuple[Leg, ...]:
    """Let every leg wait for the one before it; raises TradeRefused where a ticket cannot hold such a row."""
    for index, leg in enumerate(legs[:-1]):
        if _may_wait(leg, hours):
            what = f"no ticket: order {index + 1} ({leg.symbol}) may wait long, and another is to come after it"
            do = "say the other one when it has filled, or join them with “and” to send both at once"
            raise TradeRefused(what, reasons=("in_order",), do=do)
    for index, order in enumerate(orders):
        if _depends(order, orders[:index]):
            what = f"no ticket: how much order {index + 1} ({order.symbol}) is depends on the orders before it"
            raise TradeRefused(what, reasons=("in_order",), do="say an exact amount, or say it when those have filled")
    return tuple(replace(leg, after=index - 1 if index else None) for index, leg in enumerate(legs))


def _may_wait(leg: Leg, hours: Hours) -> bool:
    if leg.tif in _AUCTIONS or (hours.open is False and "/" not in leg.symbol):
        return True
    return leg.type is not OrderType.MARKET and leg.tif not in _AT_ONCE


def _depends(order: Order, before: Sequence[Order]) -> bool:
    size = order.size
    if before and size.percent_of in _MOVED_BY_ANY:
        return True
    of_holding = size.percent_of is PercentOf.POSITION or size.target_qty is not None
    return of_holding and any(one.symbol == order.symbol for one in before)
