"""The REST verbs: who may, what they do, and that nobody reaches another person's conversations."""

from __future__ import annotations

import json

import nbformat
import pytest

pytestmark = pytest.mark.server

ENDPOINTS = [
    ("GET", "conversations", None),
    ("POST", "conversations", {}),
    ("PATCH", "conversations", {"notebook": "a.ipynb", "to": "b.ipynb"}),
    ("PATCH", "conversations/abc", {"title": "x"}),
    ("DELETE", "conversations/abc", None),
    ("GET", "conversations/abc/export", None),
    ("POST", "tokens", {"texts": []}),
    ("GET", "budget", None),
    ("GET", "variables?notebook=a.ipynb", None),
    ("GET", "tickets/abc", None),
    ("POST", "tickets/abc", {"kind": "draw"}),
    ("GET", "trading", None),
    ("POST", "trading", {"state": "halted"}),
]


@pytest.mark.parametrize(("verb", "path", "body"), ENDPOINTS)
def test_without_the_token_there_is_nothing(server, verb, path, body):
    status, _ = server.fetch(verb, path, body, token=None)

    assert status == 403


@pytest.mark.parametrize(("verb", "path", "body"), ENDPOINTS)
def test_whom_the_authorizer_refuses_gets_nothing(closed_server, verb, path, body):
    status, _ = closed_server.fetch(verb, path, body)

    assert status == 403


@pytest.mark.parametrize(("verb", "path", "body"), [entry for entry in ENDPOINTS if entry[0] != "GET"])
def test_a_foreign_page_cannot_use_the_persons_cookie(server, verb, path, body):
    cookie = server.login_cookie()

    status, _ = server.fetch(verb, path, body, token=None, headers={"Cookie": cookie, "Origin": "http://evil.example"})

    assert status in (403, 404)


@pytest.mark.parametrize(("verb", "path", "body"), [entry for entry in ENDPOINTS if entry[0] != "GET"])
def test_a_cookie_without_its_xsrf_token_changes_nothing(server, verb, path, body):
    status, _ = server.fetch(verb, path, body, token=None, headers={"Cookie": server.login_cookie()})

    assert status == 403


def test_conversations_are_listed_newest_first_and_searched(server):
    history = server.house.services.history
    owner = server.owner
    old = history.create(owner, title="About apples")
    new = history.create(owner, notebook="work.ipynb", title="About pears")

    everything = server.fetch("GET", "conversations")[1]["conversations"]
    found = server.fetch("GET", "conversations?query=APPLE")[1]["conversations"]
    of_notebook = server.fetch("GET", "conversations?notebook=work.ipynb")[1]["conversations"]

    assert [item["id"] for item in everything] == [new.id, old.id]
    assert [item["id"] for item in found] == [old.id]
    assert [item["id"] for item in of_notebook] == [new.id]


def test_a_conversation_is_renamed_and_its_tabs_hear_of_it(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        status, renamed = server.fetch("PATCH", f"conversations/{conversation}", {"title": "Better"})
        heard = tab.until(lambda frame: frame["type"] == "title")

    assert (status, renamed["title"], heard["title"]) == (200, "Better", "Better")


def test_conversations_follow_their_notebook_and_its_tabs_hear_of_it(server):
    history = server.house.services.history
    id = history.create(server.owner, notebook="work/old.ipynb").id
    foreign = history.create("somebody-else", notebook="work/old.ipynb").id
    with server.tab() as tab:
        tab.open(id)
        status, answer = server.fetch("PATCH", "conversations", {"notebook": "work", "to": "play"})
        heard = tab.until(lambda frame: frame["type"] == "snapshot")
        tab.until(lambda frame: frame["type"] == "listing")

    assert (status, answer) == (200, {"moved": [id]})
    assert heard["conversation"]["notebook"] == "play/old.ipynb"
    assert history.conversation("somebody-else", foreign).notebook == "work/old.ipynb"


@pytest.mark.parametrize(
    "body",
    [{}, {"notebook": "", "to": "a"}, {"notebook": "x" * 2000}, {"notebook": "a", "to": 5}, {"notebook": ["a"]}, []],
)
def test_a_wrong_move_is_refused_and_moves_nothing(server, body):
    id = server.house.services.history.create(server.owner).id

    status, _ = server.fetch("PATCH", "conversations", body)

    assert status == 400
    assert server.house.services.history.conversation(server.owner, id).notebook == ""


def test_deleting_is_for_good(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="a secret thought")
        tab.put("done")
        status, answer = server.fetch("DELETE", f"conversations/{conversation}")
        tab.until(lambda frame: frame["type"] == "gone")

    assert (status, answer) == (200, {"gone": True})
    with server.store.read() as tx:
        assert tx.rows("SELECT * FROM chat_messages") == []
    assert server.sandboxes.forgotten == [conversation]


def test_deleting_stops_what_runs(server):
    server.client.script = ["a", 30.0]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="long")
        tab.until(lambda frame: frame["type"] == "delta")
        status, _ = server.fetch("DELETE", f"conversations/{conversation}")

    assert status == 200
    assert server.client.closed.wait(5)


def test_a_conversation_is_exported_as_a_notebook_that_is_valid(server):
    server.client.script = ["Do this:\n\n```python\nx = 1\n```\nDone."]
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="how?")
        tab.put("done")

    _, notebook = server.fetch("GET", f"conversations/{conversation}/export?format=notebook")
    _, markdown = server.fetch("GET", f"conversations/{conversation}/export")

    nbformat.validate(notebook)
    assert [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"] == ["x = 1"]
    assert "how?" in markdown
    assert "```python\nx = 1\n```" in markdown


@pytest.mark.parametrize(("verb", "tail"), [("PATCH", ""), ("DELETE", ""), ("GET", "/export")])
def test_another_persons_conversation_is_not_there(server, verb, tail):
    foreign = server.house.services.history.create("somebody-else", title="private").id

    status, answer = server.fetch(
        verb, f"conversations/{foreign}{tail}", {"title": "mine"} if verb == "PATCH" else None
    )

    assert status == 404
    assert "private" not in json.dumps(answer)
    assert server.house.services.history.conversation("somebody-else", foreign).title == "private"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversations", b"[]"),
        ("conversations", b"{"),
        ("conversations", {"title": 5}),
        ("conversations", {"title": "x" * 2000}),
        ("tokens", {"texts": "one"}),
        ("tokens", {"texts": [1]}),
        ("tokens", {"texts": ["x"] * 51}),
        ("tokens", {}),
    ],
)
def test_a_wrong_body_is_refused(server, path, body):
    status, _ = server.fetch("POST", path, body)

    assert status == 400


def test_tokens_are_counted(server):
    status, answer = server.fetch("POST", "tokens", {"texts": ["one two", "three"]})

    assert (status, answer) == (200, {"tokens": [2, 1]})


def test_the_budget_tells_the_model_and_the_commands_and_no_key(server):
    status, answer = server.fetch("GET", "budget")

    assert status == 200
    assert answer["model"] == "gpt-4o"
    assert set(answer["commands"]) == {"run", "trade", "usage", "limits", "clear", "help"}
    assert "sk-" not in json.dumps(answer)
