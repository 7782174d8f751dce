"""Sending: one POST, and the truth about what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.base import Report
from jupyter_autocoder.broking.entries import Claim, Entry
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.broking.sending import SAFE_TO_RETRY, Sender, differences
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import BrokerError, StoreError, TicketConflict, TradeRefused
from jupyter_autocoder.trade.limits import Judgement, Switch
from jupyter_autocoder.trade.market import Hours
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import OrderType, Side
from jupyter_autocoder.trade.tickets import Leg, Ticket

ADA = Who(actor="human", person="ada", session="kernel-1")
MakeTicket = Callable[..., Ticket]
MakeLeg = Callable[..., Leg]
Confirmed = Callable[..., Entry]


def fail(*, definite: bool, what: str = "broken") -> Callable[[], None]:
    def act() -> None:
        raise BrokerError(what, definite=definite)

    return act


@pytest.fixture
def sender(book: TicketBook, trouble: Any, clock: Any) -> Sender:
    return Sender(book, trouble, sleep=clock.sleep)


@pytest.fixture
def confirmed(book: TicketBook, ticket: MakeTicket, claim: Callable[..., Claim]) -> Confirmed:
    def make(*legs: Leg, **changes: Any) -> Entry:
        entry = book.propose(ticket(*legs, **changes), ADA)
        book.confirm(claim(entry), lambda *_: Judgement())
        return book.get(entry.id)

    return make


def test_a_confirmed_ticket_is_sent_once_from_the_stored_row(
    sender: Sender, trouble: Any, confirmed: Confirmed
) -> None:
    entry = confirmed()

    after = sender.send(entry.id)
    again = sender.send(entry.id)

    assert (after.state, after.legs[0].filled_qty, after.legs[0].filled_price) == (State.FILLED, D(10), D("150.05"))
    assert again == after
    assert trouble.posts == [entry.legs[0].client_order_id]


def test_a_proven_refusal_is_a_rejection(sender: Sender, trouble: Any, confirmed: Confirmed) -> None:
    trouble.before = fail(definite=True, what="insufficient buying power")

    after = sender.send(confirmed().id)

    assert (after.state, after.legs[0].message) == (State.REJECTED, "insufficient buying power")


@pytest.mark.parametrize(("when", "state"), [("before", State.UNKNOWN), ("after", State.FILLED)])
def test_a_doubtful_answer_is_looked_up_and_never_sent_again(
    sender: Sender, trouble: Any, confirmed: Confirmed, when: str, state: State
) -> None:
    setattr(trouble, when, fail(definite=False, what="timed out"))

    after = sender.send(confirmed().id)

    assert after.state is state
    assert len(trouble.posts) == 1


def test_an_order_that_cannot_be_found_may_be_sent_again_by_a_person_under_the_same_id(
    sender: Sender, book: TicketBook, trouble: Any, confirmed: Confirmed, claim: Callable[..., Claim], clock: Any
) -> None:
    trouble.before = fail(definite=False)
    entry = sender.send(confirmed().id)
    soon = entry.legs[0].message
    clock.sleep(31)
    late = sender.refresh(entry.id).legs[0].message
    trouble.before = lambda: None

    after = sender.resend(claim(entry), 0)

    assert "not found yet" in soon
    assert late == SAFE_TO_RETRY
    assert after.state is State.FILLED
    assert trouble.posts == [entry.legs[0].client_order_id] * 2
    with pytest.raises(TicketConflict):
        sender.resend(claim(entry), 0)


@pytest.mark.parametrize(("idempotency", "age", "allowed"), [
    ("permanent", 99_999, True), ("window:600", 500, True), ("window:600", 700, False), ("none", 1, False),
    ("sometimes", 1, False),
])  # fmt: skip
def test_a_broker_that_forgets_ids_is_not_sent_the_same_order_again(
    sender: Sender, trouble: Any, confirmed: Confirmed, claim: Callable[..., Claim], clock: Any,
    idempotency: str, age: float, allowed: bool,
) -> None:  # fmt: skip
    trouble.idempotency = idempotency
    trouble.before = fail(definite=False)
    entry = sender.send(confirmed().id)
    trouble.before = lambda: None
    clock.sleep(age)

    if allowed:
        assert sender.resend(claim(entry), 0).state is State.FILLED
        return
    with pytest.raises(TradeRefused, match="does not refuse duplicates"):
        sender.resend(claim(entry), 0)
    assert len(trouble.posts) == 1


def test_a_resend_looks_first(sender: Sender, trouble: Any, confirmed: Confirmed, claim: Callable[..., Claim]) -> None:
    trouble.after = fail(definite=False)
    trouble.blind = fail(definite=False, what="no answer")
    entry = sender.send(confirmed().id)
    trouble.blind = lambda: None

    after = sender.resend(claim(entry), 0)

    assert entry.state is State.UNKNOWN
    assert after.state is State.FILLED
    assert len(trouble.posts) == 1


def test_an_id_that_the_broker_has_seen_is_looked_up(
    sender: Sender, trouble: Any, broker: Any, confirmed: Confirmed
) -> None:
    entry = confirmed()
    broker.submit(entry.order(0), client_order_id=entry.legs[0].client_order_id)

    after = sender.send(entry.id)

    assert after.state is State.FILLED
    assert broker.positions()[0].qty == D(10)


def test_an_interrupt_in_the_middle_leaves_the_order_in_doubt_not_forgotten(
    sender: Sender, book: TicketBook, trouble: Any, confirmed: Confirmed
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    trouble.after = interrupt
    entry = confirmed()

    with pytest.raises(KeyboardInterrupt):
        sender.send(entry.id)

    assert book.get(entry.id).state is State.UNKNOWN
    assert sender.refresh(entry.id).state is State.FILLED


@pytest.mark.parametrize("change", [{"qty": "11"}, {"side": "sell"}, {"symbol": "MSFT"}, {"limit_price": "1"}], ids=str)
def test_an_order_that_is_not_the_confirmed_one_stops_all_trading(
    sender: Sender, book: TicketBook, trouble: Any, confirmed: Confirmed, change: dict[str, str]
) -> None:
    trouble.bend = lambda report: dataclasses.replace(report, economics={**report.economics, **change})

    after = sender.send(confirmed().id)

    assert after.state is State.UNKNOWN
    assert "not the one that was confirmed" in after.legs[0].message
    assert book.switch() is Switch.HALTED


def test_amounts_are_compared_as_numbers(leg: MakeLeg) -> None:
    known = {"client_order_id": "c", "broker_order_id": "b", "state": State.ACCEPTED}

    def report(**economics: str) -> Report:
        return Report(**known, economics={"symbol": "AAPL", "side": "buy", **economics})  # type: ignore[arg-type]

    assert differences(leg(), report(qty="10.000")) == ""
    assert differences(leg(), report()) == ""
    assert "qty" in differences(leg(), report(qty="10.0001"))
    assert "symbol" in differences(leg(), Report(**known, economics={"side": "buy"}))  # type: ignore[arg-type]


def test_what_breaks_a_basket_ends_it(sender: Sender, trouble: Any, confirmed: Confirmed, leg: MakeLeg) -> None:
    trouble.before = fail(definite=True)

    after = sender.send(confirmed(leg(), leg(symbol="MSFT", cost=D(4000))).id)

    assert [one.state for one in after.legs] == [State.REJECTED, State.BLOCKED]
    assert len(trouble.posts) == 1
    assert after.done


def test_a_purchase_waits_for_the_money_of_the_sale_before_it(
    sender: Sender, broker: Any, book: TicketBook, trouble: Any, confirmed: Confirmed, leg: MakeLeg, prices: SetPrices
) -> None:
    broker.submit(leg(qty="600"), client_order_id="seed")
    sale = leg(Side.SELL, "600", cost=D(90_000))
    buy = leg(qty="200", symbol="MSFT", price=D(400), cost=D(80_000))

    after = sender.send(confirmed(sale, buy).id)

    assert [one.state for one in after.legs] == [State.FILLED, State.FILLED]


def test_a_purchase_is_not_sent_while_the_sale_before_it_has_not_filled(
    sender: Sender, broker: Any, trouble: Any, confirmed: Confirmed, leg: MakeLeg
) -> None:
    broker.submit(leg(qty="600"), client_order_id="seed")
    sale = leg(Side.SELL, "600", cost=D(120_000), type=OrderType.LIMIT, limit_price=D(200))
    buy = leg(qty="200", symbol="MSFT", price=D(400), cost=D(80_000))

    after = sender.send(confirmed(sale, buy).id)

    assert [one.state for one in after.legs] == [State.ACCEPTED, State.BLOCKED]
    assert "sales before it" in after.legs[1].message


def test_a_broker_that_is_away_between_two_orders_leaves_none_confirmed_for_ever(
    sender: Sender, book: TicketBook, trouble: Any, confirmed: Confirmed, leg: MakeLeg, monkeypatch: Any
) -> None:
    trouble.real.submit(leg(qty="10"), client_order_id="seed")
    entry = confirmed(leg(Side.SELL, "10"), leg(symbol="MSFT", cost=D(4000)))
    monkeypatch.setattr(trouble, "account", fail(definite=False, what="away"))

    with pytest.raises(BrokerError):
        sender.send(entry.id)

    after = book.get(entry.id)
    assert [one.state for one in after.legs] == [State.FILLED, State.BLOCKED]
    assert after.done
    assert len(trouble.posts) == 1


@pytest.mark.parametrize("away", [1, 2], ids=["for a moment", "until it is looked at again"])
def test_what_was_confirmed_and_could_not_be_sent_asks_its_person_again(
    sender: Sender, book: TicketBook, trouble: Any, confirmed: Confirmed, claim: Callable[..., Claim],
    monkeypatch: Any, away: int,
) -> None:  # fmt: skip
    entry = confirmed()
    with monkeypatch.context() as broken:
        for name in ("begin_send", "ask_again")[:away]:
            broken.setattr(book, name, locked)
        with pytest.raises(StoreError):
            sender.send(entry.id)

    after = sender.refresh(entry.id)
    book.confirm(claim(after), lambda *_: Judgement())
    untouched = sender.refresh(entry.id)
    done = sender.send(entry.id)

    assert after.state is State.PENDING
    assert untouched.state is State.CONFIRMED, "the new click is not taken away"
    assert done.state is State.FILLED
    assert len(trouble.posts) == 1


def locked(*_: object, **__: object) -> None:
    raise StoreError("the database is locked")


@pytest.mark.parametrize("leg_number", [1, 10**30])
def test_a_leg_that_is_not_there_cannot_be_sent_again(
    sender: Sender, trouble: Any, confirmed: Confirmed, claim: Callable[..., Claim], leg_number: int
) -> None:
    trouble.before = fail(definite=False)
    entry = sender.send(confirmed().id)

    with pytest.raises(TradeRefused, match="has no leg"):
        sender.resend(claim(entry), leg_number)


@pytest.mark.parametrize("when", ["before the click", "while it is cancelled"])
def test_an_order_that_filled_in_part_meanwhile_is_not_replaced_in_full(
    sender: Sender, broker: Any, trouble: Any, confirmed: Confirmed, leg: MakeLeg, monkeypatch: Any, when: str
) -> None:
    broker.submit(waiting(leg), client_order_id="old")
    entry = confirmed(leg(), cancels=("old",), filled_before={"old": D(0)})
    cancelled: list[str] = []

    def lookup(client_order_id: str) -> Any:
        report = broker.lookup(client_order_id)
        late = when == "before the click" or cancelled
        return dataclasses.replace(report, filled_qty=D(4)) if client_order_id == "old" and late else report

    def cancel(client_order_id: str) -> None:
        cancelled.append(client_order_id)
        broker.cancel(client_order_id)

    monkeypatch.setattr(trouble, "lookup", lookup)
    monkeypatch.setattr(trouble, "cancel", cancel)

    after = sender.send(entry.id)

    assert after.state is State.BLOCKED
    assert "4 shares of it have filled" in after.legs[0].message
    assert trouble.posts == []
    assert cancelled == ([] if when == "before the click" else ["old"])


def waiting(leg: MakeLeg) -> Leg:
    return leg(type=OrderType.LIMIT, limit_price=D(140), cost=D(1400))


def test_a_cancel_passes_while_everything_is_halted_and_is_followed_to_its_proof(
    sender: Sender, book: TicketBook, confirmed: Confirmed, leg: MakeLeg
) -> None:
    entry = sender.send(confirmed(waiting(leg)).id)
    book.set_switch(Switch.HALTED, ADA)

    after = sender.cancel(entry.id, ADA)

    steps = [row["step"] for row in book.events(entry.id)]
    assert entry.state is State.ACCEPTED
    assert after.state is State.CANCELLED
    assert steps.index("request_cancel") < steps.index("cancel")


def test_a_cancel_that_comes_too_late_ends_filled(
    sender: Sender, trouble: Any, confirmed: Confirmed, leg: MakeLeg, prices: SetPrices
) -> None:
    entry = sender.send(confirmed(waiting(leg)).id)
    prices.set("AAPL", "139")

    after = sender.cancel(entry.id, ADA)

    assert after.state is State.FILLED


def test_a_cancel_that_may_not_have_arrived_stays_requested(
    sender: Sender, trouble: Any, confirmed: Confirmed, leg: MakeLeg
) -> None:
    entry = sender.send(confirmed(waiting(leg)).id)
    trouble.cancel = lambda _: fail(definite=False, what="timed out")()

    after = sender.cancel(entry.id, ADA)

    assert after.state is State.CANCEL_REQUESTED
    assert "may not have arrived" in after.legs[0].message


def test_a_partial_fill_is_followed_and_never_called_filled(
    sender: Sender, confirmed: Confirmed, leg: MakeLeg, prices: SetPrices
) -> None:
    prices.set("AAPL", "150", size="4")
    entry = sender.send(confirmed(leg(type=OrderType.LIMIT, limit_price=D(151))).id)
    more = sender.refresh(entry.id)
    end = sender.refresh(entry.id)

    assert (entry.state, entry.legs[0].filled_qty) == (State.PARTIALLY_FILLED, D(4))
    assert (more.state, more.legs[0].filled_qty) == (State.PARTIALLY_FILLED, D(8))
    assert (end.state, end.legs[0].filled_qty) == (State.FILLED, D(10))


def test_a_replacement_is_sent_only_after_the_old_order_is_proven_cancelled(
    sender: Sender, broker: Any, trouble: Any, confirmed: Confirmed, leg: MakeLeg, prices: SetPrices
) -> None:
    old = sender.send(confirmed(waiting(leg)).id)
    new = confirmed(waiting(leg), cancels=(old.legs[0].client_order_id,))
    filled = sender.send(confirmed(waiting(leg)).id)
    prices.set("AAPL", "139")
    late = confirmed(waiting(leg), cancels=(filled.legs[0].client_order_id,))
    prices.set("AAPL", "150")

    good = sender.send(new.id)
    prices.set("AAPL", "139")
    bad = sender.send(late.id)

    assert sender.refresh(old.id).state is State.CANCELLED
    assert good.state is State.ACCEPTED
    assert bad.state is State.BLOCKED
    assert "is filled" in bad.legs[0].message


def test_a_queue_over_a_closed_market_fills_when_it_opens(
    sender: Sender, confirmed: Confirmed, prices: SetPrices
) -> None:
    prices.state = Hours(open=False)
    entry = sender.send(confirmed().id)
    prices.state = Hours(open=True)

    assert entry.state is State.ACCEPTED
    assert sender.refresh(entry.id).state is State.FILLED
