"""The message gate: forged, foreign, giant and malformed messages, made up here and sent by real hostile code."""

from __future__ import annotations

import json
from typing import Any

import pytest
import zmq
from jupyter_client.session import Session

from jupyter_autocoder.sandbox.gate import MIB, Caps, Gate, Recording

PARENT = "the-request"


class Kernel:
    """Makes messages as a kernel that knows the key would."""

    def __init__(self) -> None:
        self.session = Session(key=b"secret")
        self.gate = Gate()
        self.recording = Recording(caps=Caps(size=MIB, messages=100))

    def say(self, kind: str, content: Any, *, parent: str = PARENT, channel: str = "iopub") -> dict[str, Any] | None:
        message = self.session.msg(kind, content, parent={"msg_id": parent, "session": "", "username": ""})
        return self.send(self.session.serialize(message, ident=b"topic"), channel=channel)

    def send(self, frames: list[bytes], *, channel: str = "iopub") -> dict[str, Any] | None:
        return self.gate.admit(channel, [zmq.Frame(frame) for frame in frames], self.session)


@pytest.fixture
def kernel() -> Kernel:
    made = Kernel()
    made.gate.expect(PARENT, made.recording)
    return made


# -- what is admitted --------------------------------------------------------------------------------------------------
def test_a_stream_is_admitted_and_rebuilt(kernel: Kernel) -> None:
    message = kernel.say("stream", {"name": "stdout", "text": "hello", "extra": {"x": 1}})

    assert message is not None
    assert message["content"] == {"name": "stdout", "text": "hello"}
    assert message["metadata"] == {}
    assert message["buffers"] == []


def test_a_reply_loses_its_payloads_and_expressions(kernel: Kernel) -> None:
    payload = [{"source": "set_next_input", "text": "import os", "replace": True}]

    message = kernel.say(
        "execute_reply", {"status": "ok", "payload": payload, "user_expressions": {"a": 1}}, channel="shell"
    )

    assert message is not None
    assert message["content"] == {"status": "ok"}


def test_only_the_first_reply_counts(kernel: Kernel) -> None:
    first = kernel.say("execute_reply", {"status": "ok"}, channel="shell")
    second = kernel.say("execute_reply", {"status": "error", "ename": "Forged"}, channel="shell")

    assert first is not None
    assert second is None


def test_an_idle_before_the_reply_waits_for_it(kernel: Kernel) -> None:
    early = kernel.say("status", {"execution_state": "idle"})
    kernel.say("execute_reply", {"status": "ok"}, channel="shell")
    late = kernel.say("status", {"execution_state": "idle"})

    assert early is None
    assert kernel.gate.release_idle()["content"] == {"execution_state": "idle"}
    assert late is not None


@pytest.mark.parametrize("kind", ["display_data", "execute_result"])
def test_deep_json_is_left_out_and_the_rest_of_its_output_shown(kernel: Kernel, kind: str) -> None:
    deep = json.loads("[" * 600 + "]" * 600)
    data = {"application/json": deep, "application/vnd.vegalite.v5+json": {"a": deep}, "text/plain": "a list"}

    message = kernel.say(kind, {"data": data, "metadata": {}, "execution_count": 1})

    assert message is not None
    assert message["content"]["data"] == {"text/plain": "a list"}
    assert [note.split(" was ")[0] for note in kernel.recording.notes] == ["a JSON output", "a chart"]


def test_a_known_display_can_be_updated(kernel: Kernel) -> None:
    shown = {"data": {"text/plain": "a"}, "metadata": {}, "transient": {"display_id": "one"}}

    first = kernel.say("display_data", shown)
    update = kernel.say("update_display_data", {**shown, "data": {"text/plain": "b"}})

    assert first is not None
    assert update is not None
    assert update["content"]["data"] == {"text/plain": "b"}


# -- what is dropped ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "kind",
    [
        "comm_open",
        "comm_msg",
        "comm_close",
        "input_request",
        "debug_event",
        "shutdown_reply",
        "execute_input",
        "made_up",
        "",
    ],
)
def test_other_kinds_are_dropped(kernel: Kernel, kind: str) -> None:
    content = {"comm_id": "a", "target_name": "jupyter.widget", "data": {"state": {}}, "prompt": "password:"}

    assert kernel.say(kind, content) is None
    assert kernel.say(kind, content, channel="shell") is None


@pytest.mark.parametrize("parent", ["", "another", PARENT + " "])
def test_foreign_parents_are_dropped(kernel: Kernel, parent: str) -> None:
    assert kernel.say("stream", {"name": "stdout", "text": "x"}, parent=parent) is None
    assert kernel.say("execute_reply", {"status": "ok"}, parent=parent, channel="shell") is None


def test_nothing_is_admitted_when_nothing_is_expected() -> None:
    kernel = Kernel()

    assert kernel.say("stream", {"name": "stdout", "text": "x"}, parent="") is None
    assert kernel.say("execute_reply", {"status": "ok"}, parent="", channel="shell") is None


@pytest.mark.parametrize(
    "transient", [{"display_id": "foreign"}, {"display_id": ["x"]}, {"display_id": None}, None, "x", {}]
)
def test_updates_of_foreign_displays_are_dropped(kernel: Kernel, transient: object) -> None:
    assert kernel.say("update_display_data", {"data": {"text/plain": "x"}, "transient": transient}) is None


def test_display_ids_of_an_earlier_run_are_foreign(kernel: Kernel) -> None:
    shown = {"data": {"text/plain": "a"}, "metadata": {}, "transient": {"display_id": "one"}}
    kernel.say("display_data", shown)
    kernel.gate.expect("next", Recording(caps=Caps(size=MIB, messages=100)))

    assert kernel.say("update_display_data", shown, parent="next") is None


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {}),
        ("stream", {"name": "stdin", "text": "x"}),
        ("stream", {"name": "stdout", "text": ["x"]}),
        ("stream", {"name": {"a": 1}, "text": "x"}),
        ("display_data", {}),
        ("display_data", {"data": []}),
        ("display_data", {"data": {"text/plain": {"a": 1}}}),
        ("display_data", {"data": {"image/png": 5}}),
        ("display_data", {"data": {"text/html": None}}),
        ("execute_result", {"data": "x", "execution_count": "y"}),
        ("status", {"execution_state": {"idle": 1}}),
        ("status", {}),
    ],
)
def test_malformed_contents_are_dropped(kernel: Kernel, kind: str, content: Any) -> None:
    assert kernel.say(kind, content) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: [],
        lambda frames: frames[:3],
        lambda frames: [b""] * 20,
        lambda frames: frames[:1] + frames[2:],
        lambda frames: [*frames[:2], b"forged", *frames[3:]],
        lambda frames: [*frames[:-1], b"{not json"],
        lambda frames: [*frames[:-1], b"[" * 100_000],
        lambda frames: [*frames[:-1], b'{"name": "stdout", "text": "other"}'],
        lambda frames: [*frames[:3], b'"text"', *frames[4:]],
        lambda frames: [*frames[:3], b"x" * 20_000, *frames[4:]],
        lambda frames: [*frames[:-1], b"\xff\xfe\x00"],
        lambda frames: [*frames[:-1], b"1" * 10_000],
    ],
)
def test_malformed_frames_are_dropped(kernel: Kernel, change: Any) -> None:
    message = kernel.session.msg("stream", {"name": "stdout", "text": "x"}, parent={"msg_id": PARENT, "session": ""})
    frames = kernel.session.serialize(message, ident=b"topic")

    assert kernel.send(change(frames)) is None


def test_a_message_of_countless_little_objects_is_not_parsed(kernel: Kernel) -> None:
    bomb = {"name": "stdout", "text": "x", "more": [[] for _ in range(300_000)]}

    assert len(json.dumps(bomb)) < 2 * MIB
    assert kernel.say("stream", bomb) is None


# -- caps --------------------------------------------------------------------------------------------------------------
def test_text_over_the_cap_is_cut_with_a_note(kernel: Kernel) -> None:
    first = kernel.say("stream", {"name": "stdout", "text": "a" * (MIB - 10)})
    second = kernel.say("stream", {"name": "stdout", "text": "b" * 100})
    third = kernel.say("stream", {"name": "stdout", "text": "c"})

    assert first is not None
    assert second is not None
    assert second["content"]["text"] == "b" * 10
    assert third is None
    assert kernel.recording.truncated
    assert len(kernel.recording.notes) == 1


def test_too_many_messages_are_cut_and_then_a_flood(kernel: Kernel) -> None:
    admitted = [kernel.say("stream", {"name": "stdout", "text": "x"}) for _ in range(1001)]

    assert sum(message is not None for message in admitted) == 100
    assert kernel.recording.truncated
    assert kernel.recording.flooded


def test_dropped_messages_count_as_well(kernel: Kernel) -> None:
    for _ in range(1001):
        kernel.say("comm_msg", {}, parent="foreign")

    assert kernel.recording.flooded


def test_an_error_is_shown_even_when_the_room_is_used_up(kernel: Kernel) -> None:
    kernel.say("stream", {"name": "stdout", "text": "a" * (MIB - 60)})
    kernel.say("stream", {"name": "stdout", "text": "a" * 100})

    message = kernel.say("error", {"ename": "ValueError", "evalue": "why", "traceback": ["line", 5, "\x1b[2Jend"]})

    assert message is not None
    assert message["content"] == {"ename": "ValueError", "evalue": "why", "traceback": ["line", "end"]}


# -- real hostile code -------------------------------------------------------------------------------------------------
FORGE = """
kernel = get_ipython().kernel
session, iopub, parent = kernel.session, kernel.iopub_socket, kernel.get_parent()
def say(kind, content, **options):
    session.send(iopub, kind, content, parent=options.pop('parent', parent), **options)
"""


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "attack",
    [
        "say('update_display_data', {'data': {'text/plain': 'x'}, 'transient': {'display_id': 'theirs'}})",
        "say('update_display_data', {'transient': {'display_id': 'theirs'}})",
        "say('comm_open', {'comm_id': 'a', 'target_name': 'jupyter.widget', 'data': {'state': {}}})",
        "say('comm_open', {'comm_id': 'a', 'target_name': 'jupyter.widget', 'data': 5})",
        "say('comm_msg', None)",
        "say('stream', {})",
        "say('error', {'ename': 5})",
        "say('display_data', {'data': {'application/javascript': 'alert(1)'}})",
        "say('status', {'execution_state': 'idle'})",
        "say('clear_output', 5)",
        "say('execute_result', {'data': {}, 'metadata': None, 'execution_count': 'x'})",
        "say('input_request', {'prompt': 'password', 'password': True})",
        "iopub.send_multipart([b'<IDS|MSG>'])",
        "iopub.send_multipart([b'x'] * 50)",
        "iopub.send_multipart([b''])",
        "say('stream', {'name': 'stdout', 'text': 'x'}, parent={'msg_id': 'other', 'session': '', 'username': ''})",
        "get_ipython().payload_manager.write_payload({'source': 'set_next_input', 'text': 'evil'})",
        "get_ipython().set_next_input('evil')",
        "session.send(kernel.shell_stream, 'execute_reply', {'status': 'ok'}, parent=parent)",
    ],
)
def test_hostile_messages_do_no_harm(box: Any, attack: str) -> None:
    # Who forges an early idle may lose what comes late; this text is there well before the reply.
    last = "print('after', flush=True)\nimport time; time.sleep(0.2)"
    run = box.run(f"{FORGE}\ntry:\n    {attack}\nexcept Exception: pass\n{last}")

    assert "after" in run.stdout
    assert not any("theirs" in str(output) or "alert" in str(output) for output in run.outputs)
    assert box.run("'fine'").value == "'fine'"


@pytest.mark.sandbox
def test_input_is_refused_at_once(box: Any) -> None:
    run = box.run("input('name? ')")

    assert run.error.name == "StdinNotImplementedError"
    assert run.duration < 5


@pytest.mark.sandbox
def test_a_widget_is_left_out_with_a_note(box: Any) -> None:
    run = box.run(f"{FORGE}\nsay('comm_open', {{'comm_id': 'a', 'target_name': 'jupyter.widget', 'data': {{}}}})")

    assert any("widget" in note for note in run.notes)


@pytest.mark.sandbox
def test_a_giant_message_ends_the_kernel_and_not_the_host(fresh_box: Any) -> None:
    run = fresh_box.run(
        f"{FORGE}\nsay('stream', {{'name': 'stdout', 'text': 'x' * 10**8}})\nimport time; time.sleep(2)"
    )

    assert "output" in run.limits_hit
    assert fresh_box.run("1").value == "1"


# ZMQ hands over a message when all its parts are there; who writes to the socket by hand never sends the last.
ENDLESS = """
import os, socket, struct
from ipykernel.kernelapp import IPKernelApp
end = f"-{IPKernelApp.instance().iopub_port}"
found = []
for descriptor in range(3, 200):
    try:
        one = socket.socket(fileno=os.dup(descriptor))
        name, _ = one.getsockname(), one.getpeername()
    except OSError:
        continue
    if isinstance(name, str) and name.endswith(end):
        found.append(one)
part = bytes([3]) + struct.pack(">Q", 2**20) + b"x" * 2**20
found[0].setblocking(True)
while True:
    found[0].sendall(part)
"""


@pytest.mark.sandbox
def test_a_message_of_endless_parts_is_stopped(fresh_box: Any) -> None:
    before = _resident()

    run = fresh_box.run(ENDLESS, timeout=20)

    assert run.limits_hit == ("output",)
    assert run.duration < 15
    assert _resident() - before < 600 * MIB
    assert fresh_box.run("1").value == "1"


@pytest.mark.sandbox
def test_an_early_idle_does_not_lose_what_follows(box: Any) -> None:
    run = box.run(
        f"{FORGE}\nsay('status', {{'execution_state': 'idle'}})\nimport time; time.sleep(0.3)\nprint('later')\n5"
    )

    assert run.stdout == "later\n"
    assert run.value == "5"


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
