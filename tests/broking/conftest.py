"""A store, a clock and a paper broker of a test's own, and a broker that fails on demand."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.base import Broker, Report
from jupyter_autocoder.broking.entries import Claim, Entry, Standing
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement
from jupyter_autocoder.trade.terms import Side
from jupyter_autocoder.trade.tickets import Leg, Ticket

ADA = Who(actor="human", person="ada", session="kernel-1")
ACCOUNT = "PAPER-ada"


class Trouble(Broker):
    """A broker in front of another one: `before` and `after` run around the one request of `submit`."""

    name = "paper"
    mode = "paper"

    def __init__(self, real: Broker) -> None:
        self.real = real
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.blind: Callable[[], None] = lambda: None
        self.posts: list[str] = []
        self.idempotency = ""
        self.bend: Callable[[Report], Report] = lambda report: report
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def capabilities(self) -> Any:
        import dataclasses

        known = self.real.capabilities()
        return dataclasses.replace(known, idempotency=self.idempotency or known.idempotency)

    def account(self) -> Any:
        return self.real.account()

    def positions(self) -> Any:
        return self.real.positions()

    def open_orders(self) -> Any:
        return self.real.open_orders()

    def quote(self, symbol: str) -> Any:
        return self.real.quote(symbol)

    def asset(self, symbol: str) -> Any:
        return self.real.asset(symbol)

    def hours(self) -> Any:
        return self.real.hours()

    def fees(self, order: Leg) -> D:
        return self.real.fees(order)

    def executions(self, *, since: float) -> Any:
        return self.real.executions(since=since)

    def submit(self, order: Leg, *, client_order_id: str) -> Report:
        with self._lock:
            self.posts.append(client_order_id)
        self.before()
        report = self.real.submit(order, client_order_id=client_order_id)
        self.after()
        return self.bend(report)

    def lookup(self, client_order_id: str) -> Report | None:
        self.blind()
        report = self.real.lookup(client_order_id)
        return None if report is None else self.bend(report)

    def cancel(self, client_order_id: str) -> None:
        self.real.cancel(client_order_id)


@pytest.fixture
def prices() -> SetPrices:
    made = SetPrices()
    made.set("AAPL", "150", bid="149.95", ask="150.05")
    made.set("MSFT", "400")
    return made


@pytest.fixture
def broker(store: Store, prices: SetPrices) -> PaperBroker:
    return PaperBroker(store, prices, TradeSettings(), account=ACCOUNT)


@pytest.fixture
def trouble(broker: PaperBroker) -> Trouble:
    return Trouble(broker)


@pytest.fixture
def book(store: Store) -> TicketBook:
    return TicketBook(store)


@pytest.fixture
def leg() -> Callable[..., Leg]:
    def make(side: Side = Side.BUY, qty: str | None = "10", **changes: Any) -> Leg:
        shares = None if qty is None else D(qty)
        known: dict[str, Any] = {"symbol": "AAPL", "price": D(150), "cost": D(1500)}
        return Leg(side=side, qty=shares, **{**known, **changes})

    return make


@pytest.fixture
def ticket(clock: Any, leg: Callable[..., Leg]) -> Callable[..., Ticket]:
    number = itertools.count(1)

    def make(*legs: Leg, **changes: Any) -> Ticket:
        now = int(clock() * 1000)
        known: dict[str, Any] = {
            "id": f"t{next(number)}", "owner": "ada", "mode": "paper", "broker": "paper", "account": ACCOUNT,
            "text": "buy 10 AAPL", "created": now, "expires": now + 60_000,
        }  # fmt: skip
        return Ticket(legs=legs or (leg(),), **{**known, **changes})

    return make


@pytest.fixture
def passing() -> Callable[[Entry, Standing], Judgement]:
    return lambda entry, standing: Judgement()


@pytest.fixture
def claim(book: TicketBook) -> Callable[..., Claim]:
    def make(entry: Entry, **changes: Any) -> Claim:
        who = changes.pop("who", ADA)
        nonce = changes.pop("nonce", None) or book.nonce(entry.id, who)
        return Claim(ticket=entry.id, **{"hash": entry.hash, "nonce": nonce, "who": who, **changes})

    return make
