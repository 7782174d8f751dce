"""The socket: who gets in, what a conversation looks like on it, and how it ends."""

from __future__ import annotations

import json

import pytest
import websocket

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.events import Progress

pytestmark = pytest.mark.server


def test_an_answer_streams_and_ends_with_its_footer(server):
    conversation = server.begin()
    with server.tab() as tab:
        snapshot = tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="say hello")

        waiting = tab.put("waiting")
        done = tab.put("done")

    assert snapshot["messages"] == []
    assert waiting["text"] == ""
    assert done["text"] == "Hello world"
    assert done["footer"]["model"] == "gpt-4o"
    assert done["footer"]["cost"] == 450
    assert done["footer"]["remaining"] == "$1.20 left today"
    assert done["footer"]["notes"] == ["gpt-4o was busy once."]


def test_the_last_twenty_messages_are_sent_along_and_fewer_to_a_small_window_saying_so(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        for number in range(12):
            tab.send("ask", id=f"q{number}", conversation=conversation, text=f"question {number}")
            whole = tab.put("done")
        server.room = 160
        tab.send("ask", id="last", conversation=conversation, text="and now?")
        cut = tab.put("done")

    *_, wide, narrow = server.client.asked
    assert [item["content"] for item in wide[1:]] == [
        text for number in range(1, 11) for text in (f"question {number}", "Hello world")
    ] + ["question 11"]
    assert whole["footer"]["notes"] == ["gpt-4o was busy once."]
    assert 2 <= len(narrow) < 20
    assert narrow[-1]["content"] == "and now?"
    left_out = 22 - len(narrow)
    assert cut["footer"]["notes"][-1] == (
        f"{left_out} earlier messages did not fit into the model's context and were left out."
    )


def test_partial_text_comes_before_the_answer_is_complete(server):
    server.client.script = ["first ", 0.3, "second"]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="slowly")

        first = tab.until(lambda frame: frame["type"] == "delta")
        second = tab.until(lambda frame: frame["type"] == "delta")

    assert (first["text"], second["text"]) == ("first ", "second")
    assert second["seq"] == first["seq"] + 1


def test_a_second_tab_sees_what_is_being_written_and_follows_it(server):
    server.client.script = ["first ", 0.6, "second"]
    conversation = server.begin()
    with server.tab() as one, server.tab() as two:
        one.open(conversation)
        one.send("ask", id="q1", conversation=conversation, text="slowly")
        one.until(lambda frame: frame["type"] == "delta")

        snapshot = two.open(conversation)
        done = two.put("done")

    assert [message["text"] for message in snapshot["messages"]] == ["slowly", "first "]
    assert done["text"] == "first second"


def test_the_same_question_sent_twice_is_answered_once(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        for _ in range(2):
            tab.send("ask", id="q1", conversation=conversation, text="once")
        tab.put("done")
        snapshot = tab.open(conversation)

    assert [message["role"] for message in snapshot["messages"]] == ["person", "model"]
    assert len(server.client.asked) == 1


@pytest.mark.parametrize(
    "script", [[30.0], ["partial ", 30.0], [Progress(stage="waiting", text="limit", seconds=9), 30.0]]
)
def test_stop_works_at_every_moment_and_closes_the_providers_stream(server, script):
    server.client.script = script
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="never ends")
        if script != [30.0]:
            tab.until(lambda frame: frame["type"] in ("delta", "status"))
        else:
            tab.put("waiting")

        tab.send("stop", conversation=conversation)
        stopped = tab.put("stopped")

    assert stopped["text"] == ("partial " if script[0] == "partial " else "")
    if server.client.asked:
        assert server.client.closed.wait(5)


def test_a_wait_is_counted_down(server):
    server.client.script = [Progress(stage="waiting", text="your limit of 3 a minute is reached", seconds=2.0), "done"]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")

        status = tab.until(lambda frame: frame["type"] == "status")

    assert (status["stage"], status["seconds"]) == ("waiting", 2.0)
    assert status["text"] == "Your limit of 3 a minute is reached."


def test_an_error_becomes_a_message_that_says_what_to_do(server):
    server.client.script = [RateLimited("3 requests a minute are used up", limit="rpm", retry_after=7, do="wait 7 s")]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")

        failed = tab.put("failed")

    assert failed["problem"]["kind"] == "RateLimited"
    assert failed["problem"]["do"] == "wait 7 s"


def test_an_unexpected_error_shows_its_class_and_not_its_text(server):
    server.client.script = [RuntimeError("key sk-secret leaked")]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")

        failed = tab.put("failed")

    assert "RuntimeError" in failed["problem"]["what"]
    assert "sk-secret" not in json.dumps(failed)


def test_secrets_are_hidden_before_they_are_kept_or_sent(server):
    conversation = server.begin()
    attachment = {"kind": "cells", "label": "Cell 1", "text": "key = 'sk-secret'", "tokens": 0}
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="use sk-secret", attachments=[attachment])
        asked = tab.put("done", role="person")
        done = tab.put("done")

    assert "sk-secret" not in json.dumps([asked, server.client.asked])
    assert "2 secrets hidden before sending." in done["footer"]["notes"]


def test_a_conversation_survives_the_servers_end(tmp_path, server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="remember me")
        tab.put("done")

    with type(server)(tmp_path) as again, again.tab() as tab:
        snapshot = tab.open(conversation)

    assert [message["text"] for message in snapshot["messages"]] == ["remember me", "Hello world"]
    assert snapshot["conversation"]["title"] == "remember me"


def test_an_answer_that_a_filter_cut_says_so(server):
    server.client.finish_reason = "content_filter"
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")
        done = tab.put("done")

    assert done["footer"]["notes"][-1] == "The answer was cut by the provider's content filter."


def test_checked_code_runs_and_its_outputs_stay_with_the_message(server):
    server.client.script = ["```python\nprint(1)\n```"]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="code please")
        message = tab.put("done")
        tab.send("execute", id="x1", conversation=conversation, message=message["id"], source="print(1)")
        output = tab.until(lambda frame: frame["type"] == "output")
        done = tab.until(lambda f: f["type"] == "put" and f["message"]["executions"][0]["state"] == "done")
        snapshot = tab.open(conversation)

    assert output["output"]["text"] == "print(1)"
    assert done["message"]["executions"][0]["outputs"][0]["text"] == "print(1)"
    assert snapshot["messages"][1]["executions"][0]["where"] == "this conversation's sandbox"


def test_refused_code_is_not_run_and_says_why(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")
        message = tab.put("done")
        tab.send("execute", id="x1", conversation=conversation, message=message["id"], source="evil()")
        put = tab.until(lambda f: f["type"] == "put" and f["message"]["executions"][0]["state"] == "refused")

    assert put["message"]["executions"][0]["findings"][0]["fix"] == "be good"
    assert put["message"]["executions"][0]["outputs"] == []


def test_a_running_execution_can_be_stopped(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")
        message = tab.put("done")
        tab.send("execute", id="x1", conversation=conversation, message=message["id"], source="30")
        tab.until(lambda frame: frame["type"] == "output")
        tab.send("stop", conversation=conversation)
        put = tab.until(lambda f: f["type"] == "put" and f["message"]["executions"][0]["state"] == "stopped")

    assert put["message"]["executions"][0]["outputs"][0]["text"] == "30"
    assert server.sandboxes.stopped.wait(5)


def test_a_second_question_is_refused_while_one_is_answered(server):
    server.client.script = ["a", 30.0]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="first")
        tab.until(lambda frame: frame["type"] == "delta")
        tab.send("ask", id="q2", conversation=conversation, text="second")
        refused = tab.until(lambda frame: frame["type"] == "refused")
        tab.send("stop", conversation=conversation)
        tab.put("stopped")

    assert (refused["request"], refused["problem"]["kind"]) == ("q2", "Busy")


@pytest.mark.parametrize(
    ("text", "answer"),
    [("/usage", "used: little"), ("/limits", "limits: many"), ("/help", "/clear"), ("/nonsense", "no command")],
)
def test_slash_commands_answer_without_the_model(server, text, answer):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text=text)
        note = tab.put("done", role="note")

    assert answer in note["text"]
    assert server.client.asked == []


def test_run_without_code_runs_the_last_block_of_the_conversation(server):
    server.client.script = ["Here:\n\n```python\nx = 1\n```\n"]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="code")
        tab.put("done")
        tab.send("ask", id="q2", conversation=conversation, text="/run")
        put = tab.until(
            lambda f: (
                f["type"] == "put" and f["message"]["executions"] and f["message"]["executions"][0]["state"] == "done"
            )
        )

    assert put["message"]["executions"][0]["source"] == "x = 1\n"


def test_clear_empties_the_conversation(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")
        tab.put("done")
        tab.send("ask", id="q2", conversation=conversation, text="/clear")
        snapshot = tab.until(lambda frame: frame["type"] == "snapshot")

    assert snapshot["messages"] == []


def test_nobody_enters_without_the_token(server):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        server.tab(token=None)


def test_nobody_enters_whom_the_authorizer_refuses(closed_server):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        closed_server.tab()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_foreign_page_does_not_get_in_even_with_the_token(server, origin):
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        server.tab(origin=origin)


def test_this_servers_own_page_gets_in(server):
    with server.tab(origin=f"http://127.0.0.1:{server.port}") as tab:
        welcome = tab.next()

    assert welcome["type"] == "welcome"


def test_a_conversation_of_somebody_else_is_gone(server):
    foreign = server.house.services.history.create("somebody-else").id
    with server.tab() as tab:
        answer = tab.open(foreign)
        tab.send("ask", id="q1", conversation=foreign, text="let me in")
        tab.open(foreign)

    assert answer["type"] == "gone"
    assert server.house.services.history.messages("somebody-else", foreign) == []
    assert server.client.asked == []
