"""The gate before every order: hard refusals and soft warnings over plain data, the same at draft and at confirm.

A refusal cannot be overridden in a card. A warning needs the person's tick. Every rule looks at every leg and all
findings are collected, so that a person meets them once. Legs that only make a holding smaller are free of the limits
on size, so that nobody is locked into a position. Cancels never come here: they always pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, Decimal

from jupyter_autocoder.trade.case import Capabilities, Case, Judgement, Limits, Recent, Switch
from jupyter_autocoder.trade.market import ZERO, Asset, OpenOrder
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce, canonical
from jupyter_autocoder.trade.tickets import Leg, Remark

__all__ = ["Capabilities", "Case", "Judgement", "Limits", "Recent", "Switch", "judge"]

DAY = 86_400.0
MINUTE = 60.0
# What brokers add to a market order's price before they look at the buying power: 2.5 to 4 % (Alpaca's documentation).
MARKET_PAD = Decimal("1.04")
HUNDRED = Decimal(100)


Found = Iterator[tuple[str, str]]


def judge(case: Case) -> Judgement:
    """Put every leg through every rule."""
    return Judgement(
        refusals=tuple([*_whole(case, _BASKET_RULES), *_each(case, _HARD_RULES)]),
        warnings=tuple([*_whole(case, (_model_read, _same_text, _closed)), *_each(case, _SOFT_RULES)]),
    )


def _each(case: Case, rules: tuple[Callable[[Case, int, Leg], Found], ...]) -> Iterator[Remark]:
    for index, leg in enumerate(case.legs):
        for rule in rules:
            for name, message in rule(case, index, leg):
                yield Remark(rule=name, message=message, leg=index)


def _whole(case: Case, rules: tuple[Callable[[Case], Found], ...]) -> Iterator[Remark]:
    for rule in rules:
        for name, message in rule(case):
            yield Remark(rule=name, message=message)


def _usd(value: Decimal) -> str:
    return f"${value:,.2f}"


# -- hard, over all legs -----------------------------------------------------------------------------------------------
def _switch(case: Case) -> Found:
    if case.switch is Switch.HALTED:
        yield "halted", "trading is halted; only cancels pass"
    elif case.switch is Switch.REDUCING and not all(case.reduces(index) for index in range(len(case.legs))):
        yield "reducing_only", "trading is reducing only: nothing may open or enlarge a holding"


def _account(case: Case) -> Found:
    account = case.snapshot.account
    if account.mode != case.mode:
        yield "mode_mismatch", f"the ticket is {case.mode}, the account at the broker is {account.mode}"
    if case.account and account.id != case.account:
        yield "account_mismatch", "the account at the broker is not the account of this ticket"
    if case.mode == "live" and case.live_refusal:
        yield "live_not_enabled", case.live_refusal
    if account.blocked:
        yield "account_blocked", account.blocked


def _daily(case: Case) -> Found:
    growing = [leg for index, leg in enumerate(case.legs) if not case.reduces(index)]
    recent = [one for one in case.recent if case.now - one.at < DAY]
    spent = sum((one.notional for one in recent if not one.reducing), ZERO)
    asked = sum((leg.cost for leg in growing), ZERO)
    if growing and spent + asked > case.limits.max_daily_notional:
        room = max(case.limits.max_daily_notional - spent, ZERO)
        yield "max_daily_notional", f"{_usd(asked)} is over what is left of the daily limit: {_usd(room)}"
    if growing and len(recent) + len(case.legs) > case.limits.max_daily_orders:
        yield "max_daily_orders", f"{len(recent)} orders in 24 hours; the limit is {case.limits.max_daily_orders}"
    loss = case.snapshot.account.day_loss
    # A limit of nothing is the strictest: a notebook may lower the limit, never take it away.
    if growing and loss > ZERO and loss >= case.limits.max_daily_loss:
        yield "max_daily_loss", f"today's realised loss is {_usd(loss)}: nothing new is opened"


def _rate(case: Case) -> Found:
    last_minute = sum(case.now - one.at < MINUTE for one in case.recent)
    if last_minute + len(case.legs) > case.limits.max_orders_per_minute:
        yield "rate", f"{last_minute} orders in the last minute; the limit is {case.limits.max_orders_per_minute}"


def _buying_power(case: Case) -> Found:
    need = most = ZERO
    for index, leg in enumerate(case.legs):
        if leg.order_class is OrderClass.OCO:
            continue
        if case.reduces(index):
            need -= leg.cost if leg.side is Side.SELL else ZERO
        else:
            need += leg.cost * (MARKET_PAD if leg.type is OrderType.MARKET and leg.qty is not None else 1) + leg.fees
        most = max(most, need)
    if any(leg.after is not None for leg in case.legs):
        need = most  # A sale that comes after a purchase pays for nothing.
    if need > case.snapshot.account.buying_power:
        have = _usd(case.snapshot.account.buying_power)
        yield "buying_power", f"about {_usd(need)} is needed (market orders are counted 4 % higher), there is {have}"


_BASKET_RULES = (_switch, _account, _daily, _rate, _buying_power)


# -- hard, leg by leg --------------------------------------------------------------------------------------------------
def _symbol(case: Case, index: int, leg: Leg) -> Found:
    asset = case.snapshot.assets.get(leg.symbol)
    if asset is None:
        yield "unknown_symbol", f"{leg.symbol} is not known to the broker"
    elif not asset.tradable:
        yield "not_tradable", f"{leg.symbol} cannot be traded at the broker"


def _quote(case: Case, index: int, leg: Leg) -> Found:
    if leg.type is not OrderType.MARKET:
        return
    quote = case.quote(leg)
    if quote is None:
        yield "no_quote", f"there is no price for {leg.symbol}, so no market order; say a limit price instead"
    elif case.snapshot.hours.open and case.now - quote.time > case.limits.quote_age:
        age = int(case.now - quote.time)
        yield "no_quote", f"the price of {leg.symbol} is {age} s old, so no market order; say a limit price instead"


def _quantity(case: Case, index: int, leg: Leg) -> Found:
    if not leg.size.is_finite() or leg.size <= 0:
        yield "quantity", f"the size must be above zero, not {leg.size}"


def _precision(case: Case, index: int, leg: Leg) -> Found:
    if leg.qty is not None and _places(leg.qty) > 9:
        yield "precision", f"{canonical(leg.qty)} shares: at most 9 decimals"
    if leg.notional is not None and _places(leg.notional) > 2:
        yield "precision", f"${canonical(leg.notional)}: dollars have at most 2 decimals"
    if "/" in leg.symbol:
        return
    for price in (leg.limit_price, leg.stop_price, leg.take_profit, leg.stop_loss, leg.stop_loss_limit):
        if price is not None and _places(price) > (2 if price >= 1 else 4):
            yield "precision", f"${canonical(price)}: prices have 2 decimals, below one dollar 4"


def _places(number: Decimal) -> int:
    text = canonical(number)
    return len(text.partition(".")[2])


def _supported(case: Case, index: int, leg: Leg) -> Found:
    can = case.capabilities
    if leg.type not in can.types:
        yield "unsupported", f"this broker has no {leg.type} orders"
    if leg.tif not in can.times:
        yield "unsupported", f"this broker has no time in force {leg.tif}"
    if leg.order_class is not None and leg.order_class not in can.classes:
        yield "unsupported", f"this broker has no {leg.order_class} orders"
    if leg.extended_hours and not can.extended_hours:
        yield "unsupported", "this broker does not trade in extended hours"
    if leg.extended_hours and leg.type is not OrderType.LIMIT:
        yield "extended_hours_limit", "in extended hours only limit orders are taken"
    if leg.notional is not None and leg.type not in can.notional_types:
        yield "unsupported", f"this broker takes no {leg.type} orders in dollars"
    yield from _fraction(case, leg)


def _fraction(case: Case, leg: Leg) -> Found:
    if leg.qty is None or leg.qty == leg.qty.to_integral_value() or "/" in leg.symbol:
        return
    asset = case.snapshot.assets.get(leg.symbol, Asset(symbol=leg.symbol))
    if leg.type not in case.capabilities.fractional_types or asset.fractionable is False:
        yield "fraction", f"{canonical(leg.qty)}: fractions of {leg.symbol} cannot be traded this way here"
    elif leg.tif is not TimeInForce.DAY or leg.order_class is not None:
        yield "fraction", "fractions are traded in plain orders for the day only"


def _band(case: Case, index: int, leg: Leg) -> Found:
    quote = case.quote(leg)
    if leg.limit_price is None or quote is None:
        return
    base = quote.against(leg.side) if leg.stop_price is None else leg.stop_price
    through = leg.limit_price - base if leg.side is Side.BUY else base - leg.limit_price
    if through > base * case.limits.price_band / HUNDRED:
        where = "above" if leg.side is Side.BUY else "below"
        band = canonical(case.limits.price_band)
        yield "price_band", f"the limit {_usd(leg.limit_price)} is more than {band} % {where} {_usd(base)}"


def _exits(case: Case, index: int, leg: Leg) -> Found:
    quote = case.quote(leg)
    entry = leg.limit_price or leg.stop_price or (None if quote is None else quote.last)
    if leg.order_class is None or entry is None:
        return
    # An exit pair sells what is held; the exits of an entry turn it round.
    gains_above = (leg.side is Side.SELL) == (leg.order_class is OrderClass.OCO)
    sign = 1 if gains_above else -1
    if leg.take_profit is not None and (leg.take_profit - entry) * sign <= 0:
        yield "exits", f"taking profit at {_usd(leg.take_profit)} is on the losing side of {_usd(entry)}"
    if leg.stop_loss is not None and (entry - leg.stop_loss) * sign <= 0:
        yield "exits", f"the stop at {_usd(leg.stop_loss)} is on the winning side of {_usd(entry)}"


def _max_notional(case: Case, index: int, leg: Leg) -> Found:
    if leg.cost > case.limits.max_order_notional and not case.reduces(index):
        limit = _usd(case.limits.max_order_notional)
        yield "max_order_notional", f"{_usd(leg.cost)} is over the limit of {limit} for one order"


def _direction(case: Case, index: int, leg: Leg) -> Found:
    held, qty = case.held_before(index), case.qty(leg)
    if leg.side is Side.SELL and leg.intent is Intent.SHORT:
        yield from _short(case, leg, held)
    elif leg.side is Side.SELL and qty > max(held, ZERO):
        have = f"you hold {canonical(held)}" if held > 0 else "you hold none"
        yield "oversell", f"selling {_round(qty)} {leg.symbol}: {have}; a short sale has to be called one"
    elif leg.intent is Intent.COVER and qty > max(-held, ZERO):
        yield "overcover", f"covering {_round(qty)} {leg.symbol}: the short holding is {canonical(max(-held, ZERO))}"
    elif leg.side is Side.BUY and held < 0 and qty > -held:
        yield "crosses_zero", f"you are short {canonical(-held)} {leg.symbol}; cover that first, then buy"


def _short(case: Case, leg: Leg, held: Decimal) -> Found:
    asset = case.snapshot.assets.get(leg.symbol)
    if not case.limits.allow_short:
        yield (
            "short_disabled",
            "short sales are switched off; [trade] allow_short in the configuration file allows them",
        )
    elif not case.capabilities.short or (asset is not None and asset.shortable is False):
        yield "short_disabled", f"{leg.symbol} cannot be sold short at this broker"
    if held > 0:
        yield "short_over_long", f"you hold {canonical(held)} {leg.symbol}; sell those first"


def _held_shares(case: Case, index: int, leg: Leg) -> Found:
    held, promised = case.held_before(index), case.promised(leg)
    closes = held != 0 and (leg.side is Side.SELL) == (held > 0)
    if closes and promised and case.qty(leg) > abs(held) - promised and case.qty(leg) <= abs(held):
        yield "held_shares", f"{canonical(promised)} of {canonical(abs(held))} {leg.symbol} are held by open orders"


def _wash(case: Case, index: int, leg: Leg) -> Found:
    if leg.order_class is OrderClass.OCO:
        return
    for order in case.open_orders(leg.symbol):
        if order.side is not leg.side and not order.exit and _could_meet(leg, order):
            yield "wash", f"an open {order.side} order for {leg.symbol} could trade against this one; cancel it first"
            return


def _could_meet(leg: Leg, order: OpenOrder) -> bool:
    if leg.limit_price is None or order.limit_price is None:
        return True
    buy, sell = (leg, order) if leg.side is Side.BUY else (order, leg)
    assert buy.limit_price is not None
    assert sell.limit_price is not None
    return buy.limit_price >= sell.limit_price


_HARD_RULES = (
    _symbol,
    _quote,
    _quantity,
    _precision,
    _supported,
    _band,
    _exits,
    _max_notional,
    _direction,
    _held_shares,
    _wash,
)


# -- soft --------------------------------------------------------------------------------------------------------------
def _model_read(case: Case) -> Found:
    if case.read_by == "model":
        yield "model_read", "a model interpreted these words; compare them with the order"


def _same_text(case: Case) -> Found:
    if case.same_text:
        yield "same_text", case.same_text


def _closed(case: Case) -> Found:
    hours = case.snapshot.hours
    if all("/" in leg.symbol for leg in case.legs):
        return
    if hours.open is False:
        yield "market_closed", f"the market is closed: the order will wait. {hours.note}".strip()
    elif hours.open is None:
        yield "hours_unknown", "nobody here knows whether the market is open; the order may wait"


def _far(case: Case, index: int, leg: Leg) -> Found:
    quote = case.quote(leg)
    price = leg.limit_price or leg.stop_price
    if quote is None or price is None:
        return
    away = abs(price - quote.last) / quote.last * HUNDRED
    if away > case.limits.warn_band:
        yield "far_from_market", f"{_usd(price)} is {away:.1f} % from the last price {_usd(quote.last)}"


def _stop_now(case: Case, index: int, leg: Leg) -> Found:
    quote = case.quote(leg)
    if quote is None or leg.stop_price is None:
        return
    if (leg.stop_price <= quote.last) if leg.side is Side.BUY else (leg.stop_price >= quote.last):
        yield "stop_triggers", f"the stop {_usd(leg.stop_price)} is reached already: this would trade at once"


def _big(case: Case, index: int, leg: Leg) -> Found:
    equity = case.snapshot.account.equity
    if not case.reduces(index) and leg.cost > equity * case.limits.warn_equity / HUNDRED:
        share = f"{leg.cost / equity * HUNDRED:.0f} % of the account" if equity > 0 else "more than the account holds"
        yield "big_share", f"{_usd(leg.cost)} is {share}"


def _duplicate(case: Case, index: int, leg: Leg) -> Found:
    for one in case.recent:
        same = (one.symbol, one.side, one.size) == (leg.symbol, leg.side, canonical(leg.size))
        if same and case.now - one.at < case.limits.duplicate_window:
            minutes = int(Decimal(str((case.now - one.at) / 60)).to_integral_value(ROUND_CEILING))
            yield "duplicate", f"the same order was confirmed {minutes} min ago in ticket {one.ticket}"
            return


def _unusual(case: Case, index: int, leg: Leg) -> Found:
    if leg.extended_hours:
        yield "extended_hours", "extended hours: few orders, wide spreads"
    if leg.qty is not None and leg.qty != leg.qty.to_integral_value() and "/" not in leg.symbol:
        yield "fractional", f"{canonical(leg.qty)} is not a whole number of shares"
    if case.known_symbols.isdisjoint({leg.symbol}) and case.snapshot.held(leg.symbol) == 0:
        yield "first_trade", f"you have not traded {leg.symbol} here before"


_SOFT_RULES = (_far, _stop_now, _big, _duplicate, _unusual)


def _round(qty: Decimal) -> str:
    return canonical(qty.quantize(Decimal("0.000000001")))
