"""What a broker tells: account, positions, quotes, assets, hours. Plain frozen data, amounts as `Decimal`, USD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from jupyter_autocoder.trade.terms import OrderType, Side, TimeInForce

Mode = Literal["paper", "live"]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Prices of one symbol at `time` (seconds since the epoch, by the clock of the machine that compares).

    `source` says in words where they come from; `sample_time` is set where they are replayed from a file and names
    the moment in that file. `size` is how many shares can be had at these prices (None: nobody says).
    """

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    time: float
    source: str = ""
    sample_time: str = ""
    size: Decimal | None = None

    @property
    def spread(self) -> Decimal:
        return self.ask - self.bid

    def against(self, side: Side) -> Decimal:
        """Return the price that an order of this side meets now."""
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding; `qty` is below zero for a short one, `cost` is the average entry price, `last` the price now."""

    symbol: str
    qty: Decimal
    cost: Decimal
    last: Decimal | None = None
    name: str = ""

    @property
    def value(self) -> Decimal:
        return self.qty * (self.cost if self.last is None else self.last)

    @property
    def gain(self) -> Decimal:
        return ZERO if self.last is None else self.qty * (self.last - self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An order that waits at the broker; `remaining` is None where it was given in dollars."""

    client_order_id: str
    broker_order_id: str
    symbol: str
    side: Side
    type: OrderType
    remaining: Decimal | None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    tif: TimeInForce | None = None
    exit: bool = False
    """It only closes what a bracket's entry opens, so it is no opposite of that entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What the broker knows of a symbol; None means that it does not say."""

    symbol: str
    name: str = ""
    exchange: str = ""
    tradable: bool = True
    fractionable: bool | None = None
    shortable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The market's state; `open` is None where nobody can say. `note` is for people, times are epoch seconds.

    `extended` says that, while it is closed, orders marked for extended hours trade all the same.
    """

    open: bool | None
    extended: bool = False
    next_open: float | None = None
    next_close: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The money of one account; `day_loss` is today's realised loss as a positive amount (0 on a gain)."""

    id: str
    mode: Mode
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    day_loss: Decimal = ZERO
    day_gain: Decimal | None = None
    blocked: str = ""
    """Why the broker lets this account trade nothing; empty where it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that sizing and the gate need to know, taken at one moment."""

    account: Account
    positions: Mapping[str, Position] = field(default_factory=dict)
    open_orders: tuple[OpenOrder, ...] = ()
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    hours: Hours = field(default_factory=lambda: Hours(open=None))

    def __post_init__(self) -> None:
        for name in ("positions", "quotes", "assets"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def held(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return ZERO if position is None else position.qty
