"""The desk: from words to a ticket to an order, and everything that must not become one."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Claim, Desk, Outcome, Who
from jupyter_autocoder.errors import BrokerError, ExitCode, TicketConflict, TradeRefused, UsageError
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.market import Account, Hours
from jupyter_autocoder.trade.orders import Order, Reading, Size, Target
from jupyter_autocoder.trade.record import record_html, record_text
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Action, Kind, ReadBy, Side

ADA = Who(actor="human", person="ada", session="kernel-1")


class Clock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    made = Store(str(tmp_path / "store.db"), clock=clock)
    yield made
    made.close()


@pytest.fixture
def prices() -> SetPrices:
    made = SetPrices()
    for symbol, price in (("AAPL", "150"), ("MSFT", "400"), ("F", "10")):
        made.set(symbol, price)
    return made


@pytest.fixture
def make(store: Store, prices: SetPrices, clock: Clock) -> Callable[..., Desk]:
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


def claim(desk: Desk, outcome: Outcome, **changes: Any) -> Claim:
    assert outcome.entry is not None
    known: dict[str, Any] = {
        "ticket": outcome.entry.id,
        "hash": outcome.entry.hash,
        "who": desk.me,
        "ticks": frozenset(one.key for one in outcome.entry.ticket.warnings),
    }
    who = changes.get("who", known["who"])
    return Claim(**{**known, "nonce": desk.control(outcome.entry.id, who), **changes})


def buy(desk: Desk, words: str = "buy 10 AAPL") -> Outcome:
    return desk.confirm(claim(desk, desk.take(words)))


def orders_of(store: Store) -> int:
    with store.read() as tx:
        return len(tx.rows("SELECT * FROM paper_orders"))


# -- words -------------------------------------------------------------------------------------------------------------
def test_words_become_a_ticket_and_a_click_an_order(desk: Desk, store: Store) -> None:
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
def test_questions_are_answered_in_plain_data_and_words(desk: Desk, words: str, key: str) -> None:
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
def test_a_cell_that_runs_again_takes_the_place_of_its_waiting_ticket(desk: Desk) -> None:
    first = desk.take("buy 10 AAPL")
    old = claim(desk, first)

    second = desk.take("buy 10 AAPL")

    assert first.entry is not None
    assert second.entry is not None
    assert desk.book.get(first.entry.id).state is State.SUPERSEDED
    assert first.entry.id in second.entry.ticket.note
    with pytest.raises(TicketConflict):
        desk.confirm(old)


def test_words_that_were_an_order_already_need_a_tick_of_their_own(desk: Desk, clock: Clock) -> None:
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


# -- the moment of the click -------------------------------------------------------------------------------------------
def test_a_moved_price_gives_a_new_ticket_that_shows_the_difference(
    desk: Desk, prices: SetPrices, store: Store
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


def test_a_small_move_and_one_within_the_spread_pass(desk: Desk, prices: SetPrices) -> None:
    prices.set("AAPL", "150", bid="148", ask="152")
    wide = desk.take("buy 10 AAPL")
    prices.set("AAPL", "152", bid="150", ask="155")

    outcome = desk.confirm(claim(desk, wide))

    assert outcome.entry is not None
    assert outcome.entry.state is State.FILLED


def test_an_old_quote_at_the_click_gives_no_order(desk: Desk, prices: SetPrices, store: Store) -> None:
    drafted = desk.take("buy 10 AAPL")
    prices.set("AAPL", "150", age=16)

    outcome = desk.confirm(claim(desk, drafted))

    assert outcome.entry is not None
    assert outcome.entry.state is State.BLOCKED
    assert orders_of(store) == 0


def test_a_holding_that_changed_gives_a_new_size(desk: Desk, prices: SetPrices) -> None:
    buy(desk)
    half = desk.take("sell half my AAPL")
    desk.confirm(claim(desk, desk.take("sell 4 AAPL")))

    outcome = desk.confirm(claim(desk, half))

    assert outcome.entry is not None
    assert (outcome.entry.state, outcome.entry.ticket.legs[0].qty) == (State.PENDING, D(3))


def test_a_new_warning_gives_a_new_ticket(desk: Desk, prices: SetPrices) -> None:
    drafted = desk.take("buy 10 AAPL")
    prices.state = Hours(open=False)

    outcome = desk.confirm(claim(desk, drafted))

    assert outcome.entry is not None
    assert "market_closed" in {one.key for one in outcome.entry.ticket.warnings}
    assert outcome.entry.state is State.PENDING


def test_an_expired_ticket_is_not_sent(desk: Desk, clock: Clock, store: Store) -> None:
    drafted = desk.take("buy 10 AAPL")
    said = claim(desk, drafted)
    clock.sleep(61)

    outcome = desk.confirm(said)

    assert outcome.entry is not None
    assert outcome.entry.state is State.EXPIRED
    assert orders_of(store) == 0


def test_a_limit_order_waits_longer_and_never_past_the_session(desk: Desk, prices: SetPrices, clock: Clock) -> None:
    market, limit = desk.take("buy 10 AAPL"), desk.take("buy 10 MSFT at 400")
    prices.state = Hours(open=True, next_close=clock() + 30)
    late = desk.take("buy 10 F at 10")

    lives = [one.entry.expires - clock() for one in (market, limit, late)]  # type: ignore[union-attr]

    assert lives == [60, 600, 30]


def test_halting_between_draft_and_click_blocks(desk: Desk, store: Store) -> None:
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


def test_limits_hold_across_tickets_that_were_drafted_before(make: Callable[..., Desk]) -> None:
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
def test_a_forged_confirm_gives_no_order(desk: Desk, store: Store, forgery: dict[str, Any], reason: str) -> None:
    drafted = desk.take("buy 10 AAPL")

    said = claim(desk, drafted, **forgery)
    if reason:
        with pytest.raises(TradeRefused) as caught:
            desk.confirm(said)
        assert caught.value.reasons == (reason,)
    else:
        assert desk.confirm(said).entry.state is State.EXPIRED  # type: ignore[union-attr]

    assert orders_of(store) == 0


def test_a_used_nonce_gives_no_second_order(desk: Desk, store: Store) -> None:
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


def test_a_second_person_confirms_what_is_large(make: Callable[..., Desk], store: Store) -> None:
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


# -- several orders ----------------------------------------------------------------------------------------------------
def test_the_proceeds_of_a_sale_become_a_ticket_of_their_own_once(desk: Desk, store: Store) -> None:
    buy(desk)

    sold = desk.confirm(claim(desk, desk.take("sell all my AAPL and buy MSFT with the proceeds")))
    for _ in range(2):
        desk.refresh(sold.entry.id)  # type: ignore[union-attr]
    waiting = [one for one in desk.tickets() if one.state is State.PENDING]

    assert len(waiting) == 1
    follow = desk.book.get(waiting[0].id)
    assert follow.ticket.legs[0].notional == D(1500)
    assert orders_of(store) == 2, "nothing was bought without a click"


def test_a_sale_that_has_not_filled_has_no_proceeds_yet(desk: Desk, prices: SetPrices) -> None:
    buy(desk)
    sold = desk.confirm(claim(desk, desk.take("sell all my AAPL at 155 and buy MSFT with the proceeds")))
    before = [one for one in desk.tickets() if one.state is State.PENDING]
    prices.set("AAPL", "155")

    end = desk.follow(sold.entry.id, timeout=5)  # type: ignore[union-attr]
    after = [one for one in desk.tickets() if one.state is State.PENDING]

    assert before == []
    assert end.state is State.FILLED
    assert desk.book.get(after[0].id).ticket.legs[0].notional == D(1550)


def test_a_rebalance_is_one_ticket_sales_first(desk: Desk) -> None:
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
def test_words_cancel_an_order_at_once_and_dismiss_a_waiting_ticket(desk: Desk) -> None:
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


def test_a_model_cancels_nothing(desk: Desk) -> None:
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


def test_a_change_is_a_new_ticket_that_cancels_the_old_order_first(desk: Desk) -> None:
    old = buy(desk, "buy 10 AAPL at 148")

    drafted = desk.take("change the limit of my AAPL order to 149")
    still = desk.refresh(old.entry.id).state  # type: ignore[union-attr]
    done = desk.confirm(claim(desk, drafted))

    assert still is State.ACCEPTED
    assert done.entry is not None
    assert (done.entry.state, done.entry.ticket.legs[0].limit_price) == (State.ACCEPTED, D(149))
    assert desk.refresh(old.entry.id).state is State.CANCELLED  # type: ignore[union-attr]


# -- live --------------------------------------------------------------------------------------------------------------
class LiveBroker(PaperBroker):
    """Play money that calls itself live: no test touches the real thing."""

    name = "alpaca"
    mode = "live"

    def account(self) -> Account:
        return dataclasses.replace(super().account(), mode="live", id="LIVE-1")


@pytest.fixture
def live(store: Store, prices: SetPrices) -> LiveBroker:
    return LiveBroker(store, prices, TradeSettings(), account="LIVE-1")


OPTED = {
    "mode": "live", "broker": "alpaca", "account": "LIVE-1", "live_accounts": ("LIVE-1",), "live_shared_user": True,
}  # fmt: skip


def test_live_works_in_the_server_with_every_opt_in(make: Callable[..., Desk], live: LiveBroker) -> None:
    desk = make(using=live, desk={"place": "server"}, **OPTED)

    drafted = desk.take("buy 10 AAPL")
    done = desk.confirm(claim(desk, drafted))

    assert drafted.data["mode"] == "live"
    assert "REAL MONEY" in drafted.data["banner"]
    assert drafted.data["type_symbol"] == "AAPL"
    assert done.entry is not None
    assert done.entry.state is State.FILLED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"live_accounts": ()}, "live_not_enabled"),
        ({"live_accounts": ("LIVE-2",)}, "live_not_enabled"),
        ({"account": ""}, "live_not_enabled"),
        ({"account": "LIVE-2", "live_accounts": ("LIVE-2",)}, "account_mismatch"),
        ({"live_shared_user": False}, "live_not_enabled"),
        ({"mode": "Live"}, "mode_mismatch"),
        ({"mode": "live "}, "mode_mismatch"),
        ({"mode": "paper"}, "mode_mismatch"),
    ],
    ids=str,
)
def test_live_fails_closed(make: Callable[..., Desk], live: LiveBroker, change: dict[str, Any], reason: str) -> None:
    desk = make(using=live, desk={"place": "server"}, **{**OPTED, **change})

    with pytest.raises(TradeRefused) as caught:
        desk.take("buy 10 AAPL")

    assert reason in caught.value.reasons


def test_live_settings_with_a_paper_broker_are_an_error(make: Callable[..., Desk]) -> None:
    with pytest.raises(TradeRefused, match="settings say live"):
        make(desk={"place": "server"}, **OPTED).take("buy 10 AAPL")


def test_a_kernel_only_drafts_live_orders_and_the_server_completes_them(
    make: Callable[..., Desk], live: LiveBroker, store: Store
) -> None:
    kernel = make(using=live, **OPTED)
    server = make(using=live, session="browser-1", desk={"place": "server"}, **OPTED)

    draft = kernel.take("buy 10 AAPL")
    assert draft.entry is not None
    nonce = kernel.control(draft.entry.id, kernel.me)
    with pytest.raises(TradeRefused, match="Jupyter server only"):
        kernel.confirm(Claim(ticket=draft.entry.id, hash=draft.entry.hash, nonce=nonce, who=kernel.me))
    ready = server.prepare(draft.entry.id)
    done = server.confirm(claim(server, Outcome(kind="ticket", text="", entry=ready)))

    assert draft.entry.state is State.DRAFT
    assert draft.exit_code is ExitCode.TICKET_WAITS
    assert (ready.state, ready.id) == (State.PENDING, draft.entry.id)
    assert done.entry is not None
    assert done.entry.state is State.FILLED


def test_a_draft_that_the_gate_refuses_is_blocked(make: Callable[..., Desk], live: LiveBroker) -> None:
    kernel, server = make(using=live, **OPTED), make(using=live, desk={"place": "server"}, **OPTED)
    draft = kernel.take("buy 99999 AAPL")

    with pytest.raises(TradeRefused):
        server.prepare(draft.entry.id)  # type: ignore[union-attr]

    assert server.book.get(draft.entry.id).state is State.BLOCKED  # type: ignore[union-attr]


def test_a_kernel_does_not_need_the_brokers_keys(store: Store) -> None:
    kernel = Desk(store, settings=Settings(trade=TradeSettings(**OPTED)), owner="ada")  # type: ignore[arg-type]

    draft = kernel.take("buy 10 AAPL")
    kernel.recover()

    assert draft.entry is not None
    assert draft.entry.state is State.DRAFT


# -- the card and its port ---------------------------------------------------------------------------------------------
def test_the_port_draws_confirms_and_follows(desk: Desk) -> None:
    drafted = desk.take("buy 10 AAPL at 149")
    seen: list[str] = []
    port = CardPort(desk, drafted.entry.id, ADA, on_change=lambda card: seen.append(card["state"]))  # type: ignore[union-attr]
    drawn = port.handle({"kind": "draw"})
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]

    done = port.handle({"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ticks})
    gone = port.handle({"kind": "cancel"})

    assert done["card"]["state"] == "accepted"
    assert done["nonce"] == ""
    assert gone["card"]["state"] == "cancelled"
    assert seen == ["pending", "accepted", "cancelled"]
    assert any("cancelled" in line for line in gone["card"]["timeline"])
    json.dumps(gone)


@pytest.mark.parametrize(
    "message",
    [
        None, [], "confirm", {}, {"kind": 5}, {"kind": "__class__"}, {"kind": "confirm"},
        {"kind": "confirm", "hash": "x", "nonce": "y", "ticks": "all"},
        {"kind": "confirm", "hash": "x", "nonce": "y", "ticks": [1]},
        {"kind": "confirm", "hash": ["x"], "nonce": {}, "clicked": "now"},
        {"kind": "confirm", "clicked": float("nan")}, {"kind": "confirm", "clicked": True},
        {"kind": "retry", "leg": "0"}, {"kind": "retry", "leg": -1}, {"kind": "retry", "leg": 0},
        {"kind": "edit"}, {"kind": "edit", "text": "x" * 5000}, {"kind": "edit", "text": "yes"},
        {"kind": "submit"}, {"kind": "state", "state": "confirmed"},
    ],
    ids=repr,
)  # fmt: skip
def test_no_message_of_the_wrong_form_does_anything(desk: Desk, store: Store, message: Any) -> None:
    drafted = desk.take("buy 10 AAPL")
    port = CardPort(desk, drafted.entry.id, ADA)  # type: ignore[union-attr]

    reply = port.handle(message)

    assert reply["problem"]
    assert reply["card"]["state"] == "pending"
    assert orders_of(store) == 0


def test_editing_makes_a_new_ticket_in_the_place_of_the_old(desk: Desk) -> None:
    drafted = desk.take("buy 10 AAPL")
    port = CardPort(desk, drafted.entry.id, ADA)  # type: ignore[union-attr]

    reply = port.handle({"kind": "edit", "text": "buy 5 AAPL"})

    assert reply["card"]["act"] == "Buy 5 AAPL"
    assert port.ticket == reply["card"]["id"] != drafted.entry.id  # type: ignore[union-attr]
    assert desk.book.get(drafted.entry.id).state is State.DISMISSED  # type: ignore[union-attr]


def test_a_broker_that_does_not_answer_shows_as_unknown_and_never_as_filled(desk: Desk, monkeypatch: Any) -> None:
    def lost(*_: object, **__: object) -> None:
        raise BrokerError("timed out", definite=False)

    monkeypatch.setattr(desk.broker(), "submit", lost)
    monkeypatch.setattr(desk.broker(), "lookup", lost)
    drafted = desk.take("buy 10 AAPL")
    port = CardPort(desk, drafted.entry.id, ADA)  # type: ignore[union-attr]
    drawn = port.draw()
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]

    card = port.handle({"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ticks})[
        "card"
    ]

    assert (card["state"], card["state_words"]) == ("unknown", "Unknown: checking with the broker")
    assert card["done"] is False


HOSTILE = '<script>alert(1)</script> <img src=x onerror="alert(1)"> &quot; </td>'


def test_hostile_words_and_names_stay_words(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        desk.broker(),
        "asset",
        lambda symbol: dataclasses.replace(PaperBroker.asset(desk.broker(), symbol), name=HOSTILE),  # type: ignore[arg-type]
    )
    order = Order(side=Side.BUY, symbol="AAPL", size=Size(qty=D(1)))

    outcome = desk.act(Reading(kind=Kind.ORDER, orders=(order,), text=HOSTILE))
    html = record_html(outcome.data)

    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "</td> " not in html.replace("</td></tr>", "")


def test_a_notebooks_page_cannot_take_two_amounts_for_a_formula(desk: Desk) -> None:
    order = Order(side=Side.BUY, symbol="AAPL", size=Size(qty=D(1)))

    outcome = desk.act(Reading(kind=Kind.ORDER, orders=(order,), text=r"for $5, not $6 \(x\) $$y$$"))
    texts = re.split(r"<[^>]*>", record_html(outcome.data))

    assert "$" in texts
    assert [text for text in texts if ("$" in text or "\\" in text) and len(text) > 1] == []


def test_the_record_is_honest_in_every_state(desk: Desk, clock: Clock) -> None:
    drafted = desk.take("buy 10 AAPL")
    pending = record_html(drafted.data) + record_text(drafted.data)
    clock.sleep(61)
    late = record_text(desk.card(drafted.entry.id))  # type: ignore[union-attr]
    filled = record_text(buy(desk, "buy 1 F").data)

    for control in ("<button", "<input", "<a ", "<form", "onclick", "<script", "http"):
        assert control not in pending
    assert "Preview only: not executed" in pending
    assert "valid until 2023-11-14 22:14:20 UTC" in pending
    assert "PAPER" in pending
    assert "Apple Inc." in pending
    assert "Expired: not executed" in late
    assert "1 filled at $10.00" in filled


# -- starting again ----------------------------------------------------------------------------------------------------
def test_opening_a_desk_puts_in_order_what_was_left(desk: Desk, make: Callable[..., Desk], clock: Clock) -> None:
    resting = buy(desk, "buy 10 AAPL at 148")
    waiting = desk.take("buy 1 F")
    clock.sleep(100)

    again = make()
    touched = again.recover()

    assert [entry.id for entry in touched] == [resting.entry.id]  # type: ignore[union-attr]
    assert desk.book.get(waiting.entry.id).state is State.EXPIRED  # type: ignore[union-attr]


def test_a_new_desk_recovers_before_its_first_words(desk: Desk, make: Callable[..., Desk], clock: Clock) -> None:
    waiting = desk.take("buy 1 F")
    clock.sleep(100)

    make().take("what are my positions")

    assert desk.book.get(waiting.entry.id).state is State.EXPIRED  # type: ignore[union-attr]
