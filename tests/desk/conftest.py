"""A desk on prices set by hand, a person's click, and what stands at the broker afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Claim, Desk, Outcome
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store


@pytest.fixture
def prices() -> SetPrices:
    made = SetPrices()
    for symbol, price in (("AAPL", "150"), ("MSFT", "400"), ("F", "10")):
        made.set(symbol, price)
    return made


@pytest.fixture
def make(store: Store, prices: SetPrices, clock: Any) -> Callable[..., Desk]:
    def one(
        *, owner: str = "ada", session: str = "kernel-1", using: Any = None, desk: Any = None, **trade: Any
    ) -> Desk:
        settings = TradeSettings(**trade)
        broker = using or PaperBroker(store, prices, settings, account=f"PAPER-{owner}")
        return Desk(
            store, settings=Settings(trade=settings), broker=broker, owner=owner, session=session, sleep=clock.sleep,
            **(desk or {}),
        )  # fmt: skip

    return one


@pytest.fixture
def desk(make: Callable[..., Desk]) -> Desk:
    return make()


@pytest.fixture
def claim() -> Callable[..., Claim]:
    """A click on a ticket's card, with every warning ticked; changes make it a forged one."""

    def click(desk: Desk, outcome: Outcome, **changes: Any) -> Claim:
        assert outcome.entry is not None
        known: dict[str, Any] = {
            "ticket": outcome.entry.id,
            "hash": outcome.entry.hash,
            "who": desk.me,
            "ticks": frozenset(one.key for one in outcome.entry.ticket.warnings),
        }
        who = changes.get("who", known["who"])
        return Claim(**{**known, "nonce": desk.control(outcome.entry.id, who), **changes})

    return click


@pytest.fixture
def buy(claim: Callable[..., Claim]) -> Callable[..., Outcome]:
    """Say words and click."""

    def do(desk: Desk, words: str = "buy 10 AAPL") -> Outcome:
        return desk.confirm(claim(desk, desk.take(words)))

    return do


@pytest.fixture
def orders_of() -> Callable[[Store], int]:
    def count(store: Store) -> int:
        with store.read() as tx:
            return len(tx.rows("SELECT * FROM paper_orders"))

    return count
