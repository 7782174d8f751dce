"""Attributes in class patterns: ``case object(__class__=c)`` reads them without a dot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.names import is_public
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for node in scan.nodes(ast.MatchClass):
        for name in node.kwd_attrs:
            if not is_public(name) or name == "obj":
                yield Hit(node, f"the pattern reads the attribute {name!r}")
    for target in scan.names.get("__match_args__", ()):
        if target.ctx.__class__ is ast.Store:
            yield from _match_args(scan, target)


def _match_args(scan: Scan, name: ast.Name) -> Iterator[Hit]:
    """Check that ``__match_args__`` lists public names, and that nothing else is put there."""
    for assign in scan.nodes(ast.Assign):
        if name in assign.targets:
            parts = assign.value.elts if isinstance(assign.value, ast.Tuple) else [assign.value]
            texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if len(texts) < len(parts) or not all(map(is_public, texts)) or "obj" in texts:
                yield Hit(name, "'__match_args__' names attributes that may not be read")
            return
    yield Hit(name, "'__match_args__' is not a plain tuple of names")


RULE = Rule(
    id="match-attribute",
    summary="A class pattern reads a private or inner attribute.",
    reason="Patterns reach attributes without a dot, so the same names are refused there.",
    fix="Match on public attributes, or use isinstance and plain attribute access.",
    find=_find,
)
