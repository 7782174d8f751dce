"""What the gate looks at: its limits, the kill switch, what a broker can do, and one case to be judged."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.trade.market import ZERO, Mode, OpenOrder, Quote, Snapshot
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce, canonical
from jupyter_autocoder.trade.tickets import Leg, Remark


class Switch(enum.StrEnum):
    """The kill switch: everything, only what makes holdings smaller, nothing. Cancels pass in all three."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The numbers of the gate; money in USD, bands in percent, times in seconds."""

    max_order_notional: Decimal
    max_daily_notional: Decimal
    max_daily_orders: int
    max_orders_per_minute: int
    max_daily_loss: Decimal
    price_band: Decimal
    warn_band: Decimal
    warn_equity: Decimal
    duplicate_window: float
    quote_age: float
    allow_short: bool = False

    @classmethod
    def from_settings(cls, settings: TradeSettings) -> Limits:
        return cls(
            max_order_notional=_decimal(settings.max_order_notional),
            max_daily_notional=_decimal(settings.max_daily_notional),
            max_daily_orders=settings.max_daily_orders,
            max_orders_per_minute=settings.max_orders_per_minute,
            max_daily_loss=_decimal(settings.max_daily_loss),
            price_band=_decimal(settings.price_band),
            warn_band=_decimal(settings.warn_band),
            warn_equity=_decimal(settings.warn_equity),
            duplicate_window=settings.duplicate_window,
            quote_age=settings.quote_age,
            allow_short=settings.allow_short,
        )

    def shown(self) -> dict[str, str]:
        """The limits in force, as a ticket carries them."""
        return {
            "max_order_notional": canonical(self.max_order_notional),
            "max_daily_notional": canonical(self.max_daily_notional),
            "max_daily_orders": str(self.max_daily_orders),
            "max_orders_per_minute": str(self.max_orders_per_minute),
            "max_daily_loss": canonical(self.max_daily_loss),
            "allow_short": "yes" if self.allow_short else "no",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker's adapter says it can carry out; everything else is refused before it is sent.

    `idempotency` is what the broker does with a client order id it has seen: ``permanent`` refuses it for ever,
    ``window:<seconds>`` for that long, ``none`` not at all (then nothing is ever sent a second time).
    """

    idempotency: str
    types: frozenset[OrderType] = frozenset(OrderType)
    times: frozenset[TimeInForce] = frozenset(TimeInForce)
    classes: frozenset[OrderClass] = frozenset(OrderClass)
    fractional_types: frozenset[OrderType] = frozenset()
    notional_types: frozenset[OrderType] = frozenset()
    extended_hours: bool = False
    short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """An order of the last day; `at` in epoch seconds, `size` is shares or dollars in canonical form."""

    at: float
    ticket: str
    symbol: str
    side: Side
    size: str
    notional: Decimal
    reducing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that the rules may look at. `live_refusal` says why live is not allowed here; empty where it is."""

    legs: tuple[Leg, ...]
    snapshot: Snapshot
    limits: Limits
    capabilities: Capabilities
    mode: Mode
    now: float
    switch: Switch = Switch.ACTIVE
    account: str = ""
    recent: tuple[Recent, ...] = ()
    known_symbols: frozenset[str] = frozenset()
    live_refusal: str = ""
    read_by: str = "grammar"
    same_text: str = ""
    cancelled: frozenset[str] = field(default_factory=frozenset)
    """Client order ids that the ticket itself cancels first: they hold no shares any more."""

    def quote(self, leg: Leg) -> Quote | None:
        return self.snapshot.quotes.get(leg.symbol)

    def open_orders(self, symbol: str) -> Iterator[OpenOrder]:
        for order in self.snapshot.open_orders:
            if order.symbol == symbol and order.client_order_id not in self.cancelled:
                yield order

    def qty(self, leg: Leg) -> Decimal:
        """Shares that the leg moves, estimated from its dollars where it has no number of shares."""
        if leg.qty is not None:
            return leg.qty
        return ZERO if not leg.price or leg.notional is None else leg.notional / leg.price

    def held_before(self, index: int) -> Decimal:
        """The holding that the leg meets: what is held now and what the legs before it do."""
        symbol = self.legs[index].symbol
        held = self.snapshot.held(symbol)
        for leg in self.legs[:index]:
            if leg.symbol == symbol and leg.order_class is not OrderClass.OCO:
                held += self.qty(leg) if leg.side is Side.BUY else -self.qty(leg)
        return held

    def promised(self, leg: Leg) -> Decimal:
        """Shares that open orders of the same side already claim."""
        return sum((o.remaining or ZERO for o in self.open_orders(leg.symbol) if o.side is leg.side), ZERO)

    def reduces(self, index: int) -> bool:
        """Whether the leg only makes a holding smaller, open orders of the same side counted in."""
        leg = self.legs[index]
        held = self.held_before(index)
        free = abs(held) - self.promised(leg)
        toward_zero = (leg.side is Side.SELL) == (held > 0)
        return held != 0 and toward_zero and leg.intent is not Intent.SHORT and self.qty(leg) <= free


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the gate says: `refusals` end it, `warnings` want a tick each."""

    refusals: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()


def _decimal(number: float) -> Decimal:
    return Decimal(str(number))
