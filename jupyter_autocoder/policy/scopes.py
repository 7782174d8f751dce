"""Whether a name that a built-in also has is the source's own where it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.nodes import FIELDS
from jupyter_autocoder.policy.scan import Scan

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def is_own_name(scan: Scan, node: ast.Name) -> bool:
    """Say whether `node` certainly means something that the source itself bound.

    A local of a function never falls back to the built-in. A module's name does where it is not bound yet, so it counts
    only when an earlier statement of the module binds it for good.
    """
    return node.id in scan.bound and id(node) in scan.once(_own)


def _own(scan: Scan) -> frozenset[int]:
    found: set[int] = set()
    _look(scan.tree, frozenset(), found)
    return frozenset(found)


def _look(module: ast.Module, known: frozenset[str], found: set[int]) -> None:
    unsafe = {target.id for node in ast.walk(module) if isinstance(node, ast.Delete) for target in _names(node)}
    unsafe |= {name for node in ast.walk(module) if isinstance(node, ast.Global) for name in node.names}
    for statement in module.body:
        _visit(statement, known - unsafe, found)
        known |= frozenset(_bound_by(statement))


def _names(node: ast.AST) -> Iterator[ast.Name]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Name))


def _bound_by(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)


def _visit(node: ast.AST, known: frozenset[str], found: set[int]) -> None:
    """Walk with a stack of our own: (node, names that are certainly bound there)."""
    stack = [(node, known)]
    while stack:
        here, names = stack.pop()
        if isinstance(here, ast.Name):
            if here.id in names:
                found.add(id(here))
            continue
        parts = dict(_parts(here))
        if isinstance(here, _FUNCTIONS):
            inner = names | _locals(here)
            stack.extend((part, inner if field == "body" else names) for part, field in parts.items())
        else:
            stack.extend((part, names) for part in parts)


def _parts(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for field in FIELDS.get(type(node), ()):
        value = getattr(node, field)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield part, field


def _locals(function: ast.AST) -> frozenset[str]:
    """Return the parameters of a function and the names its own body assigns, those of inner scopes left out."""
    arguments: ast.arguments = function.args  # type: ignore[attr-defined]
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    names = {arg.arg for arg in every if arg is not None}
    outside: set[str] = set()
    body = function.body if isinstance(function.body, list) else [function.body]  # type: ignore[attr-defined]
    stack: list[ast.AST] = list(body)
    while stack:
        here = stack.pop()
        match here:
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Global(names=declared) | ast.Nonlocal(names=declared):
                outside.update(declared)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue
        stack.extend(part for part, _ in _parts(here))
    return frozenset(names - outside)
