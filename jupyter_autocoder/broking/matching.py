"""When an order of the paper broker trades, and what a trade does to a holding: arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from jupyter_autocoder.trade.market import ZERO, Quote
from jupyter_autocoder.trade.terms import OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

FINEST = Decimal("0.000000001")
HUNDRED = Decimal(100)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """An order at work: `triggered` once its stop was reached, `mark` the best price a trailing stop has seen."""

    order: Leg
    filled: Decimal = ZERO
    triggered: bool = False
    mark: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Shares that change hands at one price."""

    qty: Decimal
    price: Decimal


def meet(working: Working, quote: Quote) -> tuple[Working, Trade | None]:
    """Show an order one price: its state afterwards, and the trade if there is one.

    An order in dollars becomes shares at the price it meets. A fill-or-kill order trades in full or not at all.
    """
    working = _watch(working, quote)
    if not working.triggered:
        return working, None
    order = working.order
    price = quote.against(order.side)
    limit = order.limit_price
    if limit is not None and (price > limit if order.side is Side.BUY else price < limit):
        return working, None
    wanted = _wanted(order, price) - working.filled
    there = wanted if quote.size is None else min(wanted, quote.size)
    if there <= 0 or (order.tif is TimeInForce.FOK and there < wanted):
        return working, None
    return replace(working, filled=working.filled + there), Trade(qty=there, price=price)


def total(order: Leg, price: Decimal | None) -> Decimal | None:
    """How many shares an order is in all; None for dollars without a price."""
    if order.qty is not None:
        return order.qty
    return None if price is None else _wanted(order, price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position as the paper account keeps it: `cost` is the average price of what is held."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO

    def after(self, side: Side, trade: Trade) -> tuple[Holding, Decimal]:
        """Return the holding after a trade and the gain that the trade locked in."""
        moved = trade.qty if side is Side.BUY else -trade.qty
        qty = self.qty + moved
        closing = min(abs(moved), abs(self.qty)) if self.qty * moved < 0 else ZERO
        gain = (trade.price - self.cost) * closing * (1 if self.qty > 0 else -1)
        if qty == 0:
            return Holding(), gain
        if closing and abs(moved) <= abs(self.qty):
            return replace(self, qty=qty), gain
        if closing:
            return Holding(qty=qty, cost=trade.price), gain
        cost = (abs(self.qty) * self.cost + trade.qty * trade.price) / abs(qty)
        return Holding(qty=qty, cost=cost.quantize(FINEST)), gain


def _watch(working: Working, quote: Quote) -> Working:
    order = working.order
    if working.triggered:
        return working
    if order.type in (OrderType.MARKET, OrderType.LIMIT):
        return replace(working, triggered=True)
    if order.type is OrderType.TRAILING_STOP:
        better = max if order.side is Side.SELL else min
        mark = quote.last if working.mark is None else better(working.mark, quote.last)
        working = replace(working, mark=mark)
        stop = _trailing_stop(order, mark)
    else:
        assert order.stop_price is not None
        stop = order.stop_price
    reached = quote.last <= stop if order.side is Side.SELL else quote.last >= stop
    return replace(working, triggered=True) if reached else working


def _trailing_stop(order: Leg, mark: Decimal) -> Decimal:
    away = order.trail_price if order.trail_percent is None else mark * order.trail_percent / HUNDRED
    assert away is not None
    return mark - away if order.side is Side.SELL else mark + away


def _wanted(order: Leg, price: Decimal) -> Decimal:
    if order.qty is not None:
        return order.qty
    assert order.notional is not None
    return (order.notional / price).quantize(FINEST, ROUND_DOWN)
