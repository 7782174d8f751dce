"""Kinds of values: what the annotation of a setting demands of a value out of a file, a variable or a call.

A kind is a type, ``X | None``, ``Literal[...]``, ``tuple[str, ...]``, or any of them ``Annotated`` with a `Bound`.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

Note = TypeVar("Note")


class Bound(NamedTuple):
    """What a field's number must be, in words and as a test that nan, which compares with nothing, fails."""

    words: str
    holds: Callable[[float], bool]


POSITIVE = Bound("a finite number above 0", lambda number: 0 < number < math.inf)
NOT_NEGATIVE = Bound("a finite number of at least 0", lambda number: 0 <= number < math.inf)
BUDGET = Bound("a number of at least 0 (inf: no budget)", lambda number: number >= 0)
# What is written into a database as a moment has to fit its numbers.
LIFETIME = Bound("a number of seconds above 0 and at most a year's (31536000)", lambda number: 0 < number <= 31_536_000)
DAYS = Bound("a number of days from 0 to 36500", lambda number: 0 <= number <= 36_500)


class Place(NamedTuple):
    """What makes a text whole that leads somewhere from the folder it was written in."""

    whole: Callable[[Path, str], str]


def _whole_path(folder: Path, text: str) -> str:
    # "~" is the reader's to expand: it stands for the home of whoever reads.
    return str(folder / text) if text and not text.startswith("~") else text


def _whole_address(folder: Path, text: str) -> str:
    path = text.removeprefix("sqlite:///")
    return text if "://" in path or path.startswith("sqlite:") else text.removesuffix(path) + _whole_path(folder, path)


PATH = Place(_whole_path)
ADDRESS = Place(_whole_address)


def judge(value: Any, kind: Any) -> Any:
    """Return `value` as `kind` wants it.

    Raises TypeError where it is of another type and ValueError where it is out of bounds; the message says both what it
    is and what was wanted.
    """
    value = _convert(value, kind)
    for bound in _noted(kind, Bound):
        if value is not None and not bound.holds(value):
            raise ValueError(f"is {value!r}, wanted {bound.words}")
    return value


def settle(value: Any, kind: Any, folder: Path) -> Any:
    """Return `value`, which `judge` has taken, with every relative path in it led from `folder`."""
    for place in _noted(kind, Place):
        value = tuple(place.whole(folder, v) for v in value) if isinstance(value, tuple) else place.whole(folder, value)
    return value


def read(text: str, kind: Any) -> Any:
    """Return the TOML value that a variable's text stands for where `kind` is wanted; `judge` has the last word."""
    kinds = set(_members(kind))
    if type(None) in kinds and text == "":
        return None
    if bool in kinds and text.lower() in {"true", "false", "1", "0"}:
        return text.lower() in {"true", "1"}
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError:
                continue
    if tuple in {typing.get_origin(k) for k in kinds}:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _convert(value: Any, kind: Any) -> Any:
    for member in _members(kind):
        origin = typing.get_origin(member)
        if origin is Literal and value in typing.get_args(member):
            return value
        if origin is tuple and (value is False or value is None):
            return ()
        if origin is tuple and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        # bool is an int to Python and a mistake to a person: `requests_per_day = true`.
        if member is float and type(value) in (int, float):
            return float(value)
        if isinstance(member, type) and type(value) is member:
            return value
    msg = f"is {value!r}, wanted {_describe(kind)}"
    raise TypeError(msg)


def _noted(kind: Any, note: type[Note]) -> list[Note]:
    return [found for found in getattr(kind, "__metadata__", ()) if isinstance(found, note)]


def _members(kind: Any) -> tuple[Any, ...]:
    kind = kind.__origin__ if typing.get_origin(kind) is Annotated else kind
    return typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)


def _describe(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "nothing"}
    parts = []
    for member in _members(kind):
        if typing.get_origin(member) is Literal:
            parts.append("one of " + ", ".join(map(repr, typing.get_args(member))))
        elif typing.get_origin(member) is tuple:
            parts.append("a list of texts")
        else:
            parts.append(names[member])
    return " or ".join(parts)
