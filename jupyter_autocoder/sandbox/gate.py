"""The message gate: what a sandboxed kernel says is data from a stranger until it has passed here.

It stands between the sockets and nbclient. A message is admitted when it belongs to the request that is being waited
for, is of a known type, is small and well-formed; it is then built anew from the few fields that count, with its text
and pictures cleaned. Everything else (comms, payloads, input requests, foreign parents and display ids, forged states)
is dropped. The gate also counts: what is over the soft caps is cut, a flood over the hard ones ends the run.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import zmq
from jupyter_client.session import DELIM, Session

from jupyter_autocoder import text
from jupyter_autocoder.sandbox.clean.bundle import clean_bundle

MIB = 2**20
# Header, parent header and metadata of ipykernel's own messages stay below 1 KiB.
SMALL_FRAME = 16 * 2**10
# One unit per container or text in a message: each costs the host some 60 bytes, however short it is on the wire.
STRUCTURE_LIMIT = 200_000
ROUTING_FRAMES = 4
DISPLAY_ID_LENGTH = 128
DISPLAY_IDS = 1000
# A run is stopped when it sends this many times what it may show.
FLOOD = 10
TRACEBACK_LINES = 200

Content = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Caps:
    """How much one run may show: bytes on the wire, and messages."""

    size: int
    messages: int


@dataclass
class Recording:
    """What the gate notes down about one run."""

    caps: Caps
    on_output: Callable[[dict[str, Any]], None] | None = None
    keep: Callable[[str], None] | None = None
    notes: list[str] = field(default_factory=list)
    truncated: bool = False
    flooded: bool = False
    size: int = 0
    messages: int = 0
    shown: int = 0
    display_ids: set[str] = field(default_factory=set)

    def note(self, remark: str) -> None:
        if remark not in self.notes and len(self.notes) < 20:
            self.notes.append(remark)

    def count(self, size: int) -> None:
        self.size += size
        self.messages += 1
        if self.size > FLOOD * self.caps.size or self.messages > FLOOD * self.caps.messages:
            self.flooded = True

    def room(self, size: int) -> int:
        """How many of `size` bytes may still be shown; cutting is noted."""
        room = min(size, self.caps.size - self.shown)
        if room < size:
            self.cut(f"output was cut: a run may show {self.caps.size / MIB:g} MB")
        self.shown += room
        return room

    def cut(self, remark: str) -> None:
        self.truncated = True
        self.note(remark)


class Gate:
    """The gate of one kernel; used on the sandboxes' loop only."""

    def __init__(self) -> None:
        self._parent = ""
        self._recording: Recording | None = None
        self.replied = asyncio.Event()
        self.idle_held: dict[str, Any] | None = None

    def expect(self, parent: str, recording: Recording | None = None) -> None:
        """From now on admit only what answers the request `parent`; outputs only when there is a `recording`."""
        self._parent = parent
        self._recording = recording
        self.replied.clear()
        self.idle_held = None

    def admit(self, channel: str, frames: Sequence[zmq.Frame], session: Session) -> dict[str, Any] | None:
        """Give the message to be believed that `frames` hold, or None."""
        recording = self._recording
        if recording is not None:
            recording.count(sum(len(frame) for frame in frames))
        parts = _after_delimiter(frames)
        if parts is None:
            return None
        header, parent = _parse(parts[1], SMALL_FRAME), _parse(parts[2], SMALL_FRAME)
        kind = header.get("msg_type") if header else None
        if kind == "iopub_welcome" and channel == "iopub" and recording is None:
            return _message(kind, "", {})
        if not isinstance(kind, str) or parent is None or parent.get("msg_id") != self._parent or not self._parent:
            return None
        if channel == "shell":
            return self._reply(kind, parts, session)
        return self._iopub(kind, parts, session)

    async def replied_or(self, other: Awaitable[Any]) -> None:
        """Wait until the reply is here or `other` is done."""
        replied = asyncio.ensure_future(self.replied.wait())
        waiting = {replied, asyncio.ensure_future(other)}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    def release_idle(self) -> dict[str, Any]:
        """The idle that came before the reply."""
        assert self.idle_held is not None
        idle, self.idle_held = self.idle_held, None
        return idle

    # -- shell ---------------------------------------------------------------------------------------------------------
    def _reply(self, kind: str, parts: Sequence[zmq.Frame], session: Session) -> dict[str, Any] | None:
        clean = _REPLIES.get(kind)
        content = _content(parts, session, MIB) if clean is not None else None
        if clean is None or content is None or self.replied.is_set():
            return None
        self.replied.set()
        return _message(kind, self._parent, clean(content))

    # -- iopub ---------------------------------------------------------------------------------------------------------
    def _iopub(self, kind: str, parts: Sequence[zmq.Frame], session: Session) -> dict[str, Any] | None:
        recording = self._recording
        if kind == "status":
            state = _content(parts, session, SMALL_FRAME) or {}
            return self._status(state.get("execution_state"))
        if recording is None or recording.flooded:
            return None
        cleaner = _CLEANERS.get(kind)
        if cleaner is None:
            if kind.startswith("comm"):
                recording.note("a widget was left out: widgets do not leave the sandbox")
            return None
        if kind == "stream" and recording.keep is not None:
            whole = (_content(parts, session, 2 * max(recording.caps.size, MIB)) or {}).get("text")
            recording.keep(text.plain(whole) if isinstance(whole, str) else "")
        if recording.messages > recording.caps.messages:
            recording.cut(f"output was cut: a run may send {recording.caps.messages} messages")
            return None
        if recording.shown >= recording.caps.size and kind != "error":
            recording.room(1)
            return None
        # Twice: JSON escapes make a text longer, and 2 MiB hold any piece that our own streams send.
        content = _content(parts, session, 2 * max(recording.caps.size, MIB))
        if content is None:
            recording.cut(f"an output was left out: {len(parts[4])} bytes, malformed or too large")
            return None
        shown = cleaner(content, recording, len(parts[4]))
        return None if shown is None else self._show(kind, shown, recording)

    def _status(self, state: object) -> dict[str, Any] | None:
        if state not in ("busy", "idle"):
            return None
        message = _message("status", self._parent, {"execution_state": state})
        # The kernel is idle after it has answered, so an idle that comes first waits: it may be forged.
        if state == "idle" and not self.replied.is_set() and self._recording is not None:
            self.idle_held = message
            return None
        return message

    def _show(self, kind: str, content: Content, recording: Recording) -> dict[str, Any]:
        message = _message(kind, self._parent, content)
        if recording.on_output is not None and kind not in ("clear_output", "update_display_data"):
            output = {"output_type": kind, **{k: v for k, v in content.items() if k != "transient"}}
            recording.on_output(output)
        return message


def _after_delimiter(frames: Sequence[zmq.Frame]) -> Sequence[zmq.Frame] | None:
    """Signature, header, parent header, metadata and content; None unless all five are there."""
    for index, frame in enumerate(frames[: ROUTING_FRAMES + 1]):
        if len(frame) == len(DELIM) and frame.bytes == DELIM:
            parts = frames[index + 1 : index + 6]
            return parts if len(parts) == 5 else None
    return None


def _content(parts: Sequence[zmq.Frame], session: Session, limit: int) -> Content | None:
    """The parsed content of a message whose signature holds and whose content is at most `limit` bytes."""
    if len(parts[0]) > 256 or len(parts[4]) > limit or any(len(part) > SMALL_FRAME for part in parts[1:4]):
        return None
    if session.auth is not None:
        signature = session.sign([part.bytes for part in parts[1:5]])
        if not hmac.compare_digest(bytes(signature), bytes(parts[0].bytes)):
            return None
    return _parse(parts[4], limit)


def _parse(frame: zmq.Frame, limit: int) -> Content | None:
    if len(frame) > limit:
        return None
    raw = frame.bytes
    structure = raw.count(b"{") + raw.count(b"[") + raw.count(b'"') - raw.count(b'\\"')
    if structure > STRUCTURE_LIMIT:
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _message(kind: str, parent: str, content: Content) -> dict[str, Any]:
    """A message as jupyter_client would have parsed it, of nothing but our own making."""
    return {
        "header": {"msg_type": kind, "msg_id": ""},
        "msg_id": "",
        "msg_type": kind,
        "parent_header": {"msg_id": parent},
        "metadata": {},
        "content": content,
        "buffers": [],
    }


def _execute_reply(content: Content) -> Content:
    """Status and error alone: payloads (``set_next_input``, ``page``) and user expressions stay outside."""
    failed = content.get("status") != "ok"
    reply: Content = {"status": "error" if failed else "ok"}
    if failed:
        reply.update(_error_content(content))
    return reply


def _kernel_info(content: Content) -> Content:
    version = content.get("protocol_version")
    return {"status": "ok", "protocol_version": version if isinstance(version, str) and len(version) < 20 else "5.3"}


def _own_reply(content: Content) -> Content:
    """An answer of our own handler inside, or of who pretends to be it: judged where it was asked for."""
    return content


def _error_content(content: Content) -> Content:
    lines = content.get("traceback")
    lines = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return {
        "ename": text.one_line(content.get("ename"), 200) or "Error",
        "evalue": text.clean(content.get("evalue"), limit=20_000),
        "traceback": [text.clean(line, limit=50_000) for line in lines[:TRACEBACK_LINES]],
    }


_REPLIES: dict[str, Callable[[Content], Content]] = {
    "execute_reply": _execute_reply,
    "kernel_info_reply": _kernel_info,
    "autocoder_reply": _own_reply,
}


# -- what may be shown -------------------------------------------------------------------------------------------------
def _stream(content: Content, recording: Recording, size: int) -> Content | None:
    name, said = content.get("name"), content.get("text")
    if name not in ("stdout", "stderr") or not isinstance(said, str):
        return None
    said = text.clean(said[: recording.room(len(said))])
    return {"name": name, "text": said} if said else None


def _display(content: Content, recording: Recording, size: int) -> Content | None:
    bundle = clean_bundle(content.get("data"), content.get("metadata"))
    for remark in bundle.notes:
        recording.note(remark)
    if not bundle.data or recording.room(size) < size:
        return None
    transient: Content = {}
    display_id = _display_id(content)
    if display_id is not None and len(recording.display_ids) < DISPLAY_IDS:
        recording.display_ids.add(display_id)
        transient = {"display_id": display_id}
    return {"data": bundle.data, "metadata": bundle.metadata, "transient": transient}


def _result(content: Content, recording: Recording, size: int) -> Content | None:
    shown = _display(content, recording, size)
    count = content.get("execution_count")
    return shown and {**shown, "execution_count": count if isinstance(count, int) and 0 <= count < 2**31 else None}


def _update(content: Content, recording: Recording, size: int) -> Content | None:
    # An id of another run, or of nobody, has nothing to be updated here.
    return _display(content, recording, size) if _display_id(content) in recording.display_ids else None


def _error(content: Content, recording: Recording, size: int) -> Content | None:
    # The error is shown even when the room is used up: it is bounded by itself.
    return _error_content(content)


def _clear(content: Content, recording: Recording, size: int) -> Content | None:
    return {"wait": content.get("wait") is True}


def _display_id(content: Content) -> str | None:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    return display_id if isinstance(display_id, str) and 0 < len(display_id) <= DISPLAY_ID_LENGTH else None


_CLEANERS: dict[str, Callable[[Content, Recording, int], Content | None]] = {
    "stream": _stream,
    "display_data": _display,
    "execute_result": _result,
    "update_display_data": _update,
    "error": _error,
    "clear_output": _clear,
}
