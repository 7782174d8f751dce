"""Which of the person's variables the code of a conversation reads, and their way into the notebook's sandbox."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from jupyter_autocoder.errors import ValueCannotCross
from jupyter_autocoder.sandbox import expect_data

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Box(Protocol):
    """What is needed of a sandbox."""

    @property
    def alive(self) -> bool: ...

    async def put(self, name: str, value: Any) -> None: ...


class Inputs:
    """Puts what code reads into the sandbox that runs it.

    A name that earlier code of a conversation made in there stays as it made it, until the notebook gives that name
    another value: `df = df.dropna()` would be lost before the next block otherwise.
    """

    def __init__(self) -> None:
        self._box: Box | None = None
        self._made: dict[str, int | None] = {}

    async def send(self, box: Box, source: str, namespace: Mapping[str, Any]) -> tuple[str, ...]:
        """Put in what `source` reads of `namespace`; returns what the person is told about it."""
        if box is not self._box or not box.alive:
            self._box, self._made = box, {}
        sent, kept, notes = [], [], []
        for name in sorted(read_by(source) & namespace.keys()):
            value = namespace[name]
            if self._made.get(name) == id(value):
                kept.append(name)
                continue
            try:
                expect_data(name, value)
                await box.put(name, value)
            except ValueCannotCross as error:
                notes.append(f"{error.what} ({error.why})." if error.why else f"{error.what}.")
            else:
                sent.append(name)
        if kept:
            notes.insert(0, f"Made by an earlier run here, not the notebook's: {', '.join(kept)}.")
        if sent:
            notes.insert(0, f"Sent in from the notebook: {', '.join(sent)}.")
        return tuple(notes)

    def ran(self, source: str, namespace: Mapping[str, Any]) -> None:
        """Note what `source` made, beside what the notebook calls by those names now."""
        for name in made_by(source):
            self._made[name] = id(namespace[name]) if name in namespace else None


def read_by(source: str) -> frozenset[str]:
    """Return the names that `source` reads before it makes them itself, without Python's own."""
    reader = _Reader()
    reader.visit(ast.parse(source))
    return frozenset((reader.read | (reader.later - reader.made)) - set(dir(builtins)))


def made_by(source: str) -> frozenset[str]:
    """Return the names that `source` defines outside of its functions."""
    reader = _Reader()
    reader.visit(ast.parse(source))
    return frozenset(reader.made)


class _Reader(ast.NodeVisitor):
    """Goes through code in the order in which it runs; `later` is read by functions, whenever they are called."""

    def __init__(self, made: Iterable[str] = ()) -> None:
        self.made = set(made)
        self.read: set[str] = set()
        self.later: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.made.add(node.id)
        elif node.id not in self.made:
            self.read.add(node.id)
        elif isinstance(node.ctx, ast.Del):
            self.made.remove(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._visit(node.value, *node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.visit(ast.Name(id=node.target.id, ctx=ast.Load()))
        self._visit(node.value, node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._visit(node.value, node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._visit(node.value, node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._visit(node.iter, node.target, *node.body, *node.orelse)

    visit_AsyncFor = visit_For

    def visit_comprehension_of(self, node: _Comprehension) -> None:
        inner = _Reader(self.made)
        for part in node.generators:
            inner._visit(part.iter, part.target, *part.ifs)
        inner._visit(*([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]))
        self._take(inner)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_of

    def visit_function(self, node: _Function) -> None:
        arguments = node.args
        self._visit(*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None))
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        own = {each.arg for each in ast.walk(arguments) if isinstance(each, ast.arg)}
        inner = _Reader(own)
        # A name that a function binds anywhere is its own everywhere in it.
        for statement in body:
            names = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
            inner.made |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
        inner._visit(*body)
        self.later |= inner.read | inner.later
        if not isinstance(node, ast.Lambda):
            self._visit(*node.decorator_list)
            self.made.add(node.name)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit(*node.decorator_list, *node.bases, *node.keywords)
        inner = _Reader(self.made)
        inner._visit(*node.body)
        self._take(inner)
        self.made.add(node.name)

    def visit_alias(self, node: ast.alias) -> None:
        self.made.add(node.asname or node.name.partition(".")[0])

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._make(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self._make(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self._make(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._make(node.rest)
        self.generic_visit(node)

    def _visit(self, *nodes: ast.AST) -> None:
        for node in nodes:
            self.visit(node)

    def _take(self, inner: _Reader) -> None:
        self.read |= inner.read
        self.later |= inner.later

    def _make(self, name: str | None) -> None:
        if name is not None:
            self.made.add(name)
