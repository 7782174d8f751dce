"""From an order as said ("half of my AAPL") to a leg with a number: shares or dollars, and how they were come by.

Pure: it works on a `Snapshot`. What cannot be sized is refused with a sentence; what is merely unwise is the gate's
business. Numbers are always rounded towards doing less.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.case import Capabilities
from jupyter_autocoder.trade.market import ZERO, Asset, Snapshot
from jupyter_autocoder.trade.orders import Order, Size
from jupyter_autocoder.trade.terms import Intent, OrderClass, PercentOf, Side, TimeInForce, canonical
from jupyter_autocoder.trade.tickets import Leg

CENT = Decimal("0.01")
FINEST = Decimal("0.000000001")
HUNDRED = Decimal(100)
Fees = Callable[[Leg], Decimal]


def no_fees(leg: Leg) -> Decimal:
    return ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizer:
    """What sizes the orders of one ticket: the state of things, what the broker can do, what it charges."""

    snapshot: Snapshot
    capabilities: Capabilities
    fees: Fees = no_fees

    def leg(self, order: Order, *, proceeds: Decimal | None = None) -> Leg:
        """Size one order; `proceeds` is what an earlier sale brought, for an order that spends it.

        Raises TradeRefused when there is nothing to take a percentage of, no price to divide by, or nothing to do.
        """
        order = self._closing_side(order)
        qty, notional, derived = self._amount(order, proceeds)
        in_dollars = order.type in self.capabilities.notional_types and order.order_class is None
        if notional is not None and not in_dollars:
            qty, derived = self._shares(order, notional, derived)
            notional = None
        size = qty if notional is None else notional
        if size is None or size <= 0:
            raise _refuse(f"nothing to {order.side} of {order.symbol}: {derived or 'the size comes to zero'}")
        return self._leg(order, qty=qty, notional=notional, derived=derived)

    def _closing_side(self, order: Order) -> Order:
        """Turn "close" of a short holding into the purchase that it is."""
        of_position = order.size.percent_of is PercentOf.POSITION and order.intent is None
        if of_position and order.side is Side.SELL and self.snapshot.held(order.symbol) < 0:
            return dataclasses.replace(order, side=Side.BUY, intent=Intent.COVER)
        return order

    def _amount(self, order: Order, proceeds: Decimal | None) -> tuple[Decimal | None, Decimal | None, str]:
        """Return shares, dollars (one of them None) and the derivation."""
        size = order.size
        if size.qty is not None:
            return size.qty, None, ""
        if size.notional is not None:
            return None, size.notional, ""
        if size.target_qty is not None:
            return self._to_target(order, size.target_qty)
        percent = size.percent if size.percent is not None else HUNDRED
        if size.percent_of is PercentOf.POSITION:
            return self._of_position(order, percent)
        account = self.snapshot.account
        bases = {
            PercentOf.CASH: ("cash", account.cash),
            PercentOf.EQUITY: ("equity", account.equity),
            PercentOf.BUYING_POWER: ("buying power", account.buying_power),
            PercentOf.PROCEEDS: ("proceeds", proceeds or ZERO),
        }
        name, base = bases[size.percent_of or PercentOf.CASH]
        dollars = (base * percent / HUNDRED).quantize(CENT, ROUND_DOWN)
        return None, dollars, f"{canonical(percent)} % of ${base:,.2f} {name}"

    def _to_target(self, order: Order, target: Decimal) -> tuple[Decimal, None, str]:
        held = self.snapshot.held(order.symbol)
        move = target - held if order.side is Side.BUY else held - target
        return max(move, ZERO), None, f"to hold {canonical(target)}, from {canonical(held)}"

    def _of_position(self, order: Order, percent: Decimal) -> tuple[Decimal, None, str]:
        held = abs(self.snapshot.held(order.symbol))
        if held == 0:
            raise _refuse(f"there is no holding of {order.symbol} to {order.side} {canonical(percent)} % of")
        exact = held * percent / HUNDRED
        unit = FINEST if percent == HUNDRED or held != held.to_integral_value() else Decimal(1)
        qty = exact.quantize(unit, ROUND_DOWN)
        derived = f"{canonical(percent)} % of {canonical(held)}"
        if qty != exact:
            derived += f" = {canonical(exact.quantize(Decimal('0.001')))}, rounded down"
        return qty, None, derived

    def _shares(self, order: Order, dollars: Decimal, derived: str) -> tuple[Decimal, str]:
        """Whole shares for an amount in dollars, where the broker takes none."""
        price = self._price(order)
        if not price:
            raise _refuse(f"there is no price for {order.symbol}, so ${dollars:,.2f} cannot be turned into shares")
        unit = FINEST if "/" in order.symbol else Decimal(1)
        qty = (dollars / price).quantize(unit, ROUND_DOWN)
        words = f"${dollars:,.2f} at ${price:,.2f}"
        return qty, f"{derived}: {words}" if derived else words

    def _price(self, order: Order) -> Decimal | None:
        if said := order.limit_price or order.stop_price:
            return said
        quote = self.snapshot.quotes.get(order.symbol)
        return None if quote is None else quote.against(order.side)

    def _leg(self, order: Order, *, qty: Decimal | None, notional: Decimal | None, derived: str) -> Leg:
        asset = self.snapshot.assets.get(order.symbol) or Asset(symbol=order.symbol)
        price = self._price(order)
        entry = price or ZERO
        leg = Leg(
            side=order.side,
            symbol=order.symbol,
            name=asset.name,
            exchange=asset.exchange,
            qty=qty,
            notional=notional,
            type=order.type,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            trail_percent=order.trail_percent,
            trail_price=order.trail_price,
            tif=order.tif,
            extended_hours=order.extended_hours,
            intent=order.intent,
            order_class=order.order_class,
            take_profit=_take_profit(order, entry),
            stop_loss=_stop_loss(order, entry),
            stop_loss_limit=order.stop_loss.limit_price if order.stop_loss else None,
            derived=derived,
            price=price,
        )
        return self._estimated(leg)

    def _estimated(self, leg: Leg) -> Leg:
        price = leg.take_profit if leg.order_class is OrderClass.OCO else leg.price
        cost = leg.notional if leg.qty is None else leg.qty * (price or ZERO)
        cost = (cost or ZERO).quantize(CENT)
        moved = leg.qty
        if moved is None:
            moved = (cost / price).quantize(FINEST, ROUND_DOWN) if price else ZERO
        held = self.snapshot.held(leg.symbol)
        then = held + moved if leg.side is Side.BUY else held - moved
        leg = dataclasses.replace(leg, cost=cost, held=held, then=then)
        fees = self.fees(leg)
        return dataclasses.replace(
            leg, fees=fees, worst=_worst(leg, fees), reducing=abs(then) < abs(held) and then * held >= 0
        )


def close_all(snapshot: Snapshot, excluded: tuple[str, ...] = ()) -> tuple[Order, ...]:
    """The orders that end every holding, long and short, sales first."""
    orders = []
    for symbol, position in sorted(snapshot.positions.items(), key=lambda item: (item[1].qty < 0, item[0])):
        if symbol in excluded or position.qty == 0:
            continue
        orders.append(_plain_order(symbol, -position.qty, cover=position.qty < 0))
    if not orders:
        raise _refuse("there is no holding to close")
    return tuple(orders)


def rebalance(
    weights: Mapping[str, Decimal], snapshot: Snapshot, *, whole: bool, skip_below: Decimal
) -> tuple[tuple[Order, ...], tuple[str, ...]]:
    """Return the orders towards target weights (percent of equity), sales first, and what was left alone and why.

    `whole`: what is held and not named goes to zero. `skip_below` is in percent of equity. Whole shares only, except
    for crypto pairs. Raises TradeRefused on weights that make no sense or a symbol without a price.
    """
    _check_weights(weights)
    targets = dict(weights)
    if whole:
        targets |= dict.fromkeys(set(snapshot.positions) - set(weights), ZERO)
    orders, left = [], []
    equity = snapshot.account.equity
    for symbol in sorted(targets):
        move = _towards(symbol, equity * targets[symbol] / HUNDRED, snapshot, gone=targets[symbol] == 0)
        quote = snapshot.quotes.get(symbol)
        value = abs(move) * quote.last if quote else ZERO
        if move == 0 or (value < equity * skip_below / HUNDRED and targets[symbol] != 0):
            left.append(f"{symbol}: within {canonical(skip_below)} % of its target")
        else:
            orders.append(_plain_order(symbol, move, cover=snapshot.held(symbol) < 0 and move > 0))
    orders.sort(key=lambda order: order.side is Side.BUY)
    if not orders:
        raise _refuse("every holding is at its target already")
    return tuple(orders), tuple(left)


def _check_weights(weights: Mapping[str, Decimal]) -> None:
    for symbol, weight in weights.items():
        if not weight.is_finite() or weight < 0:
            raise _refuse(f"the weight of {symbol} is {weight}: weights are percentages from 0 to 100")
    if (total := sum(weights.values(), ZERO)) > HUNDRED:
        raise _refuse(f"the weights sum to {canonical(total)} %, more than 100 %")


def _towards(symbol: str, value: Decimal, snapshot: Snapshot, *, gone: bool) -> Decimal:
    held = snapshot.held(symbol)
    if gone:
        return -held
    quote = snapshot.quotes.get(symbol)
    if quote is None:
        raise _refuse(f"there is no price for {symbol}, so its weight cannot be turned into shares")
    unit = FINEST if "/" in symbol else Decimal(1)
    price = quote.ask if value > held * quote.last else quote.bid
    return (value / price - held).quantize(unit, ROUND_DOWN)


def _plain_order(symbol: str, move: Decimal, *, cover: bool = False) -> Order:
    return Order(
        side=Side.BUY if move > 0 else Side.SELL,
        symbol=symbol,
        size=Size(qty=abs(move)),
        tif=TimeInForce.GTC if "/" in symbol else TimeInForce.DAY,
        intent=Intent.COVER if cover and move > 0 else None,
    )


def _take_profit(order: Order, entry: Decimal) -> Decimal | None:
    exit_ = order.take_profit
    if exit_ is None:
        return None
    if exit_.percent is None:
        return exit_.limit_price
    return _away(entry, exit_.percent, up=_gains_above(order))


def _stop_loss(order: Order, entry: Decimal) -> Decimal | None:
    exit_ = order.stop_loss
    if exit_ is None:
        return None
    if exit_.percent is None:
        return exit_.stop_price
    return _away(entry, exit_.percent, up=not _gains_above(order))


def _gains_above(order: Order) -> bool:
    return (order.side is Side.SELL) == (order.order_class is OrderClass.OCO)


def _away(entry: Decimal, percent: Decimal, *, up: bool) -> Decimal:
    if entry <= 0:
        raise _refuse("there is no price to take a percentage of")
    price = entry * (HUNDRED + (percent if up else -percent)) / HUNDRED
    if price <= 0:
        raise _refuse(f"{canonical(percent)} % below the entry is no price")
    return price.quantize(CENT if price >= 1 else Decimal("0.0001"))


def _worst(leg: Leg, fees: Decimal) -> Decimal | None:
    """The most that a purchase can cost; None where nothing bounds it, and for sales."""
    if leg.side is Side.SELL:
        return None
    if leg.notional is not None:
        return leg.notional + fees
    if leg.limit_price is None or leg.qty is None:
        return None
    return (leg.qty * leg.limit_price + fees).quantize(CENT)


def _refuse(what: str) -> TradeRefused:
    return TradeRefused(what, reasons=("size",), do="say how much in another way")
