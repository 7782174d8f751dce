"""Many processes at one ticket, and processes that end in the middle: at most one order, none forgotten."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal as D
from pathlib import Path

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.broking.sending import Sender
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.tickets import Leg, Ticket

RACER = Path(__file__).parent / "racing.py"
ADA = Who(actor="human", person="ada", session="kernel-1")
TICKETS, PROCESSES = 100, 16


@pytest.fixture
def real_store(tmp_path: Path) -> Store:
    """A store on the machine's own clock: other processes share it."""
    return Store(str(tmp_path / "race.db"))


@pytest.fixture
def real_ticket(ticket: Callable[..., Ticket], leg: Callable[..., Leg]) -> Callable[[], Ticket]:
    def make() -> Ticket:
        now = int(time.time() * 1000)
        # One share each: play money for a hundred of them.
        return ticket(leg(qty="1", cost=D(150)), created=now, expires=now + 300_000)

    return make


def posts(store: Store, name: str = "") -> dict[str, int]:
    with store.read() as tx:
        rows = tx.rows(
            "SELECT client_order_id FROM paper_orders WHERE ? = '' OR client_order_id LIKE ?", name, f"%{name}%"
        )
    return dict(collections.Counter(row["client_order_id"] for row in rows))


def test_a_hundred_tickets_and_sixteen_processes_give_one_winner_each(
    real_store: Store, real_ticket: Callable[[], Ticket]
) -> None:
    book = TicketBook(real_store)
    wanted = {book.propose(real_ticket(), ADA).id for _ in range(TICKETS)}
    command = [sys.executable, str(RACER), "confirm", real_store.where, str(time.time() + 6)]

    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    won = [json.loads(racer.communicate(timeout=120)[0]) for racer in racers]

    winners = collections.Counter(ticket for list_ in won for ticket in list_)
    assert set(winners) == wanted
    assert set(winners.values()) == {1}
    assert posts(real_store) == {f"jac-{ticket}-0": 1 for ticket in wanted}
    assert {one.state for one in book.recall(limit=1000)} == {State.FILLED}
    assert audit.verify(real_store).ok
    real_store.close()


@pytest.mark.parametrize(
    ("point", "recovered", "orders"),
    [
        ("in_confirm", State.PENDING, 0),  # the transaction was never committed
        ("after_confirm", State.PENDING, 0),  # asked again, never sent by itself
        ("before_post", State.UNKNOWN, 0),  # nobody can know here; the broker does not
        ("in_submit", State.UNKNOWN, 0),
        ("after_submit", State.FILLED, 1),  # found by its id
        ("after_record", State.FILLED, 1),
    ],
)
def test_a_process_that_is_killed_leaves_no_second_and_no_forgotten_order(
    real_store: Store, real_ticket: Callable[[], Ticket], point: str, recovered: State, orders: int
) -> None:
    book = TicketBook(real_store)
    entry = book.propose(real_ticket(), ADA)

    dead = subprocess.run(
        [sys.executable, str(RACER), "die", real_store.where, entry.id, point], timeout=60, check=False
    )
    prices = SetPrices()
    prices.set("AAPL", "150")
    sender = Sender(book, PaperBroker(real_store, prices, TradeSettings(), account="PAPER-ada"))
    sender.recover()
    sender.recover()

    assert dead.returncode == -9
    assert book.get(entry.id).state is recovered
    assert sum(posts(real_store, entry.id).values()) == orders
    assert audit.verify(real_store).ok
    real_store.close()


def test_what_is_asked_again_needs_a_new_click_and_then_goes_once(
    real_store: Store, real_ticket: Callable[[], Ticket], broker: PaperBroker
) -> None:
    book = TicketBook(real_store)
    entry = book.propose(real_ticket(), ADA)
    subprocess.run(
        [sys.executable, str(RACER), "die", real_store.where, entry.id, "after_confirm"], timeout=60, check=False
    )
    prices = SetPrices()
    prices.set("AAPL", "150")
    sender = Sender(book, PaperBroker(real_store, prices, TradeSettings(), account="PAPER-ada"))
    sender.recover()

    said = Claim(ticket=entry.id, hash=entry.hash, nonce=book.nonce(entry.id, ADA), who=ADA)
    book.confirm(said, lambda *_: Judgement())
    after = sender.send(entry.id)

    assert after.state is State.FILLED
    assert posts(real_store) == {f"jac-{entry.id}-0": 1}
    real_store.close()


def test_recovery_leaves_a_living_process_alone(
    book: TicketBook, broker: PaperBroker, ticket: Callable[..., Ticket], claim: Callable[..., Claim]
) -> None:
    entry = book.propose(ticket(), ADA)
    book.confirm(claim(entry), lambda *_: Judgement())

    Sender(book, broker).recover()
    confirmed = book.get(entry.id).state
    book.begin_send(entry.id, 0)
    Sender(book, broker).recover()

    assert confirmed is State.CONFIRMED
    assert book.get(entry.id).state is State.SUBMITTING
