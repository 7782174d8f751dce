"""Cut a function or class out of checked code, with the imports and helpers that it needs."""

from __future__ import annotations

import ast
from collections.abc import Sequence

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(source: str) -> tuple[str, ...]:
    """Return the names of the functions and classes that `source` defines at its top level."""
    return tuple(node.name for node in ast.parse(source).body if isinstance(node, _Definition))


def extract(sources: Sequence[str], name: str) -> str | None:
    """Return the exact source of `name` as the last of `sources` defines it, or None.

    Imports, constants and helpers of the same source that the definition reads come with it, in their order.
    """
    for source in reversed(sources):
        if name in definitions(source):
            return _cut(source, name)
    return None


def _cut(source: str, name: str) -> str:
    tree = ast.parse(source)
    makers = {made: node for node in tree.body for made in _makes(node)}
    wanted: list[ast.stmt] = []
    queue = [makers[name]]
    while queue:
        node = queue.pop()
        if node in wanted:
            continue
        wanted.append(node)
        reads = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
        queue += [makers[read] for read in reads if read in makers]
    lines = source.splitlines()
    parts: list[str] = []
    for node in sorted(wanted, key=lambda node: node.lineno):
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        gap = "\n\n" if isinstance(node, _Definition) and parts else ""
        parts.append(gap + "\n".join(lines[first - 1 : node.end_lineno]))
    return "\n".join(parts) + "\n"


def _makes(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [alias.asname or alias.name.split(".")[0] for alias in aliases]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
