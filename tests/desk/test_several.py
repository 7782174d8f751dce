"""Several orders, follow-ups and order management by words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Claim, Desk, Outcome
from jupyter_autocoder.errors import TradeRefused, UsageError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.orders import Order, Reading, Size, Target
from jupyter_autocoder.trade.record import record_text
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Action, Kind, OrderType, ReadBy, Side


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


# -- one after the other -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["buy 5 MSFT first, then sell 10 AAPL", "buy 5 MSFT followed by sell 10 AAPL"])
def test_orders_that_were_said_one_after_the_other_are_sent_like_that(
    desk: Desk, store: Store, claim: Callable[..., Claim], buy: Callable[..., Outcome], words: str
) -> None:
    buy(desk)

    drafted = desk.take(words)
    done = desk.confirm(claim(desk, drafted))

    assert drafted.data["headline"] == "2 orders: BUY 5 MSFT; then SELL 10 AAPL"
    assert drafted.data["legs"][1]["sentence"].endswith("when order 1 has filled")
    assert done.entry is not None
    assert [leg.state for leg in done.entry.legs] == [State.FILLED, State.FILLED]
    with store.read() as tx:
        sent = [row["symbol"] for row in tx.rows("SELECT symbol FROM trade_legs WHERE ticket = ? ORDER BY sent, leg",
                                                 done.entry.id)]  # fmt: skip
    assert sent == ["MSFT", "AAPL"]


def test_a_mere_list_sells_first(desk: Desk, buy: Callable[..., Outcome]) -> None:
    buy(desk)

    drafted = desk.take("buy 5 MSFT and sell 10 AAPL")

    assert drafted.data["headline"] == "2 orders: SELL 10 AAPL; BUY 5 MSFT"


def test_what_comes_second_is_not_sent_while_the_first_has_not_filled(
    desk: Desk, prices: SetPrices, claim: Callable[..., Claim], buy: Callable[..., Outcome], monkeypatch: Any
) -> None:
    buy(desk)
    drafted = desk.take("sell 10 AAPL, then buy 5 F")
    submit = desk.broker().submit
    resting = {"type": OrderType.LIMIT, "limit_price": D(900)}
    sent: list[str] = []

    def slow(order: Any, *, client_order_id: str) -> Any:
        sent.append(order.symbol)
        report = submit(replace(order, **resting), client_order_id=client_order_id)
        return replace(report, economics={})

    monkeypatch.setattr(desk.broker(), "submit", slow)
    monkeypatch.setattr("jupyter_autocoder.broking.sending.differences", lambda order, report: "")

    done = desk.confirm(claim(desk, drafted)).entry

    assert done is not None
    assert sent == ["AAPL"]
    assert [leg.state for leg in done.legs] == [State.ACCEPTED, State.BLOCKED]
    assert "has not filled" in done.legs[1].message


@pytest.mark.parametrize("words", [
    "sell 10 AAPL at 200, then buy 5 F", "buy 5 F at the close, then sell 10 AAPL",
    "buy 5 AAPL, then sell all my AAPL", "sell 10 AAPL, then buy MSFT with half my cash",
    "sell 10 AAPL first, then buy 5 F at 9, then buy 5 MSFT",
])  # fmt: skip
def test_a_row_that_one_ticket_cannot_hold_is_asked_about(desk: Desk, buy: Callable[..., Outcome], words: str) -> None:
    buy(desk)
    before = desk.tickets()

    with pytest.raises(TradeRefused) as refused:
        desk.take(words)

    assert refused.value.reasons == ("in_order",)
    assert refused.value.do
    assert desk.tickets() == before


def test_a_purchase_before_a_sale_needs_its_money_at_once(
    make: Callable[..., Desk], buy: Callable[..., Outcome]
) -> None:
    desk = make(paper_cash=2000)
    buy(desk)

    listed = desk.take("buy 4 MSFT and sell 10 AAPL")
    with pytest.raises(TradeRefused) as refused:
        desk.take("buy 4 MSFT first, then sell 10 AAPL")

    assert listed.kind == "ticket"
    assert "buying_power" in refused.value.reasons


def test_a_moved_price_keeps_the_order_in_which_it_was_said(
    desk: Desk, prices: SetPrices, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    buy(desk)
    drafted = desk.take("buy 5 MSFT, then sell 10 AAPL")
    prices.set("MSFT", "440")

    again = desk.confirm(claim(desk, drafted))

    assert again.data["headline"] == "2 orders: BUY 5 MSFT; then SELL 10 AAPL"
    assert again.data["state"] == "pending"


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


def test_a_change_is_not_sent_over_what_filled_since_it_was_sized(
    desk: Desk, store: Store, claim: Callable[..., Claim], buy: Callable[..., Outcome], monkeypatch: Any,
    orders_of: Callable[[Store], int],
) -> None:  # fmt: skip
    buy(desk, "buy 10 AAPL at 148")
    drafted = desk.take("raise my limit on AAPL to 149")
    lookup = desk.broker().lookup

    def filled_in_part(client_order_id: str) -> Any:
        report = lookup(client_order_id)
        return None if report is None else replace(report, state=State.PARTIALLY_FILLED, filled_qty=D(4))

    monkeypatch.setattr(desk.broker(), "lookup", filled_in_part)

    after = desk.confirm(claim(desk, drafted))

    assert after.data["state"] == "blocked"
    assert "4 shares of it have filled" in after.data["legs"][0]["receipt"]["message"]
    assert orders_of(store) == 1


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
