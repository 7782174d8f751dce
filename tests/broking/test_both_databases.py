"""The same desk on SQLite and on PostgreSQL: the guards, the race for a click, a whole life of a ticket."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.broking.sending import Sender
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import StoreError, TradeError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement, Switch
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import OrderType
from jupyter_autocoder.trade.tickets import Leg, Ticket

ADA = Who(actor="human", person="ada", session="kernel-1")


@pytest.fixture
def store(store_url: str, clock: Any) -> Iterator[Store]:
    made = Store(store_url, clock=clock)
    yield made
    made.close()


@pytest.fixture
def sender(book: TicketBook, store: Store, prices: SetPrices, clock: Any) -> Sender:
    return Sender(book, PaperBroker(store, prices, TradeSettings(), account="PAPER-ada"), sleep=clock.sleep)


def test_a_ticket_lives_from_draft_to_cancelled(
    store: Store, book: TicketBook, sender: Sender, ticket: Callable[..., Ticket], leg: Callable[..., Leg],
    claim: Callable[..., Claim],
) -> None:  # fmt: skip
    bought = book.propose(ticket(), ADA)
    waiting = book.propose(ticket(leg(type=OrderType.LIMIT, limit_price=D(140))), ADA, origin="follow:x:0")
    for entry in (bought, waiting):
        book.confirm(claim(entry), lambda *_: Judgement())
        sender.send(entry.id)
    book.set_switch(Switch.HALTED, ADA)

    end = sender.cancel(waiting.id, ADA)

    assert book.get(bought.id).state is State.FILLED
    assert end.state is State.CANCELLED
    assert {one.state for one in book.recall(owner="ada", states=(State.FILLED, State.CANCELLED))} == {
        "filled",
        "cancelled",
    }
    assert len(book.standing("PAPER-ada").recent) == 2
    assert audit.verify(store).ok


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE trade_tickets SET body = 'x'",
        "UPDATE trade_tickets SET expires = 9e9",
        "UPDATE trade_events SET person = 'eve'",
        "DELETE FROM trade_events",
        "UPDATE trade_cuts SET upto = 0",
        "DELETE FROM trade_approvals",
    ],
)
def test_the_databases_own_guards_hold(store: Store, book: TicketBook, ticket: Callable[..., Ticket], sql: str) -> None:
    with store.write() as tx:
        tx.run("INSERT INTO trade_cuts (upto, chain, removed, person, at) VALUES (0, 'x', 0, '', 0)")
        tx.run("INSERT INTO trade_approvals (ticket, person, at) VALUES ('t', 'bob', 0)")
    book.propose(ticket(), ADA)

    with pytest.raises(StoreError), store.write() as tx:
        tx.run(sql)


def test_a_cut_lets_old_rows_go_and_no_others(
    store: Store, book: TicketBook, ticket: Callable[..., Ticket], clock: Any
) -> None:
    book.dismiss(book.propose(ticket(), ADA).id, ADA)
    clock.sleep(1000)
    book.propose(ticket(), ADA)

    removed = audit.cut(store, before=clock() - 500, who=ADA)

    assert removed == 3
    assert audit.verify(store).ok
    with pytest.raises(StoreError), store.write() as tx:
        tx.run("DELETE FROM trade_events")


def test_many_threads_at_one_ticket_give_one_winner(
    book: TicketBook, ticket: Callable[..., Ticket], claim: Callable[..., Claim]
) -> None:
    entry = book.propose(ticket(), ADA)
    claims = [claim(entry) for _ in range(16)]
    states: list[State | None] = []
    gate = threading.Barrier(16)

    def run(said: Claim) -> None:
        gate.wait(timeout=10)
        try:
            states.append(book.confirm(said, lambda *_: Judgement()).state)
        except TradeError:
            states.append(None)

    threads = [threading.Thread(target=run, args=(said,)) for said in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert collections.Counter(states) == {State.CONFIRMED: 1, None: 15}
