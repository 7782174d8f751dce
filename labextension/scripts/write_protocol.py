"""Write ``src/protocol.ts`` from the server's ``protocol.py``; run it after every change there.

python labextension/scripts/write_protocol.py
"""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, Literal

from jupyter_autocoder.chat.records import fields_of
from jupyter_autocoder.server import protocol

TARGET = Path(__file__).parent.parent / "src" / "protocol.ts"
HEAD = """\
/*
 * The wire between the server and the sidebar, one JSON object per WebSocket text frame.
 * Written from jupyter_autocoder/server/protocol.py by scripts/write_protocol.py: change it there.
 */
"""
SIMPLE = {str: "string", int: "number", float: "number", bool: "boolean", Any: "unknown"}


def typescript() -> str:
    """Give the whole text of ``protocol.ts``."""
    frames = (*protocol.CLIENT_FRAMES, *protocol.SERVER_FRAMES)
    records: dict[str, type[Any]] = {}
    for frame in frames:
        _collect(frame, records)
    parts = [
        HEAD,
        f"export const PROTOCOL_VERSION = {protocol.VERSION};",
        "/** Bytes of a frame; the server closes the socket on more. */",
        f"export const MAX_FRAME = {protocol.MAX_FRAME};",
        "/** Characters of a message or of code to run; the server refuses more. */",
        f"export const MAX_TEXT = {protocol.MAX_TEXT};\n",
    ]
    parts += [_interface(kind, name, "") for name, kind in sorted(records.items())]
    parts += [_interface(kind, f"{kind.__name__}Frame", kind.type) for kind in frames]
    parts.append(_union("ClientFrame", protocol.CLIENT_FRAMES))
    parts.append(_union("ServerFrame", protocol.SERVER_FRAMES))
    names = ", ".join(f"'{kind.type}'" for kind in protocol.SERVER_FRAMES)
    listing = names.replace(", ", ",\n  ")
    parts.append(f"export const SERVER_FRAME_TYPES: ReadonlySet<string> = new Set([\n  {listing}\n]);\n")
    return "\n".join(parts)


def _collect(kind: Any, records: dict[str, type[Any]]) -> None:
    for hint in fields_of(kind).values() if dataclasses.is_dataclass(kind) else typing.get_args(kind):
        if dataclasses.is_dataclass(hint):
            records[hint.__name__] = hint  # type: ignore[attr-defined]
        if hint is not Ellipsis:
            _collect(hint, records)


def _interface(kind: type[Any], name: str, type_name: str) -> str:
    summary = (kind.__doc__ or "").strip().splitlines()[0].replace("`", "'")
    lines = [f"/** {summary} */", f"export interface {name} {{"]
    if type_name:
        lines.append(f"  type: '{type_name}';")
    hints = fields_of(kind)
    lines += [f"  {field.name}: {_type(hints[field.name])};" for field in dataclasses.fields(kind)]
    return "\n".join([*lines, "}", ""])


def _type(hint: Any) -> str:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if hint is type(None):
        return "null"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_type(member) for member in arguments)
    if origin is Literal:
        return " | ".join(f"'{value}'" for value in arguments)
    if origin is tuple:
        inner = _type(arguments[0])
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if origin is dict:
        return f"Record<string, {_type(arguments[1])}>"
    if dataclasses.is_dataclass(hint):
        return hint.__name__  # type: ignore[attr-defined]
    return SIMPLE[hint]


def _union(name: str, kinds: tuple[type[Any], ...]) -> str:
    members = "\n".join(f"  | {kind.__name__}Frame" for kind in kinds)
    return f"export type {name} =\n{members};\n"


if __name__ == "__main__":
    TARGET.write_text(typescript(), encoding="utf-8")
