"""Tickets over the wire: words make them, and only a signed-in browser's click confirms them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
import time

import pytest

from jupyter_autocoder.errors import StoreUnavailable
from jupyter_autocoder.events import Completion
from jupyter_autocoder.portal import portal
from jupyter_autocoder.server.trading import Desks
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.testing.doubles import call
from jupyter_autocoder.trade.proposal import TOOL_NAME

pytestmark = pytest.mark.server


@pytest.fixture
def ticket(server) -> str:
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="Buy 10 shares of AAPL")
        note = tab.put("done", role="note")
    return str(note["ticket"])


def browser(server) -> dict[str, str]:
    """What a signed-in browser sends: its cookies and the XSRF token out of them."""
    cookie = server.login_cookie()
    xsrf = next(part.split("=", 1)[1] for part in cookie.split("; ") if part.startswith("_xsrf="))
    return {"Cookie": cookie, "X-XSRFToken": xsrf}


def say(server, ticket: str, headers: dict[str, str], **message):
    return server.fetch("POST", f"tickets/{ticket}", message, token=None, headers=headers)


def confirmed(server, ticket: str, headers: dict[str, str], drawn) -> tuple[int, dict]:
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]
    return say(
        server,
        ticket,
        headers,
        kind="confirm",
        hash=drawn["card"]["hash"],
        nonce=drawn["nonce"],
        ticks=ticks,
        clicked=time.time(),
    )


@pytest.mark.parametrize("text", ["Buy 10 shares of AAPL", "/trade Buy 10 shares of AAPL"])
def test_a_trade_sentence_becomes_a_ticket_without_the_model(server, text):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=text)
        note = tab.put("done", role="note")

    assert note["ticket"]
    assert server.client.asked == []
    assert server.fetch("GET", f"tickets/{note['ticket']}")[1]["state"] == "pending"


@pytest.mark.parametrize(
    "text",
    [
        "show me everything",
        "what is a limit order?",
        "sell me on this idea",
        "close the file",
        "remove 10 rows",
        "about zebras",
    ],
)
def test_what_is_no_trade_goes_to_the_model(server, text):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=text)
        done = tab.put("done")

    assert done["text"] == "Hello world"


def test_unclear_words_after_trade_are_asked_back(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/trade sell")
        note = tab.put("done", role="note")

    assert note["ticket"] == ""
    assert "Not clear" in note["text"]
    assert server.client.asked == []


class Helper:
    """A governed client whose model answers a trade's words with one completion, after a while."""

    def __init__(self, answer: Completion, *, seconds: float = 0) -> None:
        self.answer = answer
        self.seconds = seconds
        self.asked: list[str] = []
        self.stopped = threading.Event()

    @contextlib.asynccontextmanager
    async def open(self, owner: str):
        yield self

    async def complete(self, messages, *, tools=None, on_progress=None) -> Completion:
        self.asked.append(messages[-1]["content"])
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return self.answer


@pytest.fixture
def helped(server):
    """Let a model help this server's desks; returns the helper."""

    def begin(*orders: dict[str, str], seconds: float = 0) -> Helper:
        helper = Helper(call(TOOL_NAME, orders=list(orders)), seconds=seconds)
        desks = Desks(Settings(), server.store, client=helper.open, wait=portal().call)
        server.house.services = dataclasses.replace(server.house.services, trading=desks)
        return helper

    return begin


ODD = "procure me 10 of those lovely AAPL shares at 150, mate"
SAID = {"side": "buy", "symbol": "AAPL", "qty": "10", "type": "limit", "limit_price": "150"}


def told(server, text: str) -> dict:
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=text)
        return tab.until(
            lambda f: f["type"] == "put" and f["message"]["role"] != "person" and f["message"]["state"] == "done"
        )["message"]


@pytest.mark.parametrize("text", [ODD, f"/trade {ODD}"])
def test_a_model_helps_to_read_a_trade_and_the_card_says_so(server, helped, text):
    helper = helped(SAID)

    note = told(server, text)
    card = server.fetch("GET", f"tickets/{note['ticket']}")[1]

    assert helper.asked == [ODD]
    assert (card["state"], card["text"]) == ("pending", ODD)
    assert "model" in card["read_by"]


@pytest.mark.parametrize("orders", [(), ({**SAID, "qty": "1000"},), ({**SAID, "symbol": "F"},)], ids=str)
def test_what_the_words_do_not_say_becomes_no_ticket(server, helped, orders):
    helped(*orders)

    asked_back, answered = told(server, f"/trade {ODD}"), told(server, ODD)

    assert (asked_back["role"], asked_back["ticket"]) == ("note", "")
    assert "Not clear" in asked_back["text"]
    assert answered["text"] == "Hello world", "for a conversation, then"


@pytest.mark.parametrize(
    ("text", "orders", "end"),
    [(ODD, (SAID,), "ticket"), (f"/trade {ODD}", (), "asked back"), (ODD, (), "answer")],
    ids=["ticket", "asked back", "answer"],
)
def test_while_a_model_helps_a_message_waits_that_its_result_replaces(server, helped, text, orders, end):
    helped(*orders, seconds=0.5)
    conversation = server.begin()
    with server.tab() as tab, server.tab() as other:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=text)
        waiting = tab.put("waiting", role="note")
        status = tab.until(lambda frame: frame["type"] == "status")
        seen = other.open(conversation)["messages"][-1]
        done = tab.put("done", role="model" if end == "answer" else "note")
        messages = tab.open(conversation)["messages"]

    assert (status["message"], status["stage"]) == (waiting["id"], "reading")
    assert seen == waiting
    assert (done["id"] == waiting["id"]) is (end != "answer")
    assert bool(done["ticket"]) is (end == "ticket")
    assert [message["role"] for message in messages] == ["person", done["role"]]


def test_a_waiting_message_that_cannot_be_removed_does_not_wait_for_ever(server, helped, monkeypatch):
    def fail(*given: object) -> None:
        raise StoreUnavailable("the disk is full")

    helped(seconds=0.1)
    monkeypatch.setattr(server.house.services.history, "remove", fail)
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=ODD)
        note = tab.put("done", role="note")
        answer = tab.put("done")

    assert note["text"] == "A model read this as no trade."
    assert answer["text"] == "Hello world"


def test_words_that_need_no_help_are_read_without_a_waiting_message(server, helped):
    helped(SAID)
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="Buy 10 shares of AAPL")
        first = tab.until(lambda f: f["type"] == "put" and f["message"]["role"] == "note")

    assert first["message"]["state"] == "done"


def test_a_question_about_a_trade_is_shown_to_no_helper(server, helped):
    helper = helped(SAID)

    told(server, "should I procure 10 AAPL at 150")
    told(server, "/trade don't procure 10 AAPL at 150")

    assert helper.asked == []


def test_stop_ends_a_helpers_question(server, helped):
    helper = helped(SAID, seconds=60)
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=f"/trade {ODD}")
        ends = time.monotonic() + 10
        while not helper.asked and time.monotonic() < ends:
            time.sleep(0.02)
        tab.send("stop", conversation=conversation)
        note = tab.put("done", role="note")

    assert (note["text"], note["ticket"]) == ("Stopped; there is no ticket.", "")
    assert helper.stopped.wait(5)


def test_a_click_in_a_signed_in_browser_confirms_once(server, ticket):
    headers = browser(server)
    _, drawn = say(server, ticket, headers, kind="draw")

    status, answer = confirmed(server, ticket, headers, drawn)
    again, second = confirmed(server, ticket, headers, drawn)

    assert (status, answer["card"]["state"]) == (200, "filled")
    assert again == 200
    assert second["problem"]


def test_the_api_token_confirms_nothing(server, ticket):
    headers = browser(server)
    _, drawn = say(server, ticket, headers, kind="draw")
    message = {"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ["first_trade"]}

    status, _ = server.fetch("POST", f"tickets/{ticket}", message)

    assert status == 403
    assert server.fetch("GET", f"tickets/{ticket}")[1]["state"] == "pending"


@pytest.mark.parametrize("missing", ["Cookie", "X-XSRFToken"])
def test_a_cookie_without_its_xsrf_token_and_the_other_way_round_do_nothing(server, ticket, missing):
    headers = browser(server)
    headers.pop(missing)

    status, _ = say(server, ticket, headers, kind="dismiss")

    assert status == 403
    assert server.fetch("GET", f"tickets/{ticket}")[1]["state"] == "pending"


def test_a_foreign_page_does_nothing_with_the_persons_cookie(server, ticket):
    status, _ = say(server, ticket, {**browser(server), "Origin": "http://evil.example"}, kind="dismiss")

    assert status in (403, 404)
    assert server.fetch("GET", f"tickets/{ticket}")[1]["state"] == "pending"


def test_a_nonce_works_only_in_the_browser_that_fetched_it(server, ticket):
    _, drawn = say(server, ticket, browser(server), kind="draw")

    _, answer = confirmed(server, ticket, browser(server), drawn)

    assert answer["problem"]
    assert answer["card"]["state"] == "pending"


@pytest.mark.parametrize("message", [{"kind": "confirm"}, {"kind": "become-rich"}, {}, {"kind": "confirm", "ticks": 5}])
def test_a_wrong_message_is_answered_with_a_problem(server, ticket, message):
    status, answer = say(server, ticket, browser(server), **message)

    assert status == 200
    assert answer["problem"]
    assert answer["card"]["state"] == "pending"


def test_halting_stops_a_confirm_and_cannot_be_undone_here(server, ticket):
    headers = browser(server)
    _, drawn = say(server, ticket, headers, kind="draw")

    halted = server.fetch("POST", "trading", {"state": "halted"}, token=None, headers=headers)
    undone, _ = server.fetch("POST", "trading", {"state": "active"}, token=None, headers=headers)
    _, answer = confirmed(server, ticket, headers, drawn)

    assert halted == (200, {"state": "halted"})
    assert undone == 400
    assert answer["card"]["state"] != "filled"
    assert server.fetch("GET", "trading") == (200, {"state": "halted"})


def test_another_tab_hears_at_once_that_a_ticket_moved(server, ticket):
    with server.tab() as tab:
        tab.next()
        say(server, ticket, browser(server), kind="dismiss")
        heard = tab.until(lambda frame: frame["type"] == "tickets")

    assert heard["ticket"] == ticket


@pytest.mark.parametrize(("verb", "path", "body"), [("GET", "tickets/x", None), ("GET", "trading", None)])
def test_tickets_are_shown_to_nobody_without_the_token(server, verb, path, body):
    assert server.fetch(verb, path, body, token=None)[0] == 403


def test_a_tickets_id_after_trade_shows_its_card_in_the_chat(server, ticket):
    note = told(server, f"/trade {ticket}")

    assert note["ticket"] == ticket
