"""The words of trading: an order, its parts, and the reading of a sentence.

Everything here is frozen, complete at construction and free of behaviour beyond its own form. Amounts are `Decimal`,
never float; on the wire they are canonical strings (no exponent, no separators, no trailing zeros). A `Reading` says
what a sentence means; it moves nothing. Only a ticket made from it, confirmed by a person, ever does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from jupyter_autocoder.trade.terms import (
    Action,
    Intent,
    Kind,
    OrderClass,
    OrderType,
    PercentOf,
    Query,
    ReadBy,
    Scope,
    Side,
    TimeInForce,
    amount,
    canonical,
)

__all__ = [
    "Action",
    "Changes",
    "Form",
    "Intent",
    "Kind",
    "Order",
    "OrderClass",
    "OrderType",
    "PercentOf",
    "Query",
    "ReadBy",
    "Reading",
    "Scope",
    "Side",
    "Size",
    "StopLoss",
    "TakeProfit",
    "Target",
    "TimeInForce",
    "amount",
    "canonical",
]

Form = dict[str, Any]
Member = TypeVar("Member", bound=enum.StrEnum)


def _check(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_positive(owner: str, **amounts: Decimal | None) -> None:
    for name, value in amounts.items():
        if value is None:
            continue
        # A float or an int that slipped in would compare and print like an amount until the day it does not.
        _check(isinstance(value, Decimal), f"{owner}.{name} must be a Decimal, not {type(value).__name__}")
        _check(value.is_finite() and value > 0, f"{owner}.{name} must be above zero, not {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much: exactly one of shares, dollars, a percentage of something, or a final holding.

    `target_qty` is the holding wanted afterwards (0 is allowed), the others are what moves.
    """

    qty: Decimal | None = None
    notional: Decimal | None = None
    percent: Decimal | None = None
    percent_of: PercentOf | None = None
    target_qty: Decimal | None = None

    def __post_init__(self) -> None:
        said = [value for value in (self.qty, self.notional, self.percent, self.target_qty) if value is not None]
        _check(len(said) == 1, "an order has exactly one size")
        _check((self.percent is None) == (self.percent_of is None), "a percentage needs to be of something")
        _check_positive("Size", qty=self.qty, notional=self.notional, percent=self.percent)
        if self.target_qty is not None:
            _check(self.target_qty.is_finite() and self.target_qty >= 0, "a final holding cannot be below zero")

    def to_dict(self) -> Form:
        return _form(
            qty=self.qty,
            notional=self.notional,
            percent=self.percent,
            percent_of=self.percent_of,
            target_qty=self.target_qty,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit:
    """The exit above (for a buy): at a price, or a percentage away from the entry; exactly one."""

    limit_price: Decimal | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        _check((self.limit_price is None) != (self.percent is None), "take profit is a price or a percentage")
        _check_positive("TakeProfit", limit_price=self.limit_price, percent=self.percent)

    def to_dict(self) -> Form:
        return _form(limit_price=self.limit_price, percent=self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLoss:
    """The exit below (for a buy): a stop price or a percentage away, with a limit price if it is a stop-limit."""

    stop_price: Decimal | None = None
    percent: Decimal | None = None
    limit_price: Decimal | None = None

    def __post_init__(self) -> None:
        _check((self.stop_price is None) != (self.percent is None), "stop loss is a price or a percentage")
        _check_positive("StopLoss", stop_price=self.stop_price, percent=self.percent, limit_price=self.limit_price)

    def to_dict(self) -> Form:
        return _form(stop_price=self.stop_price, percent=self.percent, limit_price=self.limit_price)


_PRICES_OF_TYPE: Mapping[OrderType, tuple[bool, bool, bool]] = MappingProxyType(
    {  # limit price, stop price, a trail
        OrderType.MARKET: (False, False, False),
        OrderType.LIMIT: (True, False, False),
        OrderType.STOP: (False, True, False),
        OrderType.STOP_LIMIT: (True, True, False),
        OrderType.TRAILING_STOP: (False, False, True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order in words and a sized leg of a ticket have in common; prices and trails are in US dollars."""

    side: Side
    symbol: str
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_percent: Decimal | None = None
    trail_price: Decimal | None = None
    tif: TimeInForce = TimeInForce.DAY
    extended_hours: bool = False
    intent: Intent | None = None
    order_class: OrderClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Terms):
    """One order ticket's economics; percentages are in percent (``5`` is 5 %).

    `after` is the index, within the reading, of the order that must fill first. A `limit` that is one leg of an
    exit pair (`order_class` OCO) carries its prices in `take_profit` and `stop_loss`.
    """

    size: Size
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    after: int | None = None

    def __post_init__(self) -> None:
        _check(self.symbol and self.symbol == self.symbol.upper(), f"not a symbol: {self.symbol!r}")
        _check_positive(
            "Order",
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            trail_percent=self.trail_percent,
            trail_price=self.trail_price,
        )
        self._check_prices()
        self._check_exits()
        sides = {Intent.SHORT: Side.SELL, Intent.COVER: Side.BUY}
        _check(self.intent is None or sides[self.intent] is self.side, f"{self.intent} cannot be a {self.side}")
        _check(self.after is None or self.after >= 0, "after is an index")

    def _check_prices(self) -> None:
        trails = (self.trail_percent is not None) + (self.trail_price is not None)
        _check(trails <= 1, "a trail is a percentage or an amount, not both")
        said = (self.limit_price is not None, self.stop_price is not None, trails == 1)
        if self.order_class is OrderClass.OCO:
            _check(self.type is OrderType.LIMIT, "an exit pair is of type limit")
            _check(said == (False, False, False), "an exit pair has its prices in its exits")
            return
        _check(said == _PRICES_OF_TYPE[self.type], f"the prices do not fit a {self.type} order")

    def _check_exits(self) -> None:
        exits = (self.take_profit is not None) + (self.stop_loss is not None)
        wanted = {None: 0, OrderClass.OTO: 1, OrderClass.OCO: 2, OrderClass.BRACKET: 2}
        _check(exits == wanted[self.order_class], f"{exits} exits do not make the class {self.order_class}")

    def to_dict(self) -> Form:
        return _form(
            side=self.side,
            symbol=self.symbol,
            **self.size.to_dict(),
            type=self.type,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            trail_percent=self.trail_percent,
            trail_price=self.trail_price,
            tif=self.tif,
            extended_hours=self.extended_hours or None,
            intent=self.intent,
            order_class=self.order_class,
            take_profit=self.take_profit,
            stop_loss=self.stop_loss,
            after=self.after,
        )

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Order:
        """Read what `to_dict` wrote; raises ValueError on an unknown or missing key and on a wrong value."""
        rest = dict(form)
        size = Size(
            percent_of=_enum(PercentOf, rest.pop("percent_of", None)),
            **{key: amount(rest.pop(key, None)) for key in ("qty", "notional", "percent", "target_qty")},
        )
        take_profit, stop_loss = rest.pop("take_profit", None), rest.pop("stop_loss", None)
        prices = ("limit_price", "stop_price", "trail_percent", "trail_price")
        order = {
            "side": Side(rest.pop("side", "")),
            "symbol": str(rest.pop("symbol", "")),
            "type": OrderType(rest.pop("type", OrderType.MARKET)),
            "tif": TimeInForce(rest.pop("tif", TimeInForce.DAY)),
            "extended_hours": rest.pop("extended_hours", False) is True,
            "intent": _enum(Intent, rest.pop("intent", None)),
            "order_class": _enum(OrderClass, rest.pop("order_class", None)),
            "take_profit": take_profit and TakeProfit(**_amounts(take_profit, ("limit_price", "percent"))),
            "stop_loss": stop_loss and StopLoss(**_amounts(stop_loss, ("stop_price", "percent", "limit_price"))),
            "after": rest.pop("after", None),
            **{key: amount(rest.pop(key, None)) for key in prices},
        }
        _check(not rest, f"unknown keys in an order: {sorted(rest)}")
        return cls(size=size, **order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which open orders are meant; what is said is combined (a symbol and a side mean both)."""

    order_id: str | None = None
    symbol: str | None = None
    side: Side | None = None
    all: bool = False
    last: bool = False

    def __post_init__(self) -> None:
        _check(any((self.order_id, self.symbol, self.side, self.all, self.last)), "a target names something")

    def to_dict(self) -> Form:
        return _form(
            order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            all=self.all or None,
            last=self.last or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a replacement changes; at least one."""

    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    tif: TimeInForce | None = None

    def __post_init__(self) -> None:
        said = (self.qty, self.limit_price, self.stop_price, self.tif)
        _check(any(value is not None for value in said), "a replacement changes something")
        _check_positive("Changes", qty=self.qty, limit_price=self.limit_price, stop_price=self.stop_price)

    def to_dict(self) -> Form:
        return _form(qty=self.qty, limit_price=self.limit_price, stop_price=self.stop_price, tif=self.tif)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a sentence means. `to_dict()` is the public form; absent means not said.

    `text` is the person's own words, `resolved` maps a company's name as written to its symbol, `note` is for the
    card, `in_order` says that the words put one order after the other ("first ..., then ..."); these and `read_by` stay
    out of the public form. `reason`, `missing` and `candidates` explain why nothing was drafted.
    """

    kind: Kind
    orders: tuple[Order, ...] = ()
    target_weights: Mapping[str, Decimal] = field(default_factory=dict)
    scope: Scope | None = None
    remainder: str | None = None
    close_all: bool = False
    excluded: tuple[str, ...] = ()
    cancels: tuple[Target, ...] = ()
    action: Action | None = None
    target: Target | None = None
    changes: Changes | None = None
    query: Query | None = None
    symbol: str | None = None
    order_id: str | None = None
    period: str | None = None
    reason: str | None = None
    missing: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    text: str = ""
    note: str = ""
    resolved: Mapping[str, str] = field(default_factory=dict)
    read_by: ReadBy = ReadBy.GRAMMAR
    in_order: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "target_weights", dict(self.target_weights))
        object.__setattr__(self, "resolved", dict(self.resolved))
        _check(
            (self.kind is Kind.CANCEL) == (self.action is not None), "order management, and only that, has an action"
        )
        _check((self.kind is Kind.QUERY) == (self.query is not None), "a query, and only a query, has a question")
        self._check_acts()

    def _check_acts(self) -> None:
        basket = bool(self.target_weights) or self.close_all
        if self.kind is Kind.ORDER:
            _check(len(self.orders) == 1 and not basket, "an order is one ticket")
        elif self.kind is Kind.ORDERS:
            parts = len(self.orders) + len(self.cancels)
            _check(parts > 1 or basket, "a basket holds several tickets")
        else:
            # The rule that counts most, held by the type itself.
            _check(not self.orders and not basket and not self.cancels, f"a reading of kind {self.kind} cannot act")
        for index, order in enumerate(self.orders):
            _check(order.after is None or (order.after < len(self.orders) and order.after != index), "after whom?")

    @property
    def acts(self) -> bool:
        """Whether a ticket can come of it."""
        return self.kind in (Kind.ORDER, Kind.ORDERS, Kind.CANCEL)

    def to_dict(self) -> Form:
        """Return the public form: plain dicts, lists, strings and True, ready for JSON."""
        return _form(
            kind=self.kind,
            orders=[order.to_dict() for order in self.orders] or None,
            target_weights={symbol: canonical(weight) for symbol, weight in self.target_weights.items()} or None,
            scope=self.scope,
            remainder=self.remainder,
            close_all=self.close_all or None,
            # `except` is a keyword of Python, so the attribute is called otherwise.
            **{"except": list(self.excluded) or None},
            cancels=[target.to_dict() for target in self.cancels] or None,
            action=self.action,
            target=self.target,
            changes=self.changes,
            query=self.query,
            symbol=self.symbol,
            order_id=self.order_id,
            period=self.period,
            reason=self.reason,
            missing=list(self.missing) or None,
            candidates=list(self.candidates) or None,
        )


def _form(**values: object) -> Form:
    """Keep what was said, as plain JSON values, in the order given."""
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return canonical(value)
    if isinstance(value, enum.Enum):
        return value.value
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value


def _amounts(form: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Decimal | None]:
    _check(set(form) <= set(keys), f"unknown keys: {sorted(set(form) - set(keys))}")
    return {key: amount(form.get(key)) for key in keys}


def _enum(kind: type[Member], value: str | None) -> Member | None:
    return None if value is None else kind(value)
