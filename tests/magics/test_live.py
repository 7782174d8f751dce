"""A run for a conversation tells the server that asked for it what it gives, within bounds."""

from __future__ import annotations

from typing import Any

from jupyter_autocoder.magics.live import SHOWN, Live

PARENT = {"header": {"session": "abc", "msg_id": "1"}}


class Kernel:
    """What Live knows of a kernel; it is its own session and notes what is sent."""

    iopub_socket = object()

    def __init__(self) -> None:
        self.session = self
        self.sent: list[tuple[Any, ...]] = []

    def get_parent(self) -> dict[str, Any]:
        return PARENT

    def send(self, socket: Any, kind: str, content: dict[str, Any], *, parent: Any, ident: bytes) -> None:
        assert socket is self.iopub_socket
        self.sent.append((kind, content["number"], content["output"], parent, ident))


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def test_outputs_are_numbered_and_belong_to_the_request() -> None:
    kernel = Kernel()
    live = Live(kernel)

    for output in (stream("a"), None, stream("b")):
        live.send(output)

    kind, topic = "jupyter_autocoder_output", b"jupyter_autocoder_output.abc"
    assert kernel.sent == [(kind, 0, stream("a"), PARENT, topic), (kind, 1, stream("b"), PARENT, topic)]


def test_after_an_output_without_room_nothing_is_sent() -> None:
    kernel = Kernel()
    live = Live(kernel)

    for output in (stream("a"), stream("x" * SHOWN), stream("b")):
        live.send(output)

    assert [output for _, _, output, _, _ in kernel.sent] == [stream("a")]


def test_where_nobody_can_be_told_nothing_is_sent() -> None:
    live = Live(None)

    live.send(stream("a"))
