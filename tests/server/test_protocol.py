"""The wire: `protocol.py` and `protocol.ts` say the same, and nothing but a right frame is read."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_autocoder.chat import Conversation, Message, Problem, decode, encode
from jupyter_autocoder.server import protocol
from jupyter_autocoder.server.protocol import Ask, Open, ProtocolError, Put, Refused, Snapshot, Status

LABEXTENSION = Path(__file__).parents[2] / "labextension"
GOOD = {"type": "ask", "id": "q1", "conversation": "c1", "text": "hello", "attachments": []}


def test_the_typescript_mirror_is_what_the_python_side_says():
    spec = importlib.util.spec_from_file_location("write_protocol", LABEXTENSION / "scripts" / "write_protocol.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert (LABEXTENSION / "src" / "protocol.ts").read_text() == script.typescript()


def test_a_right_frame_is_read():
    assert protocol.read(json.dumps(GOOD)) == Ask(id="q1", conversation="c1", text="hello")


@pytest.mark.parametrize(
    "frame",
    [
        {**GOOD, "type": "become-root"},
        {**GOOD, "type": 3},
        {**GOOD, "user": "somebody-else"},  # identity is never the message's to give
        {**GOOD, "text": 5},
        {**GOOD, "text": "  "},
        {**GOOD, "text": "x" * (protocol.MAX_TEXT + 1)},
        {**GOOD, "text": "\ud800"},
        {**GOOD, "id": ""},
        {**GOOD, "id": "x" * 65},
        {**GOOD, "id": "a\nb"},
        {**GOOD, "conversation": None},
        {**GOOD, "attachments": {}},
        {**GOOD, "attachments": [{"kind": "virus", "label": "", "text": ""}]},
        {**GOOD, "attachments": [{"kind": "file", "label": "", "text": "", "tokens": True}]},
        {**GOOD, "attachments": [{"kind": "file", "label": "f", "text": "t"}] * 21},
        {"type": "open"},
        {"type": "execute", "id": "x", "conversation": "c", "message": "m", "source": ""},
    ],
)
def test_a_wrong_frame_is_refused(frame):
    with pytest.raises(ProtocolError):
        protocol.read(json.dumps(frame))


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{", "[" * 100_000, '{"type": "open", "conversation": NaN}'])
def test_what_is_no_frame_at_all_is_refused(text):
    with pytest.raises(ProtocolError):
        protocol.read(text)


def test_the_refusal_names_the_request_so_that_the_browser_can_give_the_text_back():
    with pytest.raises(ProtocolError) as caught:
        protocol.read(json.dumps({**GOOD, "surprise": 1}))

    assert caught.value.request == "q1"
    assert caught.value.do == "Reload the page."


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (GOOD, "Your message is longer than 100,000 characters."),
        (
            {"type": "execute", "id": "q1", "conversation": "c", "message": "m", "source": ""},
            "The code is longer than 100,000 characters.",
        ),
    ],
)
def test_what_is_too_long_is_no_reason_to_reload_the_page(frame, told):
    field = "text" if "text" in frame else "source"

    with pytest.raises(ProtocolError) as caught:
        protocol.read(json.dumps({**frame, field: "x" * (protocol.MAX_TEXT + 1)}))

    assert str(caught.value) == told
    assert caught.value.request == "q1"
    assert "file" in caught.value.do or "cell" in caught.value.do


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(["type", "id", "conversation", "text", "attachments", "message", "source"])
types = st.sampled_from(["open", "close", "ask", "execute", "stop", "welcome", ""])


@given(st.dictionaries(keys, json_values | types))
def test_no_json_object_breaks_the_reader(value):
    try:
        frame = protocol.read(json.dumps(value))
    except ProtocolError:
        return

    assert isinstance(frame, protocol.CLIENT_FRAMES)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_text_breaks_the_reader(text):
    with pytest.raises(ProtocolError):
        protocol.read(text)


def test_what_is_written_has_its_type_and_only_plain_values():
    conversation = Conversation(id="c", title="t", notebook="", created=1.0, changed=2.0)
    message = Message(id="m", role="model", text="é\u2028", time=1.0)

    for frame in (
        Snapshot(conversation=conversation, messages=(message,), seq=3),
        Put(conversation="c", seq=4, message=message),
        Status(conversation="c", seq=5, message="m", stage="waiting", text="limit", seconds=2.5),
        Refused(request="q", conversation="c", problem=Problem(kind="Busy", what="busy")),
    ):
        assert json.loads(protocol.write(frame))["type"] == frame.type


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["done", "failed", "writing"]))
def test_a_message_comes_back_from_json_as_it_was(text, time, state):
    message = Message(id="m", role="person", text=text, time=time, state=state)

    assert decode(Message, json.loads(json.dumps(encode(message)))) == message


def test_an_open_frame_needs_nothing_but_the_conversation():
    assert protocol.read('{"type":"open","conversation":"c"}') == Open(conversation="c")
