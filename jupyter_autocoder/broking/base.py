"""The port to a broker: everything the desk asks of one, and everything it may answer.

To write an adapter, subclass `Broker`, fill in the abstract methods as their docstrings say, and register a factory
``make(settings: TradeSettings, store: Store, owner: str) -> Broker`` in the entry point group
``jupyter_autocoder.brokers``; then run the suite of `jupyter_autocoder.broking.conformance` against it. Rules:

- They block; the desk calls them from worker threads, sometimes from several at once.
- Amounts are `Decimal`, US dollars, never float. Times are seconds since the epoch.
- A failure is a `BrokerError`. ``definite=True`` is a proof that nothing was done: the broker answered, in its own
  form, that it refuses. Timeouts, broken connections, 5xx and answers that cannot be read are ``definite=False``.
- Every call ends within a bounded time of its own (ten seconds is a good bound).
- Nothing is retried that could act twice. `submit` makes exactly one request.
- Secrets never appear in an error, a report or a repr.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from jupyter_autocoder.errors import BrokerError, SettingsError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Capabilities
from jupyter_autocoder.trade.market import ZERO, Account, Asset, Hours, Mode, OpenOrder, Position, Quote
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Side
from jupyter_autocoder.trade.tickets import Leg

GROUP: Final = "jupyter_autocoder.brokers"
BUILT_IN: Final = {
    "paper": "jupyter_autocoder.broking.paper:make",
    "alpaca": "jupyter_autocoder.broking.alpaca:make",
}
REPORTED: Final = frozenset(
    {
        State.ACCEPTED,
        State.PARTIALLY_FILLED,
        State.FILLED,
        State.CANCEL_REQUESTED,
        State.CANCELLED,
        State.REJECTED,
        State.EXPIRED,
        State.REPLACED,
    }
)


class SeenBefore(BrokerError):
    """Raised by `Broker.submit` when the broker has seen this client order id: the order may be there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the broker says of one order.

    `state` is one of `REPORTED`. `economics` holds what the broker has on file in the form of `Leg.economics`; the desk
    compares it with the ticket and raises the alarm on a difference. `raw` goes into the audit, without secrets.
    """

    client_order_id: str
    broker_order_id: str
    state: State
    filled_qty: Decimal = ZERO
    filled_price: Decimal | None = None
    fees: Decimal | None = None
    message: str = ""
    economics: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state not in REPORTED:
            raise ValueError(f"a broker cannot report an order as {self.state}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill; `realised` is the gain it locked in, None where the broker does not say."""

    id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    at: float
    fee: Decimal = ZERO
    realised: Decimal | None = None


class Broker(abc.ABC):
    """One account at one broker; closed by whoever made it."""

    name: str
    """The word in ``[trade] broker``; it stands on the card."""

    mode: Mode
    """``live`` only where real money moves. Chosen by the factory from the settings, never guessed from an answer."""

    note: str = ""
    """A sentence that every card must carry, such as that the prices are samples; empty for none."""

    @abc.abstractmethod
    def capabilities(self) -> Capabilities:
        """Called at draft and at confirm, without I/O. Return what can be carried out; the gate refuses the rest.

        `idempotency` decides about recovery: promise ``permanent`` only when the broker refuses a client order id that
        it has seen before, even that of a finished order. With ``none`` a lost order is never sent again.
        """

    @abc.abstractmethod
    def account(self) -> Account:
        """Called at draft, at confirm and for reports. Return the account's id and money as they are now."""

    @abc.abstractmethod
    def positions(self) -> Sequence[Position]:
        """Called at draft, at confirm and for reports. Return all holdings; short ones have a negative `qty`."""

    @abc.abstractmethod
    def open_orders(self) -> Sequence[OpenOrder]:
        """Called at draft and at confirm. Return every order that may still trade, from whatever source it came."""

    @abc.abstractmethod
    def quote(self, symbol: str) -> Quote | None:
        """Called at draft and again at confirm. Return a fresh quote with the time it was made, None for none."""

    @abc.abstractmethod
    def asset(self, symbol: str) -> Asset | None:
        """Called at draft and at confirm. Return what is known of a symbol, None when it does not exist here."""

    @abc.abstractmethod
    def hours(self) -> Hours:
        """Called at draft and at confirm. Return whether the market is open; `open=None` where nobody can say."""

    @abc.abstractmethod
    def submit(self, order: Leg, *, client_order_id: str) -> Report:
        """Called once per leg, after `client_order_id` is on disk. Make exactly one request and return its answer.

        Raises SeenBefore when the broker knows the client order id already (the desk looks it up), BrokerError with
        ``definite=True`` on any other proven refusal and ``definite=False`` whenever the order might exist after all.
        """

    @abc.abstractmethod
    def lookup(self, client_order_id: str) -> Report | None:
        """Called after a doubtful `submit`, at start after a crash, and to follow an order. May be retried.

        Return None only when the broker says for certain that it does not know the id; raise BrokerError when it
        cannot be asked.
        """

    @abc.abstractmethod
    def cancel(self, client_order_id: str) -> None:
        """Called on a person's wish, in every state of the kill switch. Return when the broker took the request.

        That is not yet a cancelled order: `lookup` tells. Raises BrokerError with ``definite=True`` when there is
        nothing left to cancel.
        """

    def fees(self, order: Leg) -> Decimal:
        """Called at draft, without I/O. Return the estimated fees of an order; zero by default."""
        return ZERO

    def executions(self, *, since: float) -> Sequence[Execution]:
        """Called for reports. Return the fills since a moment, oldest first; nothing by default."""
        return ()

    def close(self) -> None:  # noqa: B027 - most adapters have nothing to close
        """Called once at the end. Let go of connections; must not raise."""


def find(settings: TradeSettings, store: Store, owner: str) -> Broker:
    """Make the broker that the settings name; raises SettingsError when no installed package brings it.

    Our own names cannot be taken over by another package's entry point.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    points |= {name: EntryPoint(name, place, GROUP) for name, place in BUILT_IN.items()}
    point = points.get(settings.broker)
    if point is None:
        what = f"there is no broker called {settings.broker!r}"
        why = f"installed: {', '.join(sorted(points))}"
        raise SettingsError(what, source="[trade] broker", key="trade.broker", why=why, do="name one of these")
    broker: Broker = point.load()(settings, store, owner)
    return broker
