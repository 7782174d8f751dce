"""Several orders, follow-ups and order management by words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Claim, Desk, Outcome
from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.orders import Order, Reading, Size, Target
from jupyter_autocoder.trade.record import record_text
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Action, Kind, ReadBy, Side


# -- several orders ----------------------------------------------------------------------------------------------------
def test_the_proceeds_of_a_sale_become_a_ticket_of_their_own_once(
    desk: Desk,
    store: Store,
    claim: Callable[..., Claim],
    buy: Callable[..., Outcome],
    orders_of: Callable[[Store], int],
) -> None:
    buy(desk)

    sold = desk.confirm(claim(desk, desk.take("sell all my AAPL and buy MSFT with the proceeds")))
    for _ in range(2):
        desk.refresh(sold.entry.id)  # type: ignore[union-attr]
    waiting = [one for one in desk.tickets() if one.state is State.PENDING]

    assert len(waiting) == 1
    follow = desk.book.get(waiting[0].id)
    assert follow.ticket.legs[0].notional == D(1500)
    assert orders_of(store) == 2, "nothing was bought without a click"


def test_a_sale_that_has_not_filled_has_no_proceeds_yet(
    desk: Desk, prices: SetPrices, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    buy(desk)
    sold = desk.confirm(claim(desk, desk.take("sell all my AAPL at 155 and buy MSFT with the proceeds")))
    before = [one for one in desk.tickets() if one.state is State.PENDING]
    prices.set("AAPL", "155")

    end = desk.follow(sold.entry.id, timeout=5)  # type: ignore[union-attr]
    after = [one for one in desk.tickets() if one.state is State.PENDING]

    assert before == []
    assert end.state is State.FILLED
    assert desk.book.get(after[0].id).ticket.legs[0].notional == D(1550)


def test_a_rebalance_is_one_ticket_sales_first(
    desk: Desk, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    buy(desk, "buy 100 AAPL")

    drafted = desk.basket({"AAPL": 10, "msft": "20.0"})
    done = desk.confirm(claim(desk, drafted))

    assert drafted.entry is not None
    moves = [(leg.side, leg.symbol, leg.qty) for leg in drafted.entry.ticket.legs]
    assert moves == [(Side.SELL, "AAPL", D(33)), (Side.BUY, "MSFT", D(50))]
    assert done.entry is not None
    assert done.entry.state is State.FILLED
    assert drafted.data["act"] == "Send 2 orders"


@pytest.mark.parametrize("weights", [{}, {"AAPL": "many"}, {"AAPL": None}])
def test_weights_that_are_no_numbers_are_a_mistake(desk: Desk, weights: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        desk.basket(weights)


def test_a_column_of_a_frame_gives_weights(desk: Desk) -> None:
    pandas = pytest.importorskip("pandas")

    drafted = desk.basket(pandas.Series({"AAPL": 5.0, "F": 1.0}))

    assert len(drafted.entry.ticket.legs) == 2  # type: ignore[union-attr]


# -- order management --------------------------------------------------------------------------------------------------
def test_words_cancel_an_order_at_once_and_dismiss_a_waiting_ticket(desk: Desk, buy: Callable[..., Outcome]) -> None:
    resting = buy(desk, "buy 10 AAPL at 148")
    waiting = desk.take("buy 1 F")

    by_symbol = desk.take("cancel my AAPL order")
    by_id = desk.act(
        Reading(kind=Kind.CANCEL, action=Action.CANCEL, target=Target(order_id=waiting.entry.id))  # type: ignore[union-attr]
    )

    assert by_symbol.kind == by_id.kind == "done"
    assert desk.book.get(resting.entry.id).state is State.CANCELLED  # type: ignore[union-attr]
    assert desk.book.get(waiting.entry.id).state is State.DISMISSED  # type: ignore[union-attr]
    assert desk.take("cancel my MSFT order").kind == "ask"


def test_a_model_cancels_nothing(desk: Desk, buy: Callable[..., Outcome]) -> None:
    resting = buy(desk, "buy 10 AAPL at 148")
    reading = Reading(kind=Kind.CANCEL, action=Action.CANCEL, target=Target(all=True), read_by=ReadBy.MODEL)

    outcome = desk.act(reading)

    assert outcome.kind == "ask"
    assert desk.refresh(resting.entry.id).state is State.ACCEPTED  # type: ignore[union-attr]


def test_what_a_model_read_says_so_and_wants_a_tick(desk: Desk) -> None:
    order = Order(side=Side.BUY, symbol="AAPL", size=Size(qty=D(1)))
    reading = Reading(kind=Kind.ORDER, orders=(order,), text="one of them apples", read_by=ReadBy.MODEL)

    outcome = desk.act(reading)

    assert "model_read" in {one.key for one in outcome.entry.ticket.warnings}  # type: ignore[union-attr]
    assert "Interpreted by a model" in record_text(outcome.data)
    assert "one of them apples" in record_text(outcome.data)


def test_a_change_is_a_new_ticket_that_cancels_the_old_order_first(
    desk: Desk, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    old = buy(desk, "buy 10 AAPL at 148")

    drafted = desk.take("change the limit of my AAPL order to 149")
    still = desk.refresh(old.entry.id).state  # type: ignore[union-attr]
    done = desk.confirm(claim(desk, drafted))

    assert still is State.ACCEPTED
    assert done.entry is not None
    assert (done.entry.state, done.entry.ticket.legs[0].limit_price) == (State.ACCEPTED, D(149))
    assert desk.refresh(old.entry.id).state is State.CANCELLED  # type: ignore[union-attr]
