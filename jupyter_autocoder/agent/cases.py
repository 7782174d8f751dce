"""How the tests of a script are called: functions, coroutines, and the methods of test classes.

A test that could not be called as it stands is refused: one that silently does not run would count as passed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from jupyter_autocoder.errors import UsageError

PREFIX, CLASS_PREFIX = "test", "Test"
_SUITE = "from unittest import TestSuite as _TestSuite"
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
# What pytest would call around a method of a plain class; a script has nobody who does.
_AROUND = frozenset({"setup_method", "teardown_method", "setup_class", "teardown_class", "setup", "teardown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCall:
    """A statement that runs one test, the test as a person reads it, and its definition."""

    __test__ = False  # pytest takes every name that starts so for a test

    statement: str
    label: str
    node: _Function


def calls(tree: ast.Module) -> Iterator[TestCall]:
    """Yield the calls of all tests at the top level of `tree`, in their order. Raises UsageError."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    _refuse_idle(tree)
    refuse_hopeless(tree.body)
    for node in tree.body:
        if isinstance(node, _Function) and node.name.startswith(PREFIX):
            _refuse_uncallable(node, node.name, node.args.posonlyargs + node.args.args)
            yield TestCall(statement=_awaited(node, f"{node.name}()"), label=f"{node.name}()", node=node)
        elif isinstance(node, ast.ClassDef) and (node.name.startswith(CLASS_PREFIX) or _is_case(node, classes)):
            yield from _methods(node, classes)


def _refuse_idle(tree: ast.Module) -> None:
    """Raise UsageError for what looks like a check of `tree` and could never fail: nobody runs it, or it is true."""
    coroutines = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.Assert(test=ast.Tuple(elts=[_, *_])):
                _refuse("assert (...)", "a tuple is always true", "take the parentheses away: assert x == 1, 'text'")
            case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in coroutines:
                _refuse(f"{name}()", "nothing awaits it", f"write await {name}()")
            case ast.Module(body=body) | ast.ClassDef(body=body):
                _refuse_doubled(body)
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [] if isinstance(node, _Scope) else [node]
        for hidden in _tests_below(inner, methods=isinstance(node, ast.ClassDef)):
            _refuse(hidden, "it is not at the top level", "write it there")


def refuse_hopeless(body: Sequence[ast.stmt]) -> None:
    """Raise UsageError for what no code could pass: an end, a raise or a false constant that nothing stands around."""
    for node in body:
        why = _why_hopeless(node)
        if why:
            what = f"the check {ast.unparse(node)} cannot pass"
            raise UsageError(what, why=f"{why}, whatever the code did", do="write what must hold: assert r == 1")
        if any(isinstance(inner, ast.Return) for inner in ast.walk(node)):
            return  # What comes after may never be reached: `except ValueError: return`, then `assert False`.


def _why_hopeless(node: ast.stmt) -> str:
    match node:
        case ast.Raise():
            return "it raises"
        case ast.Expr(value=ast.Call(func=ast.Name(id="exit" | "quit") | ast.Attribute(ast.Name(id="sys"), "exit"))):
            return "it ends the script"
        case ast.Assert(test=ast.Constant(value=value)) if not value:
            return "it is never true"
    return ""


def _refuse_doubled(body: Sequence[ast.stmt]) -> None:
    seen: set[str] = set()
    for node in body:
        if _is_test(node):
            if node.name in seen:
                _refuse(node.name, "another one of its name comes later", "give it a name of its own")
            seen.add(node.name)


def _tests_below(body: Sequence[ast.AST], *, methods: bool) -> Iterator[str]:
    """Yield the names of the tests inside `body` where nobody looks for them; `methods` of a class stand rightly."""
    for node in body:
        if _is_test(node) and not (methods and isinstance(node, _Function)):
            yield node.name
        elif not isinstance(node, _Function | ast.Lambda):
            yield from _tests_below(list(ast.iter_child_nodes(node)), methods=False)


def _is_test(node: ast.AST) -> TypeGuard[_Function | ast.ClassDef]:
    if isinstance(node, _Function):
        return node.name.startswith(PREFIX)
    return isinstance(node, ast.ClassDef) and node.name.startswith(CLASS_PREFIX)


def _methods(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[TestCall]:
    found = _members(cls, classes)
    is_case = _is_case(cls, classes)
    for name, node in found.items():
        if not name.startswith(PREFIX):
            continue
        label = f"{cls.name}.{name}"
        is_static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)
        _refuse_uncallable(node, label, (node.args.posonlyargs + node.args.args)[0 if is_static else 1 :])
        if is_case:
            if isinstance(node, ast.AsyncFunctionDef):
                _refuse(label, "unittest would start a second event loop", "write it as an async function")
            # A suite of one also runs what belongs to the class: setUpClass and tearDownClass.
            statement = f"{_SUITE}; _TestSuite([{cls.name}({name!r})]).debug()"
        else:
            if around := sorted(_AROUND & found.keys()):
                do = "make it a unittest.TestCase with setUp, or call what it needs in the test"
                _refuse(label, f"nothing calls {around[0]} around it", do)
            statement = _awaited(node, f"{cls.name}().{name}()")
        yield TestCall(statement=statement, label=f"{label}()", node=node)


def _members(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef], depth: int = 0) -> dict[str, _Function]:
    """The methods of a class and, behind them, of those of its bases that the script defines."""
    found = {node.name: node for node in cls.body if isinstance(node, _Function)}
    for base in _bases(cls):
        if base in classes and depth < len(classes):
            found = {**_members(classes[base], classes, depth + 1), **found}
    return found


def _is_case(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef], depth: int = 0) -> bool:
    """Whether a class is a TestCase of unittest, directly or by a base that the script defines."""
    known = [classes[base] for base in _bases(cls) if base in classes and depth < len(classes)]
    return any(base.endswith("TestCase") for base in _bases(cls)) or any(_is_case(b, classes, depth + 1) for b in known)


def _bases(cls: ast.ClassDef) -> list[str]:
    return [ast.unparse(base).rpartition(".")[2] for base in cls.bases]


def _refuse_uncallable(node: _Function, label: str, positional: Sequence[ast.arg]) -> None:
    needed = [arg.arg for arg in positional[: max(len(positional) - len(node.args.defaults), 0)]]
    needed += [arg.arg for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if not default]
    if needed:
        why = f"nothing passes {', '.join(needed)}"
        _refuse(label, why, "give it default values or a loop inside; a helper wants another name")
    if _yields(node):
        _refuse(label, "it has a yield, so that a call does not run it", "use asserts instead of yield")
    refuse_hopeless(node.body)


def _refuse(label: str, why: str, do: str) -> None:
    raise UsageError(f"the check {label} cannot be run", why=why, do=do)


def _awaited(node: _Function, call: str) -> str:
    return f"await {call}" if isinstance(node, ast.AsyncFunctionDef) else call


def _yields(node: ast.AST) -> bool:
    inner = (child for child in ast.iter_child_nodes(node) if not isinstance(child, _Scope))
    return any(isinstance(child, ast.Yield | ast.YieldFrom) or _yields(child) for child in inner)
