"""The wire between the server and the sidebar: one JSON object per WebSocket text frame.

``labextension/src/protocol.ts`` is written from this file by ``labextension/scripts/write_protocol.py`` and a test
holds the two together. `seq` counts the frames of one conversation, without a gap: a browser that sees a gap, or comes
back from sleep, opens the conversation again and gets a whole `Snapshot`. A frame that a browser sends twice (same
`id`) has its effect once.
"""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from typing import Any, ClassVar

from jupyter_autocoder.chat.records import Attachment, Conversation, Malformed, Message, Problem, decode, encode

VERSION = 1
# A person's question with its attachments fits many times; anything bigger is a mistake or an attack.
MAX_FRAME = 1024 * 1024
MAX_TEXT = 100_000
MAX_ID = 64
MAX_ATTACHMENTS = 20
# Characters of one attachment: the sidebar cuts at 100,000, keeping both ends.
MAX_ATTACHED = 110_000
RELOAD = "Reload the page."
# A mistake that a person can make in a page that is sound: what is too long, and what to do about it.
_TOO_LONG = {
    "text": ("Your message", "Attach it as a file, or shorten it."),
    "source": ("The code", "Put it into a cell of the notebook and run it there."),
}


class ProtocolError(Malformed):
    """Raised when a frame from a browser breaks the protocol; `request` is its id where it could be read."""

    def __init__(self, what: str, *, request: str = "", do: str = RELOAD) -> None:
        super().__init__(what)
        self.request = request
        self.do = do


# -- what frames share -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """A frame about one conversation."""

    conversation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request(_About):
    """Work that a browser asks for; `id` makes a repetition harmless."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change(_About):
    """One change of a conversation, in its order."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _MessageChange(_Change):
    """A change of the message whose id is `message`."""

    message: str


# -- from the browser --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Open(_About):
    """Follow a conversation: the answer is its Snapshot, then every change as it happens."""

    type: ClassVar[str] = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(_About):
    """Follow a conversation no longer; what runs in it goes on."""

    type: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(_Request):
    """Say something; `id` becomes the message's id."""

    type: ClassVar[str] = "ask"
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(_Request):
    """Check `source`, a code block of `message`, and run it in the sandbox; `id` becomes the execution's id."""

    type: ClassVar[str] = "execute"
    message: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(_About):
    """Stop whatever is being answered or run in the conversation, at any moment."""

    type: ClassVar[str] = "stop"


# -- from the server ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The first frame: who the server says you are."""

    type: ClassVar[str] = "welcome"
    protocol: int
    version: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A conversation as it stands at `seq`, the message being written included."""

    type: ClassVar[str] = "snapshot"
    conversation: Conversation
    messages: tuple[Message, ...]
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(_Change):
    """A message that is new, or replaces the one with its id."""

    type: ClassVar[str] = "put"
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(_MessageChange):
    """More text at the end of a message."""

    type: ClassVar[str] = "delta"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(_MessageChange):
    """What is being done for a message, in a sentence; `seconds` is what is left of a wait."""

    type: ClassVar[str] = "status"
    stage: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(_MessageChange):
    """One cleaned output of an execution as it comes; the `Put` at its end holds them all."""

    type: ClassVar[str] = "output"
    execution: str
    output: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Title(_Change):
    """The conversation has another title."""

    type: ClassVar[str] = "title"
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The person's list of conversations changed somewhere: read it anew."""

    type: ClassVar[str] = "listing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone(_About):
    """The conversation was deleted or never was this person's."""

    type: ClassVar[str] = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """A ticket moved, or trading was halted: read the tickets anew."""

    type: ClassVar[str] = "tickets"
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_About):
    """A frame had no effect; `request` is its id, empty where it has none."""

    type: ClassVar[str] = "refused"
    request: str
    problem: Problem


ClientFrame = Open | Close | Ask | Execute | Stop
ServerFrame = Welcome | Snapshot | Put | Delta | Status | Output | Title | Listing | Gone | Tickets | Refused
CLIENT_FRAMES: tuple[type[Any], ...] = typing.get_args(ClientFrame)
SERVER_FRAMES: tuple[type[Any], ...] = typing.get_args(ServerFrame)
_BY_TYPE = {frame.type: frame for frame in CLIENT_FRAMES}


def read(text: str) -> ClientFrame:
    """Read a frame that a browser sent; raises ProtocolError on anything that is not exactly one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("the frame is not JSON") from None
    if not isinstance(value, dict):
        raise ProtocolError("the frame is not an object")
    name = value.pop("type", None)
    request = value.get("id") if isinstance(value.get("id"), str) else ""
    request = request[:MAX_ID] if isinstance(request, str) else ""
    kind = _BY_TYPE.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ProtocolError("the frame has no known type", request=request)
    try:
        frame: ClientFrame = decode(kind, value)
        _check(frame)
    except ProtocolError as error:
        error.request = request
        raise
    except Malformed as error:
        raise ProtocolError(str(error), request=request) from None
    return frame


def write(frame: ServerFrame) -> str:
    """Give the text of a frame for a browser."""
    return json.dumps({"type": frame.type, **encode(frame)}, ensure_ascii=False, separators=(",", ":"), default=str)


def _check(frame: ClientFrame) -> None:
    """Hold sizes and shapes that types cannot say."""
    for name in ("id", "conversation", "message"):
        value = getattr(frame, name, None)
        if value is not None and not (0 < len(value) <= MAX_ID and value.isascii() and value.isprintable()):
            raise Malformed(f"{name} is not an id")
    for name, (what, do) in _TOO_LONG.items():
        value = getattr(frame, name, None)
        if value is None:
            continue
        if len(value) > MAX_TEXT:
            raise ProtocolError(f"{what} is longer than {MAX_TEXT:,} characters.", do=do)
        if not value.strip() or _broken(value):
            raise Malformed(f"{name} is empty or not valid text")
    if isinstance(frame, Ask):
        _check_attachments(frame.attachments)


def _check_attachments(attachments: tuple[Attachment, ...]) -> None:
    if len(attachments) > MAX_ATTACHMENTS:
        raise Malformed(f"more than {MAX_ATTACHMENTS} attachments")
    for attachment in attachments:
        if len(attachment.text) > MAX_ATTACHED or len(attachment.label) > 500:
            raise Malformed("an attachment is too long")
        if _broken(attachment.text + attachment.label):
            raise Malformed("an attachment is not valid text")


def _broken(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which JSON allows and no database stores."""
    return any("\ud800" <= character <= "\udfff" for character in text) if not text.isascii() else False
