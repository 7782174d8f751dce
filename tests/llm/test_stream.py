"""Answers put together from the wire, byte by byte."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_autocoder.llm.stream import Answer, Events, Malformed, ServerError
from jupyter_autocoder.testing import Reply, ScriptedCall
from jupyter_autocoder.testing.wire import chat

REQUEST = {"model": "gpt-4o", "messages": [], "stream": True, "stream_options": {"include_usage": True}}


def body(reply: Reply) -> bytes:
    return b"".join(chat(reply, REQUEST).pieces)


def read(raw: bytes, cuts: list[int]) -> Answer:
    answer, events = Answer(), Events()
    places = sorted({0, *(cut % (len(raw) + 1) for cut in cuts), len(raw)})
    for start, end in itertools.pairwise(places):
        for event in events.feed(raw[start:end]):
            answer.feed_chunk(event)
    answer.close()
    return answer


@given(
    st.text(max_size=60),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(1, 5),
    st.lists(st.integers(0, 10_000), max_size=40),
)
def test_cutting_the_bytes_anywhere_changes_nothing(text: str, argument: str, chunk: int, cuts: list[int]) -> None:
    text = text.encode("utf-8", "ignore").decode()
    arguments = json.dumps({"a": argument})
    raw = body(Reply(text=text, calls=(ScriptedCall(name="f", arguments=arguments),), chunk=chunk))

    answer = read(raw, cuts)

    assert answer.text == text
    assert [(call["name"], call["arguments"]) for call in answer.calls] == [("f", arguments)]
    assert answer.complete
    assert answer.tokens() is not None


@given(st.integers(0, 10_000))
def test_every_beginning_of_a_stream_is_read_and_only_the_whole_is_complete(cut: int) -> None:
    raw = body(Reply(text="Grüße, 世界", chunk=3))
    end = cut % len(raw)

    answer = read(raw[:end], [])

    assert "Grüße, 世界".startswith(answer.text)
    # What is missing at the very end is only [DONE].
    assert answer.complete == (raw[:end].count(b"\n\n") >= raw.count(b"\n\n") - 1)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_may_end_either_way(end: bytes) -> None:
    raw = body(Reply(text="one two")).replace(b"\n", end)

    assert read(raw, []).text == "one two"


def test_comments_and_other_fields_are_skipped_and_data_may_span_lines() -> None:
    chunk = b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "x"}}]}'

    assert read(b": ping\n\nevent: message\nid: 7\n" + chunk + b"\n\n", []).text == "x"


def test_nothing_counts_after_done() -> None:
    more = b'data: {"choices": [{"index": 0, "delta": {"content": "more"}}]}\n\n'

    assert read(body(Reply(text="end")) + more, []).text == "end"


@pytest.mark.parametrize(
    "chunk",
    [{}, {"choices": None}, {"choices": [None]}, {"choices": [{}]}, {"choices": [{"delta": None}]},
     {"choices": [{"delta": {"content": 7}}]}, {"choices": [{"delta": {"tool_calls": [{"index": "x"}, None]}}]},
     {"choices": [{"delta": {"tool_calls": 3}}]}, {"usage": 3}, {"choices": [{"index": 1, "delta": {"content": "x"}}]}],
    ids=str,
)  # fmt: skip
def test_odd_chunks_add_nothing(chunk: Any) -> None:
    answer = Answer()

    assert answer.feed_chunk(chunk) == ""
    assert not answer.complete


@pytest.mark.parametrize("chunk", [[], "text", 7, None])
def test_chunk_that_is_no_object_is_malformed(chunk: Any) -> None:
    with pytest.raises(Malformed):
        Answer().feed_chunk(chunk)


@pytest.mark.parametrize(
    "raw", [b"data: {\n\n", b"data: \xff\n\n", b"data: [[[[\n\n", b"data: " + b"[" * 100_000 + b"\n\n"]
)
def test_data_that_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read(raw, [])


def test_error_event_is_the_servers_error() -> None:
    with pytest.raises(ServerError) as caught:
        read(b'data: {"error": {"message": "boom", "code": "slow_down"}}\n\n', [])

    assert caught.value.body["code"] == "slow_down"


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (b"", Malformed, "empty"),
        (b"<html>", Malformed, "web page"),
        (b'{"choices": []}', Malformed, "plain JSON"),
        (b'{"error": {"message": "boom"}}', ServerError, "boom"),
        (b"Service Unavailable", Malformed, "no JSON"),
    ],
)
def test_body_without_events_is_told_apart(raw: bytes, kind: type[Exception], words: str) -> None:
    events = Events()
    list(events.feed(raw))

    with pytest.raises(kind, match=words):
        events.check_any()


@pytest.mark.parametrize(
    "counts",
    [{}, {"prompt_tokens": -1}, {"prompt_tokens": "5"}, {"prompt_tokens": True}, {"prompt_tokens": 1.5},
     {"prompt_tokens": 5, "completion_tokens": None}, {"prompt_tokens": 0, "completion_tokens": 5},
     {"prompt_tokens": 10**30, "completion_tokens": 1}, {"prompt_tokens": 5, "completion_tokens": 2**63}],
    ids=str,
)  # fmt: skip
def test_senseless_counts_are_no_counts(counts: dict[str, Any]) -> None:
    answer = Answer()
    answer.counts = counts

    assert answer.tokens() is None


def test_an_answer_that_is_said_to_have_no_tokens_was_not_counted() -> None:
    answer = Answer()
    answer.feed_chunk({"choices": [{"delta": {"content": "hello"}}], "usage": {"prompt_tokens": 5}})

    assert answer.tokens() is None


def test_half_characters_of_an_answer_are_replaced_unless_the_next_piece_makes_them_whole() -> None:
    answer = Answer()
    pieces = ("a\ud83d", "\ude00b", "\ude00", "c\ud83d", "d", "e\ud83d")
    texts = [answer.feed_chunk({"model": "m\ud800", "choices": [{"delta": {"content": piece}}]}) for piece in pieces]
    answer.close()

    assert texts == ["a", "\U0001f600b", "\ufffd", "c", "\ufffdd", "e"]
    assert (answer.text, answer.model) == ("a\U0001f600b\ufffdc\ufffdde\ufffd", "m\ufffd")


def test_more_cached_than_sent_is_cut_to_what_was_sent() -> None:
    answer = Answer()
    answer.counts = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}}

    tokens = answer.tokens()

    assert tokens is not None
    assert (tokens.input, tokens.cached) == (5, 5)


def test_answer_without_end_is_stopped() -> None:
    answer = Answer(room=100)
    answer.allow(100)

    with pytest.raises(Malformed, match="far longer"):
        answer.allow(1)


@pytest.mark.parametrize(
    "data",
    [[], [{"index": 0, "embedding": "x"}], [{"index": 1, "embedding": [1.0]}], [{"index": 0, "embedding": [None]}],
     [{"index": 0, "embedding": [1.0]}] * 2, [{"index": 0, "embedding": [float("nan")]}],
     [{"index": 0, "embedding": [10**400]}]],
    ids=str,
)  # fmt: skip
def test_vectors_that_do_not_belong_to_the_texts_are_malformed(data: Any) -> None:
    answer = Answer()
    answer.raw += json.dumps({"data": data}).encode()

    with pytest.raises(Malformed):
        answer.feed_embeddings(texts=1)
