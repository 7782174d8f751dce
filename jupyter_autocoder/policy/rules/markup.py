"""Markup for the person's browser that is more than text and pictures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

_SHOWING = frozenset({"HTML", "SVG", "Markdown", "Latex", "display_html", "display_svg", "display_markdown"})
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|form|meta|link|base|foreignobject|frame|applet|portal)\b"
    r"|\bon[a-z]{3,20}\s*=|javascript\s*:|data\s*:\s*text/html|srcdoc\s*=|expression\s*\(|<\?xml-stylesheet"
    r"|\b(?:src|href|xlink:href|background|poster|action)\s*=\s*[\"']?\s*(?:https?:)?//",
    re.IGNORECASE,
)
_SCRIPTED = frozenset(
    {"Javascript", "Audio", "Video", "YouTubeVideo", "IFrame", "FileLink", "FileLinks", "ScribdDocument"}
)


def _find(scan: Scan) -> Iterator[Hit]:
    folder = scan.once(Folder)
    for call in scan.nodes(ast.Call):
        match call.func:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _SHOWING:
                arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
                for argument in arguments:
                    active = _ACTIVE.search(folder.text(argument) or "")
                    if active:
                        yield Hit(argument, f"the markup given to '{name}' is active: {active[0][:40]!r}")
            case ast.Name(id="display") | ast.Attribute(attr="display"):
                yield from _raw(call)
    for function in scan.functions:
        if function.name in ("_repr_html_", "_repr_svg_", "_repr_markdown_"):
            yield from _representation(folder, function)
    for name in _SCRIPTED & scan.names.keys():
        if name not in scan.bound:
            yield Hit(scan.names[name][0], f"'{name}' brings scripts or files into the browser")


def _raw(call: ast.Call) -> Iterator[Hit]:
    for keyword in call.keywords:
        if keyword.arg in ("raw", "transient", "display_id", None):
            yield Hit(call, f"display(..., {keyword.arg or '**'}=) chooses what the browser gets without a check")


def _representation(folder: Folder, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Hit]:
    for node in ast.walk(function):
        if isinstance(node, ast.Constant | ast.BinOp | ast.JoinedStr):
            active = _ACTIVE.search(folder.text(node) or "")
            if active:
                yield Hit(node, f"the markup of {function.name!r} is active: {active[0][:40]!r}")


RULE = Rule(
    id="active-markup",
    summary="Active markup is shown: scripts, frames, handlers or remote pictures.",
    reason="Output is shown in the person's browser, where scripts have the person's rights.",
    fix="Show tables, text and pictures: display(df), Markdown, or a matplotlib figure.",
    find=_find,
)
