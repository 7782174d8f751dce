"""Format strings whose fields reach attributes: ``"{0.__class__}".format(x)``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import UNKNOWN, Folder
from jupyter_autocoder.policy.names import is_public
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

_FIELD = re.compile(r"\{([^{}:!\s]*)[}:!{]")
_STEP = re.compile(r"\.([^.\[\]]*)")


def bad_field(text: str) -> str | None:
    """Return the first field of a format string that reaches a private, inner or unknown attribute."""
    for field in _FIELD.findall(text.replace("{{", "")):
        # A number such as {0.5} is no attribute; what is unknown may be any.
        for name in _STEP.findall(field):
            if UNKNOWN in name or (name and not is_public(name)) or name == "obj":
                return str(field.replace(UNKNOWN, "..."))
    return None


def _find(scan: Scan) -> Iterator[Hit]:
    folder = scan.once(Folder)
    calls = {id(call.func): call for call in scan.nodes(ast.Call)}
    for name in ("format", "format_map", "vformat"):
        for node in scan.attributes.get(name, ()):
            receiver = _receiver(node, calls)
            text = folder.text(receiver)
            field = bad_field(text) if text else None
            if field is not None:
                yield Hit(node, f"the format string reaches {('{' + field + '}')!r}")
            elif _is_computed(scan, receiver, text):
                yield Hit(node, "the format string is put together at run time")
    yield from _strings(scan, folder)


def _receiver(node: ast.Attribute, calls: dict[int, ast.Call]) -> ast.expr:
    """Return the format string: what stands before the dot, but for ``str.format(text, ...)``."""
    call = calls.get(id(node))
    unbound = isinstance(node.value, ast.Name) and node.value.id == "str" and call is not None and call.args
    return call.args[0] if unbound and call is not None else node.value


def _strings(scan: Scan, folder: Folder) -> Iterator[Hit]:
    """Find fields in strings wherever they go: to logging, to matplotlib, to a function of the program."""
    for constant in scan.nodes(ast.Constant):
        value = constant.value
        if isinstance(value, str) and "{" in value and "." in value:
            field = bad_field(value)
            if field is not None:
                yield Hit(constant, f"the format string reaches {('{' + field + '}')[:80]!r}")
    for kind in (ast.BinOp, ast.Call, ast.Subscript):
        for made in scan.nodes(kind):
            text = folder.text(made)
            field = bad_field(text.replace(UNKNOWN, "")) if text and "{" in text and "." in text else None
            if field is not None:
                yield Hit(made, f"the format string reaches {('{' + field + '}')[:80]!r}")


def _is_computed(scan: Scan, node: ast.expr, text: str | None) -> bool:
    """Say whether a receiver is a string whose fields the source does not show."""
    if text is not None:
        return any(UNKNOWN in field for field in _FIELD.findall(text))
    if isinstance(node, ast.Name):
        grown = any(isinstance(one.target, ast.Name) and one.target.id == node.id for one in scan.nodes(ast.AugAssign))
        return grown or any(
            _is_computed(scan, value, None) for value in scan.values(node.id) or () if value is not node
        )
    match node:
        case ast.BinOp(op=ast.Add() | ast.Mod() | ast.Mult()):
            return True
        case ast.Call(func=ast.Attribute(attr=("join" | "replace" | "decode" | "translate"))):
            return True
        case ast.Call(func=ast.Attribute(attr="format", value=inner)):  # of a text, or of a table's style
            return scan.once(Folder).text(inner) is not None or _is_computed(scan, inner, None)
        case ast.Call(func=ast.Name(id=("str" | "chr" | "bytes"))):
            return True
    return False


RULE = Rule(
    id="format-field",
    summary="A format string reaches attributes, or is made at run time.",
    reason="Fields of str.format walk attributes like code does, out of sight of the rules for code.",
    fix="Use an f-string, which is checked like other code.",
    find=_find,
)
