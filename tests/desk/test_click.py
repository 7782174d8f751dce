"""The moment of the click: moved prices, expiry, limits, the halt, forged confirms."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Claim, Desk, Outcome, Who
from jupyter_autocoder.errors import BrokerError, TicketConflict, TradeRefused
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.market import Hours
from jupyter_autocoder.trade.states import State

ADA = Who(actor="human", person="ada", session="kernel-1")


# -- the moment of the click -------------------------------------------------------------------------------------------
def test_a_moved_price_gives_a_new_ticket_that_shows_the_difference(
    desk: Desk, prices: SetPrices, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    prices.set("AAPL", "150.76")

    outcome = desk.confirm(claim(desk, drafted))

    assert drafted.entry is not None
    assert outcome.entry is not None
    assert desk.book.get(drafted.entry.id).state is State.SUPERSEDED
    assert (outcome.entry.state, outcome.entry.ticket.parent) == (State.PENDING, drafted.entry.id)
    assert outcome.entry.ticket.changed == ("AAPL: the price moved from $150.00 to $150.76 (+0.51 %)",)
    assert orders_of(store) == 0
    assert desk.confirm(claim(desk, outcome)).entry.state is State.FILLED  # type: ignore[union-attr]


def test_a_small_move_and_one_within_the_spread_pass(
    desk: Desk, prices: SetPrices, claim: Callable[..., Claim]
) -> None:
    prices.set("AAPL", "150", bid="148", ask="152")
    wide = desk.take("buy 10 AAPL")
    prices.set("AAPL", "152", bid="150", ask="155")

    outcome = desk.confirm(claim(desk, wide))

    assert outcome.entry is not None
    assert outcome.entry.state is State.FILLED


def test_an_old_quote_at_the_click_gives_no_order(
    desk: Desk, prices: SetPrices, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    prices.set("AAPL", "150", age=16)

    outcome = desk.confirm(claim(desk, drafted))

    assert outcome.entry is not None
    assert outcome.entry.state is State.BLOCKED
    assert orders_of(store) == 0


def test_a_holding_that_changed_gives_a_new_size(
    desk: Desk, prices: SetPrices, claim: Callable[..., Claim], buy: Callable[..., Outcome]
) -> None:
    buy(desk)
    half = desk.take("sell half my AAPL")
    desk.confirm(claim(desk, desk.take("sell 4 AAPL")))

    outcome = desk.confirm(claim(desk, half))

    assert outcome.entry is not None
    assert (outcome.entry.state, outcome.entry.ticket.legs[0].qty) == (State.PENDING, D(3))


def test_a_new_warning_gives_a_new_ticket(desk: Desk, prices: SetPrices, claim: Callable[..., Claim]) -> None:
    drafted = desk.take("buy 10 AAPL")
    prices.state = Hours(open=False)

    outcome = desk.confirm(claim(desk, drafted))

    assert outcome.entry is not None
    assert "market_closed" in {one.key for one in outcome.entry.ticket.warnings}
    assert outcome.entry.state is State.PENDING


def test_an_expired_ticket_is_not_sent(
    desk: Desk, clock: Any, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    said = claim(desk, drafted)
    clock.sleep(61)

    outcome = desk.confirm(said)

    assert outcome.entry is not None
    assert outcome.entry.state is State.EXPIRED
    assert orders_of(store) == 0


def test_a_limit_order_waits_longer_and_never_past_the_session(desk: Desk, prices: SetPrices, clock: Any) -> None:
    market, limit = desk.take("buy 10 AAPL"), desk.take("buy 10 MSFT at 400")
    prices.state = Hours(open=True, next_close=clock() + 30)
    late = desk.take("buy 10 F at 10")

    lives = [one.entry.expires - clock() for one in (market, limit, late)]  # type: ignore[union-attr]

    assert lives == [60, 600, 30]


def test_halting_between_draft_and_click_blocks(
    desk: Desk, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    desk.set_trading(Switch.HALTED, ADA)

    outcome = desk.confirm(claim(desk, drafted))

    assert outcome.entry is not None
    assert outcome.entry.state is State.BLOCKED
    assert orders_of(store) == 0


def test_words_halt_and_words_do_not_release(desk: Desk) -> None:
    halted = desk.take("halt trading")
    for words in ("resume trading", "set trading to active", "unhalt"):
        desk.take(words)

    assert halted.kind == "done"
    assert desk.trading() is Switch.HALTED
    with pytest.raises(TradeRefused, match="halted"):
        desk.take("buy 1 AAPL")


def test_limits_hold_across_tickets_that_were_drafted_before(
    make: Callable[..., Desk], claim: Callable[..., Claim]
) -> None:
    desk = make(max_daily_notional=2_000.0)
    one, two = desk.take("buy 10 AAPL"), desk.take("buy 4 MSFT")
    desk.confirm(claim(desk, one))

    outcome = desk.confirm(claim(desk, two))

    assert outcome.entry is not None
    assert outcome.entry.state is State.BLOCKED
    assert "daily limit" in outcome.entry.message


# -- forged confirms ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("forgery", "reason"),
    [
        ({"hash": "0" * 64}, "hash"),
        ({"nonce": "x"}, "nonce"),
        ({"who": Who(actor="human", person="eve", session="kernel-1")}, "owner"),
        ({"who": Who(actor="model", person="ada", session="kernel-1")}, "actor"),
        ({"clicked": 2_000_000_000.0}, ""),
    ],
    ids=str,
)
def test_a_forged_confirm_gives_no_order(
    desk: Desk,
    store: Store,
    forgery: dict[str, Any],
    reason: str,
    claim: Callable[..., Claim],
    orders_of: Callable[[Store], int],
) -> None:
    drafted = desk.take("buy 10 AAPL")

    said = claim(desk, drafted, **forgery)
    if reason:
        with pytest.raises(TradeRefused) as caught:
            desk.confirm(said)
        assert caught.value.reasons == (reason,)
    else:
        assert desk.confirm(said).entry.state is State.EXPIRED  # type: ignore[union-attr]

    assert orders_of(store) == 0


def test_a_used_nonce_gives_no_second_order(
    desk: Desk, store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    said = claim(desk, desk.take("buy 10 AAPL"))
    desk.confirm(said)

    with pytest.raises(TicketConflict):
        desk.confirm(said)

    assert orders_of(store) == 1


def test_another_person_can_neither_dismiss_nor_cancel(desk: Desk, make: Callable[..., Desk]) -> None:
    drafted = desk.take("buy 10 AAPL")
    eve = make(owner="eve")
    assert drafted.entry is not None

    for act in (eve.dismiss, eve.cancel):
        with pytest.raises(TradeRefused, match="somebody else"):
            act(drafted.entry.id, eve.me)
    assert eve.tickets() == ()


def test_a_second_person_confirms_what_is_large(
    make: Callable[..., Desk], store: Store, claim: Callable[..., Claim], orders_of: Callable[[Store], int]
) -> None:
    trade = {"approve_above": 1000.0, "approvers": ("bob",)}
    ada = make(**trade)
    bob = make(owner="bob", session="browser-7", using=ada.broker(), **trade)
    drafted = ada.take("buy 10 AAPL")

    first = ada.confirm(claim(ada, drafted))
    shown = ada.card(drafted.entry.id)["state_words"]  # type: ignore[union-attr]
    between = orders_of(store)
    second = bob.confirm(claim(bob, drafted))

    assert first.entry is not None
    assert second.entry is not None
    assert (first.entry.state, between) == (State.PENDING, 0)
    assert "one more person must confirm" in shown
    assert second.entry.state is State.FILLED


def test_a_clock_that_was_set_back_gives_no_order(
    desk: Desk, store: Store, claim: Callable[..., Claim], clock: Any, orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    clock.sleep(-3600)

    after = desk.confirm(claim(desk, drafted))

    assert after.data["state"] == "expired"
    assert "clock was set back" in after.data["message"]
    assert orders_of(store) == 0


@pytest.fixture
def in_doubt(desk: Desk, buy: Callable[..., Outcome], clock: Any, monkeypatch: Any) -> Outcome:
    """An order that the broker does not know, some time after it was sent."""
    with monkeypatch.context() as broken:
        broken.setattr(desk.broker(), "submit", timed_out)
        lost = buy(desk)
    assert lost.entry is not None
    clock.sleep(31)
    desk.refresh(lost.entry.id)
    return lost


def timed_out(*_: object, **__: object) -> None:
    raise BrokerError("timed out", definite=False)


def test_an_order_in_doubt_may_be_sent_again_while_all_is_as_it_was(
    desk: Desk, in_doubt: Outcome, claim: Callable[..., Claim], store: Store, orders_of: Callable[[Store], int]
) -> None:
    assert desk.card(in_doubt.entry.id)["retry"] == [0]  # type: ignore[union-attr]

    after = desk.retry(claim(desk, in_doubt), 0)

    assert after.data["state"] == "filled"
    assert orders_of(store) == 1


@pytest.mark.parametrize("change", ["price", "halt"])
def test_an_order_in_doubt_is_not_sent_again_when_things_have_changed(
    desk: Desk, in_doubt: Outcome, claim: Callable[..., Claim], prices: SetPrices, store: Store,
    orders_of: Callable[[Store], int], change: str,
) -> None:  # fmt: skip
    if change == "price":
        prices.set("AAPL", "160")
    else:
        desk.set_trading(Switch.HALTED, desk.me)

    with pytest.raises(TradeRefused, match=r"price moved|halted"):
        desk.retry(claim(desk, in_doubt), 0)

    assert desk.dismiss(in_doubt.entry.id, desk.me).state is State.DISMISSED  # type: ignore[union-attr]
    assert orders_of(store) == 0
