"""Strings that a library runs as Python of its own: pandas queries, model formulas, annotations."""

from __future__ import annotations

import ast
import re

from jupyter_autocoder.policy.names import is_public

# In these languages names stand for columns; calls are functions of mathematics.
_REFUSED_WORDS = re.compile(
    r"\b(?:import|lambda|eval|exec|compile|open|getattr|setattr|globals|locals|vars|input|breakpoint|os|sys|subprocess|"
    r"builtins|importlib|ctypes|pickle|socket|shutil)\b\s*[.(]|\b(?:lambda|import)\b"
)
_ATTRIBUTE = re.compile(r"\.\s*(?P<name>[^\W\d]\w*)")
_OUTER = re.compile(r"@\s*[^\W\d]\w*\s*[.(\[]")


def bad_part(text: str) -> str | None:
    """Return the part of an expression string that reaches beyond columns and functions of mathematics."""
    word = _REFUSED_WORDS.search(text)
    if word:
        return word[0]
    outer = _OUTER.search(text)  # `@frame.attribute` walks objects of the program
    if outer:
        return outer[0]
    for match in _ATTRIBUTE.finditer(text):
        if not is_public(match["name"]):
            return match[0]
    return "__" if "__" in text else None


def is_type(text: str) -> bool:
    """Say whether a string annotation is a plain type: names, members, subscripts, unions and literals."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return not text.isidentifier() and "(" not in text  # no code, so nothing can run it: Annotated's remarks
    allowed = (
        ast.Expression,
        ast.Name,
        ast.Attribute,
        ast.Subscript,
        ast.Tuple,
        ast.List,
        ast.Constant,
        ast.BinOp,
        ast.BitOr,
        ast.Load,
        ast.UnaryOp,
        ast.USub,
        ast.Starred,
    )
    return all(
        isinstance(node, allowed) and not (isinstance(node, ast.Attribute) and not is_public(node.attr))
        for node in ast.walk(tree)
    )
