"""Conversations in the store: kept per person, found again, deleted for good."""

from __future__ import annotations

import threading

import pytest

from jupyter_autocoder.chat import Attachment, Execution, Footer, History, Message, Problem
from jupyter_autocoder.errors import ConversationMissing
from jupyter_autocoder.store import Store


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path / "store.sqlite"))
    yield made
    made.close()


@pytest.fixture
def history(store):
    return History(store)


def message(id: str, text: str = "hello", **more) -> Message:
    return Message(**{"id": id, "role": "person", "text": text, "time": 1.0, **more})


def test_messages_come_back_in_order_and_whole(history):
    conversation = history.create("ann").id
    full = message(
        "2",
        role="model",
        text="NUL \x00 and half a pair \ud800",
        state="failed",
        attachments=(Attachment(kind="cells", label="Cell 1", text="x = 1", tokens=4),),
        footer=Footer(model="gpt-4o", cost=None, notes=("note",)),
        problem=Problem(kind="K", what="w", why="y", do="d"),
        executions=(Execution(id="x", source="1", outputs=({"output_type": "stream", "text": "1"},)),),
        ticket="t",
    )

    history.add("ann", conversation, message("1"))
    history.add("ann", conversation, full)

    assert history.messages("ann", conversation) == [message("1"), full]


def test_the_same_message_is_added_once(history):
    conversation = history.create("ann").id

    added = [history.add("ann", conversation, message("1", text)) for text in ("first", "again")]

    assert added == [True, False]
    assert [item.text for item in history.messages("ann", conversation)] == ["first"]


def test_two_threads_add_the_same_message_once(history):
    conversation = history.create("ann").id
    added: list[bool] = []
    threads = [
        threading.Thread(target=lambda: added.append(history.add("ann", conversation, message("1")))) for _ in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(added) == [False] * 7 + [True]


def test_the_last_messages_are_given_when_there_are_many(history):
    conversation = history.create("ann").id
    for number in range(30):
        history.add("ann", conversation, message(str(number)))

    last = history.messages("ann", conversation, limit=20)

    assert [item.id for item in last] == [str(number) for number in range(10, 30)]


def test_a_new_process_finds_what_the_last_one_kept(tmp_path):
    first = Store(str(tmp_path / "s.sqlite"))
    conversation = History(first).create("ann", notebook="a.ipynb").id
    History(first).add("ann", conversation, message("1", "keep this"))
    first.close()

    second = Store(str(tmp_path / "s.sqlite"))
    found = History(second).messages("ann", conversation)
    second.close()

    assert [item.text for item in found] == ["keep this"]


@pytest.mark.parametrize("act", ["conversation", "messages", "delete", "clear", "rename", "add", "save", "message"])
def test_nobody_reaches_another_persons_conversation(history, act):
    conversation = history.create("ann").id
    more = {"rename": ("x",), "add": (message("1"),), "save": (message("1"),), "message": ("1",)}.get(act, ())

    with pytest.raises(ConversationMissing):
        getattr(history, act)("bob", conversation, *more)


def test_lists_are_one_persons_own(history):
    history.create("ann", title="mine")
    history.create("bob", title="his")

    assert [item.title for item in history.conversations("ann")] == ["mine"]


def test_a_conversation_takes_its_first_questions_words_as_title(history):
    conversation = history.create("ann").id

    history.add("ann", conversation, message("1", "How  do I\nsort " + "x" * 200))
    history.add("ann", conversation, message("2", "something else"))
    title = history.conversation("ann", conversation).title

    assert title.startswith("How do I sort xxx")
    assert len(title) == 80


@pytest.mark.parametrize(
    ("query", "found"),
    [("Frame", True), ("frame", True), ("100%", True), ("a_b", True), ("1%0", False), ("axb", False), ("!", False)],
)
def test_search_takes_words_literally_and_ignores_case(history, query, found):
    conversation = history.create("ann", title="numbers").id
    history.add("ann", conversation, message("1", "a data frame, 100% of a_b"))

    assert bool(history.conversations("ann", query=query)) is found


@pytest.mark.server
@pytest.mark.parametrize("place", ["title", "text"])
@pytest.mark.parametrize(
    ("written", "queries"),
    [
        ("Die Übersicht", ("Übersicht", "übersicht", "ÜBERSICHT", "U\u0308bersicht")),
        ("ГОРОД", ("город", "Город")),
        ("Straße", ("STRASSE", "straße")),
    ],
)
def test_search_ignores_case_in_every_script_on_both_databases(store_url, place, written, queries):
    store = Store(store_url)
    history = History(store)
    wanted = history.create("ann", title=written if place == "title" else "x")
    history.create("ann", title="other")
    if place == "text":
        history.add("ann", wanted.id, message("1", written))

    found = {query: [item.id for item in history.conversations("ann", query=query)] for query in queries}
    store.close()

    assert found == {query: [wanted.id] for query in queries}


def test_deleting_leaves_no_row(history, store):
    conversation = history.create("ann").id
    history.add("ann", conversation, message("1"))

    gone = history.delete("ann", conversation)

    with store.read() as tx:
        left = tx.rows("SELECT id FROM chat_conversations") + tx.rows("SELECT id FROM chat_messages")
    assert gone
    assert left == []


def test_retention_hides_instead_and_says_so(store):
    history = History(store, keep_deleted=True)
    conversation = history.create("ann").id
    history.add("ann", conversation, message("1"))

    gone = history.delete("ann", conversation)

    assert not gone
    assert history.conversations("ann") == []
    with store.read() as tx:
        assert len(tx.rows("SELECT id FROM chat_messages")) == 1


def test_retention_also_holds_for_clearing(store):
    history = History(store, keep_deleted=True)
    conversation = history.create("ann").id
    history.add("ann", conversation, message("1"))

    gone = history.clear("ann", conversation)

    assert not gone
    assert history.messages("ann", conversation) == []
    assert history.conversations("ann", query="hello") == [history.conversation("ann", conversation)]


def test_a_record_of_a_newer_version_is_left_out_and_the_rest_is_read(history, store):
    conversation = history.create("ann").id
    history.add("ann", conversation, message("1"))
    history.add("ann", conversation, message("2"))
    with store.write() as tx:
        tx.run("UPDATE chat_messages SET data = ? WHERE id = ?", '{"id": "1", "hologram": true}', "1")

    assert [item.id for item in history.messages("ann", conversation)] == ["2"]


def test_saving_a_message_that_was_deleted_does_not_bring_it_back(history):
    conversation = history.create("ann").id
    history.add("ann", conversation, message("1"))
    history.clear("ann", conversation)

    history.save("ann", conversation, message("1", "late"))

    assert history.messages("ann", conversation) == []
