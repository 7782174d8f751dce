"""What is not there, what fails, and what the server's end cuts: each is told once."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_autocoder.chat import History, Message
from jupyter_autocoder.errors import StoreUnavailable

pytestmark = pytest.mark.server


def test_an_answer_that_the_servers_stop_cut_is_not_taken_for_the_persons_stop(tmp_path, server):
    conversation = server.begin()
    with type(server)(tmp_path) as first, first.tab() as tab:
        first.client.script = ["partial ", 60.0]
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="slowly")
        tab.until(lambda frame: frame["type"] == "delta")

    with server.tab() as tab:
        _, answer = tab.open(conversation)["messages"]

    assert (answer["state"], answer["text"]) == ("stopped", "partial ")
    assert answer["problem"]["what"] == "The server ended while this was being written."
    assert answer["problem"]["do"] == "Ask again."


def test_a_run_that_the_servers_stop_cut_says_so(tmp_path, server):
    conversation = server.begin()
    with type(server)(tmp_path) as first, first.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/run 60")
        tab.until(lambda frame: frame["type"] == "output")

    with server.tab() as tab:
        (execution,) = tab.open(conversation)["messages"][-1]["executions"]

    assert (execution["state"], execution["outputs"][0]["text"]) == ("stopped", "60")
    assert execution["problem"]["what"] == "The server ended while this was running."


def test_a_run_whose_server_was_killed_is_not_shown_as_running_for_ever(tmp_path, server):
    conversation = server.begin()
    with type(server)(tmp_path) as first, first.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/run 60")
        tab.until(lambda frame: frame["type"] == "output")
        with server.tab() as other:  # another server sees what one that is killed now would leave in the store
            (execution,) = other.open(conversation)["messages"][-1]["executions"]

    assert execution["state"] == "stopped"
    assert execution["problem"]["what"] == "The server ended while this was running."
    assert execution["where"] == "this conversation's sandbox"


def test_a_long_conversation_says_where_its_older_messages_are(server, monkeypatch):
    monkeypatch.setattr(History.messages, "__kwdefaults__", {"limit": 3})
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        for number in range(2):
            tab.send("ask", id=f"q{number}", conversation=conversation, text=f"question {number}")
            tab.put("done")
        note, *shown = tab.open(conversation)["messages"]
        tab.send("execute", id="x1", conversation=conversation, message=note["id"], source="1")
        refused = tab.until(lambda frame: frame["type"] == "refused")

    assert [message["text"] for message in shown] == ["Hello world", "question 1", "Hello world"]
    assert note["role"] == "note"
    assert note["text"].startswith("The newest 3 of 4 messages are shown here. Export")
    assert refused["request"] == "x1"


def test_code_of_a_message_that_is_not_there_is_refused(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("execute", id="x1", conversation=conversation, message="nobody", source="print(1)")
        refused = tab.until(lambda frame: frame["type"] == "refused")

    assert (refused["request"], refused["problem"]["kind"]) == ("x1", "NoMessage")


@pytest.mark.parametrize(
    "frame", [{"type": "ask", "text": "hello"}, {"type": "execute", "message": "m", "source": "1"}]
)
def test_work_in_a_conversation_that_is_not_there_is_answered(server, frame):
    with server.tab() as tab:
        tab.send(**frame, id="q1", conversation="nowhere")
        gone = tab.until(lambda frame: frame["type"] == "gone")

    assert gone["conversation"] == "nowhere"
    assert server.client.asked == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [(StoreUnavailable("the store is gone", do="mend it"), "StoreUnavailable"), (KeyError("x"), "KeyError")],
)
@pytest.mark.parametrize("command", ["/clear", "/usage"])
def test_a_command_that_fails_says_so_once(server, monkeypatch, command, error, kind):
    def fail(*given: object) -> None:
        raise error

    monkeypatch.setattr(server.house.services.history, "clear", fail)
    server.house.services = dataclasses.replace(server.house.services, usage=fail)
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=command)
        failed = tab.put("failed", role="note")
        snapshot = tab.open(conversation)

    assert failed["problem"]["kind"] == kind
    assert [message["role"] for message in snapshot["messages"]] == ["person", "note"]


def test_a_note_that_cannot_be_kept_is_shown_all_the_same(server, monkeypatch):
    conversation = server.begin()
    real = server.house.services.history.add

    def add(owner: str, conversation: str, message: Message) -> bool:
        if message.role == "note":
            raise StoreUnavailable("the disk is full")
        return real(owner, conversation, message)

    monkeypatch.setattr(server.house.services.history, "add", add)
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/help")
        note = tab.put("done", role="note")

    assert "/clear" in note["text"]


def test_a_store_that_cannot_be_read_is_not_taken_for_a_deleted_conversation(server, monkeypatch):
    conversation = server.begin()

    def fail(*args, **options):
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(History, "messages", fail)
    with server.tab() as tab:
        tab.send("open", conversation=conversation)
        refused = tab.until(lambda frame: frame["type"] in ("refused", "gone", "snapshot"))

    assert refused["type"] == "refused"
    assert refused["problem"]["what"] == "the disk is full"
