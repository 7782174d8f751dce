"""A ticket: what a person is asked to confirm, as immutable canonical JSON with a hash.

What the person saw is what is sent: the card is drawn from the ticket, the confirmation names its hash, and the orders
are built from the stored text of the same ticket. Amounts are decimal strings and floats are refused, so that equal
tickets are equal bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType, NoneType, UnionType
from typing import Any, TypeVar

from jupyter_autocoder.trade.market import ZERO, Mode
from jupyter_autocoder.trade.orders import Order, Terms
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce, canonical

Made = TypeVar("Made")
FORM_VERSION = 1
_UNSAID: tuple[Any, ...] = (None, "", (), {})
CLIENT_ID_PREFIX = "jac-"


def encode(value: Any) -> str:
    """Write the one canonical JSON text of a value: sorted keys, no spaces, amounts as decimal strings.

    Raises TypeError on a float: a number that two machines may write differently has no place under a hash.
    """
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """Turn dataclasses, decimals and enums into JSON's own types, leaving out what was not said."""
    if isinstance(value, Decimal):
        return canonical(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # What must be said is written even when it is empty.
        said = ((item, getattr(value, item.name)) for item in dataclasses.fields(value))
        return {item.name: plain(one) for item, one in said if _needed(item) or one not in _UNSAID}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item not in _UNSAID}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        msg = f"a ticket holds no floats: {value!r}"
        raise TypeError(msg)
    # StrEnum is a str; json would write it well, but a plain type keeps equality with what is read back.
    return str(value) if isinstance(value, str) else value


def _needed(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def client_order_id(ticket: str, leg: int) -> str:
    """The id that makes a broker refuse the same leg a second time; it is never made anew."""
    return f"{CLIENT_ID_PREFIX}{ticket}-{leg}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg(Terms):
    """One order of a ticket, sized: exactly one of `qty` and `notional`.

    `derived` says how the size came about ("50 % of 100"), `price` is what the estimate was made with, `cost` the
    estimated amount without `fees`, `worst` the most it can cost (None: no bound), `held` and `then` the holding
    before and after. `reducing` legs only make a holding smaller. `after` is the leg that must have filled before this
    one is sent (None: none has to).
    """

    name: str = ""
    exchange: str = ""
    qty: Decimal | None = None
    notional: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    derived: str = ""
    price: Decimal | None = None
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    worst: Decimal | None = None
    held: Decimal = ZERO
    then: Decimal = ZERO
    reducing: bool = False
    after: int | None = None

    def __post_init__(self) -> None:
        if (self.qty is None) == (self.notional is None):
            raise ValueError("a leg has shares or dollars, exactly one of them")

    @property
    def size(self) -> Decimal:
        """Shares where they are known, else dollars: never zero for a leg that means something."""
        return self.notional if self.qty is None else self.qty  # type: ignore[return-value]

    def economics(self) -> dict[str, str]:
        """What must be the same at the broker: the terms of a found order are compared with these."""
        terms = {
            "symbol": self.symbol,
            "side": self.side.value,
            "qty": self.qty,
            "notional": self.notional,
            "type": self.type.value,
            "limit_price": self.take_profit if self.order_class is OrderClass.OCO else self.limit_price,
            "stop_price": self.stop_price,
        }
        return dict(plain(terms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A quote as the person saw it; `time` in whole milliseconds since the epoch."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    time: int
    source: str = ""
    sample_time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One warning or refusal of the gate: `rule` is its stable id, `leg` which leg it is about (None: all)."""

    rule: str
    message: str
    leg: int | None = None

    @property
    def key(self) -> str:
        """What a tick names."""
        return self.rule if self.leg is None else f"{self.rule}:{self.leg}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """An order that becomes a ticket of its own when leg `after` has filled: "with the proceeds"."""

    order: Mapping[str, Any]
    after: int
    name: str = ""
    exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The account around a ticket, before and as estimated after it."""

    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    cash_after: Decimal
    buying_power_after: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The whole of what is asked; times in whole milliseconds since the epoch.

    `read_by` is "grammar", "model" or "weights"; `changed` lists in words what differs from the ticket that this one
    replaces (`parent`). `said` are the legs' orders before they were sized, one each, so that they can be sized again;
    `weights` (percent of equity) and `whole` (what is not named goes to zero) belong to a rebalance. `cancels` are
    client order ids that are cancelled before the first leg is sent; `filled_before` says of those that are changed how
    many shares had filled when the change was sized.
    """

    id: str
    owner: str
    mode: Mode
    broker: str
    account: str
    text: str
    legs: tuple[Leg, ...]
    created: int
    expires: int
    read_by: str = "grammar"
    note: str = ""
    quotes: Mapping[str, Seen] = field(default_factory=dict)
    money: Money | None = None
    market: str = ""
    warnings: tuple[Remark, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    follow_ups: tuple[FollowUp, ...] = ()
    said: tuple[Mapping[str, Any], ...] = ()
    weights: Mapping[str, Decimal] = field(default_factory=dict)
    whole: bool = False
    cancels: tuple[str, ...] = ()
    filled_before: Mapping[str, Decimal] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    parent: str = ""
    changed: tuple[str, ...] = ()
    version: int = FORM_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "quotes", MappingProxyType(dict(self.quotes)))
        object.__setattr__(self, "limits", MappingProxyType(dict(self.limits)))
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))
        object.__setattr__(self, "filled_before", MappingProxyType(dict(self.filled_before)))

    def body(self) -> str:
        return encode(self)

    @property
    def hash(self) -> str:
        return digest(self.body())

    @property
    def notional(self) -> Decimal:
        """What moves, both ways: the estimated sum over all legs."""
        return sum((leg.cost for leg in self.legs), ZERO)

    def client_order_id(self, leg: int) -> str:
        return client_order_id(self.id, leg)


@functools.lru_cache(maxsize=512)
def decode(body: str) -> Ticket:
    """Read back what `Ticket.body` wrote; raises ValueError on anything else."""
    try:
        form = json.loads(body)
        if form.get("version") != FORM_VERSION:
            raise ValueError(f"a ticket of form {form.get('version')!r} was written by another version")
        return _make(Ticket, form)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"not a ticket: {error}") from None


def leg_from(text: str) -> Leg:
    """Read back one encoded leg; raises ValueError on anything else."""
    return _make(Leg, json.loads(text))


def order_of(follow_up: FollowUp) -> Order:
    return Order.from_dict(follow_up.order)


def _make(kind: type[Made], form: Mapping[str, Any]) -> Made:
    hints = _hints(kind)
    if unknown := set(form) - set(hints):
        raise ValueError(f"unknown keys in a {kind.__name__}: {sorted(unknown)}")
    return kind(**{key: _value(hints[key], value) for key, value in form.items()})


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _HINTS:
        _HINTS[kind] = typing.get_type_hints(kind)
    return _HINTS[kind]


# Resolving annotations costs more than all the rest of reading a ticket.
_HINTS: dict[type, dict[str, Any]] = {}


def _value(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (UnionType, typing.Union):
        return _value(next(one for one in arguments if one is not NoneType), value)
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in value)
    if origin is not None and isinstance(value, Mapping):
        return {key: _value(arguments[1], item) for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _make(kind, value)
    if kind is Decimal:
        if not isinstance(value, str):
            raise TypeError(f"an amount is a string of digits, not {value!r}")
        return Decimal(value)
    if isinstance(kind, type) and issubclass(kind, (Side, OrderType, TimeInForce, Intent, OrderClass)):
        return kind(value)
    return value
