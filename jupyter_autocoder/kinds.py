"""Kinds of values: what the annotation of a setting demands of a value out of a file, a variable or a call.

A kind is a type, ``X | None``, ``Literal[...]``, ``tuple[str, ...]``, or any of them ``Annotated`` with a `Bound`.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple


class Bound(NamedTuple):
    """What a field's number must be, in words and as a test that nan, which compares with nothing, fails."""

    words: str
    holds: Callable[[float], bool]


POSITIVE = Bound("a finite number above 0", lambda number: 0 < number < math.inf)
NOT_NEGATIVE = Bound("a finite number of at least 0", lambda number: 0 <= number < math.inf)
BUDGET = Bound("a number of at least 0 (inf: no budget)", lambda number: number >= 0)


def judge(value: Any, kind: Any) -> Any:
    """Return `value` as `kind` wants it.

    Raises TypeError where it is of another type and ValueError where it is out of bounds; the message says both what it
    is and what was wanted.
    """
    value = _convert(value, kind)
    for bound in getattr(kind, "__metadata__", ()):
        if value is not None and not bound.holds(value):
            raise ValueError(f"is {value!r}, wanted {bound.words}")
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
