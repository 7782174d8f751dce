"""From words to a ticket, an answer or a question back."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.desk import Claim, Desk, Outcome
from jupyter_autocoder.errors import ExitCode, TicketConflict, TradeRefused, UsageError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.orders import Order, Reading, Size
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Kind, Side


# -- words -------------------------------------------------------------------------------------------------------------
def test_words_become_a_ticket_and_a_click_an_order(
    desk: Desk, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("Buy 10 shares of AAPL")
    before = orders_of(store)

    done = desk.confirm(claim(desk, drafted))

    assert drafted.kind == "ticket"
    assert drafted.entry is not None
    assert drafted.entry.state is State.PENDING
    assert drafted.exit_code is ExitCode.TICKET_WAITS
    assert before == 0
    assert done.entry is not None
    assert (done.entry.state, done.exit_code) == (State.FILLED, ExitCode.DONE)
    assert done.entry.legs[0].filled_qty == D(10)
    assert audit.verify(store).ok


@pytest.mark.parametrize("words", [
    "yes", "confirm", "should I buy 10 AAPL?", "don't buy AAPL", "buy 10 Telsa", "sell AAPL",
    "what is the price of AAPL", "", "buy some AAPL", 'he said "buy 10 AAPL"',
])  # fmt: skip
def test_what_asks_for_no_trade_makes_no_ticket(desk: Desk, words: str) -> None:
    outcome = desk.take(words)

    assert outcome.kind in ("ask", "nothing", "answer")
    assert outcome.text
    assert desk.tickets() == ()


def test_a_question_back_names_the_candidates_with_their_companies(desk: Desk) -> None:
    outcome = desk.take("buy 10 Telsa")

    assert outcome.kind == "ask"
    assert "TSLA (Tesla" in outcome.text


@pytest.mark.parametrize(("words", "key"), [
    ("what are my positions", "positions"), ("what is my buying power", "buying_power"),
    ("show my open orders", "orders"),
    ("what is the price of AAPL", "last"), ("is the market open", "state"), ("how much cash do I have", "cash"),
    ("show my fills", "fills"), ("what is my P&L", "unrealised"), ("how is my AAPL position", "qty"),
])  # fmt: skip
def test_questions_are_answered_in_plain_data_and_words(
    desk: Desk, words: str, key: str, buy: Callable[..., Outcome]
) -> None:
    buy(desk)

    outcome = desk.take(words)

    assert outcome.kind == "answer"
    assert key in outcome.data
    assert outcome.text
    json.dumps(outcome.data)


def test_the_gate_refuses_with_every_reason_and_leaves_no_ticket(desk: Desk) -> None:
    with pytest.raises(TradeRefused) as caught:
        desk.take("buy 10000 AAPL")

    assert set(caught.value.reasons) >= {"max_order_notional", "max_daily_notional", "buying_power"}
    assert desk.tickets() == ()


def test_a_flood_of_words_and_broken_characters_do_no_harm(desk: Desk) -> None:
    order = Order(side=Side.BUY, symbol="AAPL", size=Size(qty=D(1)))

    with pytest.raises(UsageError):
        desk.act(Reading(kind=Kind.ORDER, orders=(order,), text="x" * 3000))
    outcome = desk.act(Reading(kind=Kind.ORDER, orders=(order,), text="buy \ud800 1\x00 AAPL"))

    assert outcome.entry is not None
    assert outcome.entry.ticket.text == "buy ? 1 AAPL"


# -- the same words again ----------------------------------------------------------------------------------------------
def test_a_cell_that_runs_again_takes_the_place_of_its_waiting_ticket(desk: Desk, claim: Callable[..., Claim]) -> None:
    first = desk.take("buy 10 AAPL")
    old = claim(desk, first)

    second = desk.take("buy 10 AAPL")

    assert first.entry is not None
    assert second.entry is not None
    assert desk.book.get(first.entry.id).state is State.SUPERSEDED
    assert first.entry.id in second.entry.ticket.note
    with pytest.raises(TicketConflict):
        desk.confirm(old)


def test_words_that_were_an_order_already_need_a_tick_of_their_own(
    desk: Desk, clock: Any, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    done = buy(desk)
    clock.sleep(120)

    again = desk.take("buy 10 AAPL")

    assert done.entry is not None
    keys = {one.key: one.message for one in again.entry.ticket.warnings}  # type: ignore[union-attr]
    assert done.entry.id in keys["same_text"]
    assert "2 min ago" in keys["same_text"]
    assert "duplicate:0" in keys
    with pytest.raises(TradeRefused):
        desk.confirm(claim(desk, again, ticks=frozenset({"duplicate:0"})))


def test_a_tickets_id_shows_it_again_and_makes_none(desk: Desk) -> None:
    first = desk.take("buy 10 AAPL").entry
    assert first is not None

    again = desk.take(f" {first.id} ")

    assert (again.kind, again.entry) == ("ticket", first)
    assert len(desk.tickets()) == 1
    with pytest.raises(TradeRefused, match="no ticket"):
        desk.take("0123456789ab")
