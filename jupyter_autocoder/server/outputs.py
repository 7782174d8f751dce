"""The outputs of a run, read as what a stranger says before they are shown and kept.

A notebook's kernel sends what its sandbox's gate has cleaned, and anybody's code may run beside that: an output that is
none would stop whoever shows it. What is inside a well-formed one is for the sidebar's own cleaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_autocoder.chat import Malformed, decode
from jupyter_autocoder.sandbox.clean.tree import is_sound


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    output_type: Literal["stream"]
    name: Literal["stdout", "stderr"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Display:
    output_type: Literal["display_data", "execute_result"]
    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    execution_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    output_type: Literal["error"]
    ename: str
    evalue: str
    traceback: tuple[str, ...]


_KINDS: dict[str, type[Any]] = {
    "stream": _Stream,
    "display_data": _Display,
    "execute_result": _Display,
    "error": _Error,
}


def read_output(output: dict[str, Any]) -> dict[str, Any]:
    """Give the output, which is a well-formed one of nbformat's; raises Malformed when it is not."""
    kind = _KINDS.get(str(output.get("output_type")))
    if kind is None:
        raise Malformed("there is no such kind of output")
    decode(kind, output)
    if not all(is_sound(value) for part in ("data", "metadata") for value in output.get(part, {}).values()):
        raise Malformed("the output is nested too deeply, or holds what JSON cannot")
    return output
