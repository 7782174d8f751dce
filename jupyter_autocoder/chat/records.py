"""What a conversation is made of: frozen records, and the strict way back from JSON to them.

The same records are stored, sent to the browser and exported, so there is one decoder: unknown keys, missing keys and
wrong types are errors, never guessed at.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from jupyter_autocoder.errors import AutocoderError
from jupyter_autocoder.events import Finding

Role = Literal["person", "model", "note"]
MessageState = Literal["waiting", "writing", "done", "stopped", "failed"]
ExecutionState = Literal["waiting", "running", "done", "failed", "refused", "stopped"]
AttachmentKind = Literal["notebook", "cells", "error", "variables", "file"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Something the person chose to show the model; `text` is exactly what is sent, after redaction."""

    kind: AttachmentKind
    label: str
    text: str
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error as a part of the conversation: what happened, why, and what to do; `kind` is the error's class."""

    kind: str
    what: str
    why: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """The quiet line under an answer; `cost` in micro-USD, null where the price is unknown; `remaining` in words."""

    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = None
    estimated: bool = False
    seconds: float = 0.0
    remaining: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of one piece of code under a message; `outputs` are cleaned nbformat outputs, `where` names the place.

    What a `private` one gave is for the person's eyes: the model is told how it ended, and no output.
    """

    id: str
    source: str
    state: ExecutionState = "waiting"
    where: str = ""
    outputs: tuple[dict[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; `time` in seconds since 1970, `ticket` the id of the trade ticket it stands for, if any."""

    id: str
    role: Role
    text: str
    time: float
    state: MessageState = "done"
    attachments: tuple[Attachment, ...] = ()
    footer: Footer | None = None
    problem: Problem | None = None
    executions: tuple[Execution, ...] = ()
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation of one person; `notebook` is the path it is attached to, empty for none."""

    id: str
    title: str
    notebook: str
    created: float
    changed: float


class Malformed(ValueError):
    """Raised when a JSON value is not the record it should be; the message names the place."""


def problem_of(error: BaseException) -> Problem:
    """Put an error into words for a person; what is not ours is named by its class alone, its text may hold secrets."""
    if isinstance(error, AutocoderError):
        return Problem(kind=type(error).__name__, what=error.what, why=error.why, do=error.do)
    what = f"Something broke inside the server ({type(error).__name__})."
    return Problem(kind=type(error).__name__, what=what, do="Try again; the server's log has the details.")


def encode(record: Any) -> Any:
    """Turn a record into plain JSON values."""
    return dataclasses.asdict(record)


def decode(kind: type[T], value: Any) -> T:
    """Build a `kind` from plain JSON values; raises Malformed naming the first place that does not fit."""
    return typing.cast("T", _decode(kind, value, kind.__name__))


def fields_of(kind: type[Any]) -> dict[str, Any]:
    """Map a record's field names to their resolved types."""
    return _fields_of(kind)  # type: ignore[arg-type]


@functools.cache
def _fields_of(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _decode(kind: Any, value: Any, place: str) -> Any:
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _decode_record(typing.cast("type[Any]", kind), value, place)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (member for member in typing.get_args(kind) if member is not type(None))
        return None if value is None else _decode(inner, value, place)
    if origin is Literal:
        if not isinstance(value, str) or value not in typing.get_args(kind):
            raise Malformed(f"{place} is none of {', '.join(typing.get_args(kind))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise Malformed(f"{place} is not a list")
        (inner, _) = typing.get_args(kind)
        return tuple(_decode(inner, item, f"{place}[{number}]") for number, item in enumerate(value))
    if kind is float and type(value) is int:
        return float(value)
    wanted = origin or kind
    # bool is an int to Python and not to JSON.
    if type(value) is not wanted:
        raise Malformed(f"{place} is not {wanted.__name__}")
    return value


def _decode_record(kind: type[Any], value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise Malformed(f"{place} is not an object")
    hints = fields_of(kind)
    if unknown := value.keys() - hints.keys():
        raise Malformed(f"{place} has an unknown key {min(map(str, unknown))[:60]!r}")
    missing = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    } - value.keys()
    if missing:
        raise Malformed(f"{place} lacks {min(missing)!r}")
    return kind(**{name: _decode(hints[name], item, f"{place}.{name}") for name, item in value.items()})
