"""The card's port, its texts and the static record; starting again."""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Desk, Outcome, Who
from jupyter_autocoder.errors import BrokerError, StoreError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.orders import Order, Reading, Size
from jupyter_autocoder.trade.record import record_html, record_text
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Kind, Side

ADA = Who(actor="human", person="ada", session="kernel-1")


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
        {"kind": "confirm", "hash": "x", "nonce": "\ud800"}, {"kind": "retry", "leg": 10**30},
        {"kind": "confirm", "clicked": float("nan")}, {"kind": "confirm", "clicked": True},
        {"kind": "retry", "leg": "0"}, {"kind": "retry", "leg": -1}, {"kind": "retry", "leg": 0},
        {"kind": "edit"}, {"kind": "edit", "text": "x" * 5000}, {"kind": "edit", "text": "yes"},
        {"kind": []}, {"kind": "dismiss", "ticket": ["x"]}, {"kind": "cancel", "ticket": ""},
        {"kind": "dismiss", "ticket": None}, {"kind": "submit"}, {"kind": "state", "state": "confirmed"},
    ],
    ids=repr,
)  # fmt: skip
def test_no_message_of_the_wrong_form_does_anything(
    desk: Desk, store: Store, message: Any, orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL")
    port = CardPort(desk, drafted.entry.id, ADA)  # type: ignore[union-attr]

    reply = port.handle(message)

    assert reply["problem"]
    assert reply["card"]["state"] == "pending"
    assert orders_of(store) == 0


def test_the_control_of_a_sale_goes_on_with_what_its_proceeds_buy(
    desk: Desk, buy: Callable[..., Outcome], prices: SetPrices
) -> None:
    buy(desk)
    seen: list[dict[str, Any]] = []
    sale = desk.take("sell all my AAPL at 155 and buy MSFT with the proceeds").entry
    assert sale is not None
    port = CardPort(desk, sale.id, ADA, on_change=seen.append)
    drawn = port.handle({"kind": "draw"})
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]
    claim = {"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ticks}
    accepted = port.handle(claim)
    prices.set("AAPL", "155")

    after = port.handle({"kind": "draw"})

    assert (accepted["card"]["id"], accepted["card"]["state"]) == (sale.id, "accepted")
    assert [(card["id"] == sale.id, card["state"]) for card in seen[-2:]] == [(True, "filled"), (False, "pending")]
    assert after["card"]["headline"].startswith("BUY $1,550.00 of MSFT")
    assert after["nonce"]
    assert after["card"]["hash"] != drawn["card"]["hash"], "it needs a click of its own"


def click(port: CardPort) -> dict[str, Any]:
    """Confirm what the port draws, with every warning ticked; return the card that comes of it."""
    drawn = port.draw()
    card = drawn["card"]
    ticks = [warning["key"] for warning in card["warnings"]]
    message = {"kind": "confirm", "ticket": card["id"], "hash": card["hash"], "nonce": drawn["nonce"], "ticks": ticks}
    return dict(port.handle(message)["card"])


HALVES = "Sell 10 AAPL and put half of the proceeds into MSFT and half into F"


@pytest.mark.parametrize("first", ["confirm", "dismiss", "moved price"])
def test_every_follow_up_of_a_sale_gets_its_turn_on_the_card(
    desk: Desk, buy: Callable[..., Outcome], prices: SetPrices, first: str
) -> None:
    buy(desk)
    sale = desk.take(HALVES).entry
    assert sale is not None
    port = CardPort(desk, sale.id, ADA)

    one = click(port)
    if first == "moved price":
        prices.set("MSFT", "440")
        replaced = click(port)
        assert (replaced["parent"], replaced["legs"][0]["symbol"]) == (one["id"], "MSFT")
    other = port.handle({"kind": "dismiss", "ticket": port.ticket})["card"] if first == "dismiss" else click(port)
    last = click(port)

    assert one["headline"].startswith("BUY $750.00 of MSFT")
    assert other["headline"].startswith("BUY $750.00 of F ")
    assert (one["state"], other["state"]) == ("pending", "pending")
    assert (last["id"], last["state"], last["next"]) == (other["id"], "filled", "")


def test_a_follow_up_that_is_open_at_the_broker_keeps_the_card_until_it_is_done(
    desk: Desk, buy: Callable[..., Outcome], monkeypatch: Any
) -> None:
    buy(desk)
    sale = desk.take(HALVES).entry
    assert sale is not None
    port = CardPort(desk, sale.id, ADA)
    one = click(port)

    def lost(*_: object, **__: object) -> None:
        raise BrokerError("timed out", definite=False)

    monkeypatch.setattr(desk.broker(), "submit", lost)
    monkeypatch.setattr(desk.broker(), "lookup", lost)
    sent = click(port)

    assert (sent["id"], sent["state"], sent["next"]) == (one["id"], "unknown", "")


@pytest.fixture
def gone_on(desk: Desk, buy: Callable[..., Outcome], prices: SetPrices) -> tuple[CardPort, str]:
    """A port whose sale filled and that went on to its follow-up, and the sale that is still on the person's screen."""
    buy(desk)
    sale = desk.take("sell all my AAPL at 155 and buy MSFT with the proceeds").entry
    assert sale is not None
    port = CardPort(desk, sale.id, ADA)
    click(port)
    prices.set("AAPL", "155")
    port.refresh()
    port.draw()
    return port, sale.id


@pytest.mark.parametrize("message", [
    {"kind": "cancel"}, {"kind": "dismiss"}, {"kind": "edit", "text": "buy 1 F"}, {"kind": "confirm"},
    {"kind": "retry", "leg": 0},
], ids=lambda message: message["kind"])  # fmt: skip
def test_a_click_meant_for_the_sale_does_nothing_to_its_follow_up(
    desk: Desk, gone_on: tuple[CardPort, str], message: dict[str, Any]
) -> None:
    port, sale = gone_on
    before = desk.tickets()

    reply = port.handle({**message, "ticket": sale})

    assert "another ticket" in reply["problem"]
    assert (reply["card"]["id"], reply["card"]["state"]) == (port.ticket, "pending")
    assert reply["card"]["id"] != sale
    assert reply["nonce"], "the card that comes back can be clicked"
    assert desk.tickets() == before


def test_a_card_that_is_behind_may_ask_what_there_is_now(gone_on: tuple[CardPort, str]) -> None:
    port, sale = gone_on

    reply = port.handle({"kind": "draw", "ticket": sale})

    assert "problem" not in reply
    assert reply["card"]["parent"] == sale


def test_a_click_that_names_the_ticket_on_the_card_counts(desk: Desk, gone_on: tuple[CardPort, str]) -> None:
    port, _ = gone_on
    follow_up = port.ticket

    port.handle({"kind": "dismiss", "ticket": follow_up})

    assert desk.book.get(follow_up).state is State.DISMISSED


def test_the_card_is_not_drawn_on_another_thread_in_the_midst_of_an_answer(desk: Desk, monkeypatch: Any) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    port = CardPort(desk, drafted.id, ADA)
    drawing = threading.Thread(target=port.draw)
    seen: list[bool] = []
    dismiss = desk.dismiss

    def in_the_midst(*about: Any) -> Any:
        asking = threading.Thread(target=lambda: seen.append(has_the_turn(port)))
        asking.start()
        asking.join(5)
        drawing.start()
        drawing.join(0.2)
        seen.append(not drawing.is_alive())
        return dismiss(*about)

    monkeypatch.setattr(desk, "dismiss", in_the_midst)
    reply = port.handle({"kind": "dismiss", "ticket": drafted.id})
    drawing.join(5)

    assert reply["card"]["state"] == "dismissed"
    assert seen == [False, False], "neither the turn nor a drawing was to be had"
    assert not drawing.is_alive()
    assert has_the_turn(port)


def has_the_turn(port: CardPort) -> bool:
    with port.between() as mine:
        return mine


@pytest.mark.parametrize("words", ["{0}", "ticket {0}", "  {0} "])
def test_a_tickets_id_is_no_new_words_for_another(desk: Desk, words: str) -> None:
    other, drafted = desk.take("buy 1 F").entry, desk.take("buy 10 AAPL").entry
    assert other is not None
    assert drafted is not None
    port = CardPort(desk, drafted.id, ADA)

    reply = port.handle({"kind": "edit", "text": words.format(other.id)})

    assert "ticket's id" in reply["problem"]
    assert (reply["card"]["id"], reply["card"]["state"]) == (drafted.id, "pending")
    assert desk.book.get(other.id).state is State.PENDING


def test_editing_makes_a_new_ticket_in_the_place_of_the_old(desk: Desk) -> None:
    drafted = desk.take("buy 10 AAPL")
    port = CardPort(desk, drafted.entry.id, ADA)  # type: ignore[union-attr]

    reply = port.handle({"kind": "edit", "text": "buy 5 AAPL"})

    assert reply["card"]["act"] == "Buy 5 AAPL"
    assert port.ticket == reply["card"]["id"] != drafted.entry.id  # type: ignore[union-attr]
    old = desk.book.get(drafted.entry.id)  # type: ignore[union-attr]
    assert (old.state, old.successor) == (State.SUPERSEDED, port.ticket)


def test_an_edit_is_refused_where_something_came_of_the_ticket_meanwhile(desk: Desk) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    here, elsewhere = CardPort(desk, drafted.id, ADA), CardPort(desk, drafted.id, ADA)

    sold = click(elsewhere)
    reply = here.handle({"kind": "edit", "text": "buy 5 AAPL", "ticket": drafted.id})

    assert sold["state"] == "filled"
    assert "is filled" in reply["problem"]
    assert [one.id for one in desk.tickets()] == [drafted.id], "no second order waits"


def test_an_edit_that_loses_against_a_click_makes_no_ticket(desk: Desk, monkeypatch: Any) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    here, elsewhere = CardPort(desk, drafted.id, ADA), CardPort(desk, drafted.id, ADA)
    propose = desk.book.propose

    def a_moment_late(*about: Any, **more: Any) -> Any:
        click(elsewhere)
        return propose(*about, **more)

    monkeypatch.setattr(desk.book, "propose", a_moment_late)
    reply = here.handle({"kind": "edit", "text": "buy 5 AAPL", "ticket": drafted.id})

    assert reply["problem"]
    assert [(one.id, one.state) for one in desk.tickets()] == [(drafted.id, State.FILLED)]


# -- several faces -----------------------------------------------------------------------------------------------------
def test_another_face_goes_on_to_the_ticket_with_the_new_price_and_carries_no_click_over(
    desk: Desk, prices: SetPrices, store: Store, orders_of: Callable[[Store], int]
) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    here, elsewhere = CardPort(desk, drafted.id, ADA), CardPort(desk, drafted.id, ADA)
    old = elsewhere.draw()
    prices.set("AAPL", "160")
    new = click(here)

    stale = elsewhere.handle({"kind": "confirm", "ticket": drafted.id, "hash": old["card"]["hash"],
                              "nonce": old["nonce"], "ticks": ["first_trade:0"]})  # fmt: skip
    drawn = elsewhere.draw()

    assert new["parent"] == drafted.id
    assert "replaces it" in stale["problem"]
    assert (stale["card"]["id"], stale["card"]["state"]) == (new["id"], "pending")
    assert stale["nonce"] not in ("", old["nonce"])
    assert any("price moved" in line for line in drawn["card"]["changed"])
    assert orders_of(store) == 0, "nothing was confirmed by going on"
    assert click(elsewhere)["state"] == "filled"
    assert orders_of(store) == 1


@pytest.mark.parametrize("end", ["confirm", "dismiss", "edit"])
def test_a_face_that_was_away_meanwhile_shows_what_became_of_the_newest_ticket(
    desk: Desk, prices: SetPrices, end: str
) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    here, away = CardPort(desk, drafted.id, ADA), CardPort(desk, drafted.id, ADA)
    for price in ("160", "170"):
        prices.set("AAPL", price)
        click(here)
    if end == "confirm":
        click(here)
    else:
        here.handle({"kind": end, "text": "buy 4 AAPL", "ticket": here.ticket})

    card = away.draw()["card"]

    assert (card["id"], card["state"]) == (
        here.ticket,
        {"confirm": "filled", "dismiss": "dismissed"}.get(end, "pending"),
    )


def test_the_same_words_said_elsewhere_have_a_card_of_their_own(desk: Desk) -> None:
    first, second = desk.take("buy 10 AAPL").entry, desk.take("buy 10 AAPL").entry
    assert first is not None
    assert second is not None

    card = CardPort(desk, first.id, ADA).draw()["card"]

    assert (card["id"], card["state"], card["successor"]) == (first.id, "superseded", second.id)


# -- follow-ups that change --------------------------------------------------------------------------------------------
@pytest.fixture
def halves(desk: Desk, buy: Callable[..., Outcome]) -> CardPort:
    """A port that stands at the first of two follow-ups of a sale."""
    buy(desk)
    sale = desk.take(HALVES).entry
    assert sale is not None
    port = CardPort(desk, sale.id, ADA)
    click(port)
    return port


@pytest.mark.parametrize("edits", [["buy 1 MSFT"], ["buy 2 MSFT", "buy 1 MSFT"]])
@pytest.mark.parametrize("moved", [False, True])
def test_an_edited_follow_up_leads_on_to_the_others(
    halves: CardPort, prices: SetPrices, edits: list[str], moved: bool
) -> None:
    for words in edits:
        edited = halves.handle({"kind": "edit", "text": words, "ticket": halves.ticket})["card"]
    if moved:
        prices.set("MSFT", "440")
        click(halves)

    other = click(halves)
    last = click(halves)

    assert edited["act"] == "Buy 1 MSFT"
    assert (other["headline"][:16], other["state"]) == ("BUY $750.00 of F", "pending")
    assert (last["id"], last["state"], last["next"]) == (other["id"], "filled", "")


def test_a_follow_up_that_another_face_replaced_gets_its_turn_too(
    desk: Desk, halves: CardPort, prices: SetPrices
) -> None:
    waiting = next(one.id for one in desk.tickets() if one.state is State.PENDING and one.id != halves.ticket)
    elsewhere = CardPort(desk, waiting, ADA)
    prices.set("F", "11")
    click(elsewhere)

    card = click(halves)

    assert card["id"] == elsewhere.ticket != waiting
    assert card["state"] == "pending"


@pytest.mark.parametrize("moved", [False, True])
def test_saying_a_sale_again_takes_no_follow_up_away(
    desk: Desk, halves: CardPort, prices: SetPrices, buy: Callable[..., Outcome], moved: bool
) -> None:
    buy(desk, "buy 20 AAPL")
    if moved:
        prices.set("MSFT", "440")
        click(halves)

    again = desk.take(HALVES).entry

    assert again is not None
    assert desk.book.get(halves.ticket).state is State.PENDING
    assert "same_text" in {one.key for one in again.ticket.warnings}


def test_a_follow_up_cannot_be_edited_into_the_sale_by_leaving_the_words_as_they_are(
    desk: Desk, halves: CardPort
) -> None:
    before = desk.tickets()

    reply = halves.handle({"kind": "edit", "text": f" {HALVES}", "ticket": halves.ticket})

    assert "words of the sale" in reply["problem"]
    assert desk.tickets() == before


@pytest.mark.parametrize("message", [{"kind": "cancel"}, {"kind": "dismiss"}, {"kind": "edit", "text": "buy 1 F"}])
def test_a_message_that_names_no_ticket_is_for_the_first_one(
    desk: Desk, halves: CardPort, message: dict[str, Any]
) -> None:
    before = desk.tickets()

    reply = halves.handle(message)

    assert "another ticket" in reply["problem"]
    assert desk.tickets() == before


def test_a_hash_and_a_nonce_name_their_ticket_themselves(halves: CardPort) -> None:
    drawn = halves.draw()
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]
    claim = {"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ticks}

    forged = halves.handle({**claim, "hash": "0" * 64})
    halves.handle(claim)

    assert forged["problem"]
    assert halves.desk.book.get(drawn["card"]["id"]).state is State.FILLED


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


TURNED = "Apple\u202e Inc.\nState: Filled\x1b[2J\u200b"


def test_a_name_neither_turns_the_line_nor_adds_one(desk: Desk, monkeypatch: Any) -> None:
    asset = dataclasses.replace(desk.broker().asset("AAPL"), name=TURNED, exchange=TURNED)  # type: ignore[type-var]
    monkeypatch.setattr(desk.broker(), "asset", lambda symbol: asset)

    outcome = desk.take("buy 1 AAPL")
    shown = [record_text(outcome.data), record_html(outcome.data), json.dumps(outcome.data), desk.tickets()[0].headline]

    assert "Apple Inc. State: Filled" in shown[0]
    for text in shown:
        assert not set("\u202e\x1b\u200b") & set(text)
    assert "\nState: Filled" not in shown[0]


def test_a_brokers_message_adds_no_line_to_the_record(
    desk: Desk, buy: Callable[..., Outcome], monkeypatch: Any
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BrokerError("no\nState: Filled\u202e", definite=True)

    monkeypatch.setattr(desk.broker(), "submit", refuse)

    record = record_text(buy(desk).data)

    assert "\nState: Rejected by the broker\n" in record
    assert "\nState: Filled" not in record
    assert "\u202e" not in record


def test_a_store_that_is_away_is_an_answer_too(desk: Desk, monkeypatch: Any) -> None:
    drafted = desk.take("buy 10 AAPL").entry
    assert drafted is not None
    port = CardPort(desk, drafted.id, ADA)
    drawn = port.draw()
    claim = {"kind": "confirm", "ticket": drafted.id, "hash": drawn["card"]["hash"], "nonce": drawn["nonce"],
             "ticks": ["first_trade:0"]}  # fmt: skip

    def away(*_: object, **__: object) -> Any:
        raise StoreError("the database is locked", do="try again")

    with monkeypatch.context() as broken:
        for name in ("read", "write"):
            broken.setattr(desk.store, name, away)
        reply = port.handle(claim)

    assert reply == {"kind": "away", "problem": "the database is locked", "do": "try again"}
    assert desk.book.get(drafted.id).state is State.PENDING


def test_a_notebooks_page_cannot_take_two_amounts_for_a_formula(desk: Desk) -> None:
    order = Order(side=Side.BUY, symbol="AAPL", size=Size(qty=D(1)))

    outcome = desk.act(Reading(kind=Kind.ORDER, orders=(order,), text=r"for $5, not $6 \(x\) $$y$$"))
    texts = re.split(r"<[^>]*>", record_html(outcome.data))

    assert "$" in texts
    assert [text for text in texts if ("$" in text or "\\" in text) and len(text) > 1] == []


def test_the_record_is_honest_in_every_state(desk: Desk, clock: Any, buy: Callable[..., Outcome]) -> None:
    drafted = desk.take("buy 10 AAPL")
    pending = record_html(drafted.data) + record_text(drafted.data)
    clock.sleep(61)
    late = record_text(desk.card(drafted.entry.id))  # type: ignore[union-attr]
    filled = record_text(buy(desk, "buy 1 F").data)

    for control in ("<button", "<input", "<a ", "<form", "onclick", "<script", "http"):
        assert control not in pending
    assert "Preview only: not executed" in pending
    assert "valid until 2026-09-21 14:14:20 UTC" in pending
    assert "PAPER" in pending
    assert "Apple Inc." in pending
    assert "Expired: not executed" in late
    assert "1 filled at $10.00" in filled


# -- starting again ----------------------------------------------------------------------------------------------------
def test_opening_a_desk_puts_in_order_what_was_left(
    desk: Desk, make: Callable[..., Desk], clock: Any, buy: Callable[..., Outcome]
) -> None:
    resting = buy(desk, "buy 10 AAPL at 148")
    waiting = desk.take("buy 1 F")
    clock.sleep(100)

    again = make()
    touched = again.recover()

    assert [entry.id for entry in touched] == [resting.entry.id]  # type: ignore[union-attr]
    assert desk.book.get(waiting.entry.id).state is State.EXPIRED  # type: ignore[union-attr]


def test_a_new_desk_recovers_before_its_first_words(desk: Desk, make: Callable[..., Desk], clock: Any) -> None:
    waiting = desk.take("buy 1 F")
    clock.sleep(100)

    make().take("what are my positions")

    assert desk.book.get(waiting.entry.id).state is State.EXPIRED  # type: ignore[union-attr]
