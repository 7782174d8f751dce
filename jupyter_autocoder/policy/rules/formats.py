"""Format strings whose fields reach attributes: ``"{0.__class__}".format(x)``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import UNKNOWN, Folder
from jupyter_autocoder.policy.names import is_public
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

_FIELD = re.compile(r"\{([^{}:!]*)")
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
    for name in ("format", "format_map", "vformat"):
        for node in scan.attributes.get(name, ()):
            text = folder.text(node.value)
            field = bad_field(text) if text else None
            if field is not None:
                yield Hit(node, f"the format string reaches {('{' + field + '}')!r}")
            elif _is_computed(node.value, text):
                yield Hit(node, "the format string is put together at run time")
    for constant in scan.nodes(ast.Constant):
        value = constant.value
        if isinstance(value, str) and "{" in value and "._" in value:
            field = bad_field(value)
            if field is not None:
                yield Hit(constant, f"the format string reaches {('{' + field + '}')[:80]!r}")


def _is_computed(node: ast.expr, text: str | None) -> bool:
    """Say whether a receiver is a string whose fields the source does not show."""
    if text is not None:
        return UNKNOWN in _FIELD.sub(lambda field: field[1], text) and any(UNKNOWN in f for f in _FIELD.findall(text))
    match node:
        case ast.Call(func=ast.Attribute(attr=("join" | "replace" | "decode" | "translate"))):
            return True
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
