"""One source, read once: its nodes by kind, its names, attributes and strings, and what its names stand for."""

from __future__ import annotations

import ast
import functools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from jupyter_autocoder.policy.nodes import FIELDS

N = TypeVar("N", bound=ast.AST)
T = TypeVar("T")
# A name that may be given more expressions than this is as good as unknown.
_MANY = 200
_MANY_STARS = 10


class Scan:
    """The facts that the rules ask for; nothing is run, and names are followed only as far as the source shows them."""

    def __init__(self, tree: ast.Module, source: str = "", imports: frozenset[str] = frozenset()) -> None:
        self.source = source
        self.extra_imports = imports
        self.tree = tree
        self.unknown: list[ast.AST] = []
        self._kinds: dict[type, list[ast.AST]] = defaultdict(list)
        self._collect(tree)
        self.names = _index(self.nodes(ast.Name), "id")
        self.attributes = _index(self.nodes(ast.Attribute), "attr")
        self._paths: dict[int | str, frozenset[str]] = {}
        self._values: dict[str, tuple[ast.expr, ...] | None] = {}
        self._once: dict[object, object] = {}

    def _collect(self, tree: ast.Module) -> None:
        kinds = self._kinds
        stack: list[ast.AST] = [tree]
        pop, push, extend = stack.pop, stack.append, stack.extend
        while stack:
            node = pop()
            kind = node.__class__
            if kind not in FIELDS:
                self.unknown.append(node)
                continue
            kinds[kind].append(node)
            for field in FIELDS[kind]:
                value = getattr(node, field)
                if value.__class__ is list:
                    extend(value)
                elif value is not None:
                    push(value)

    def nodes(self, kind: type[N]) -> list[N]:
        """Return every node of exactly this kind, in no order."""
        return self._kinds.get(kind, [])  # type: ignore[return-value]

    def once(self, make: Callable[[Scan], T]) -> T:
        """Return ``make(self)``, made at the first call: for facts that several rules share."""
        if make not in self._once:
            self._once[make] = make(self)
        return self._once[make]  # type: ignore[return-value]

    @functools.cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [*self.nodes(ast.FunctionDef), *self.nodes(ast.AsyncFunctionDef)]

    # -- what names stand for ------------------------------------------------------------------------------------------
    @functools.cached_property
    def imports(self) -> Mapping[str, frozenset[str]]:
        """Names bound by imports, with the dotted paths they may stand for."""
        found: dict[str, set[str]] = defaultdict(set)
        for node in self.nodes(ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                found[alias.asname or root].add(alias.name if alias.asname else root)
        for source in self.nodes(ast.ImportFrom):
            for alias in source.names:
                found[alias.asname or alias.name].add(f"{source.module}.{alias.name}")
        return {name: frozenset(paths) for name, paths in found.items()}

    @functools.cached_property
    def stars(self) -> tuple[str, ...]:
        """Modules whose names came in by ``from m import *``."""
        found = dict.fromkeys(n.module or "" for n in self.nodes(ast.ImportFrom) if n.names[0].name == "*")
        if len(found) > _MANY_STARS:
            raise RecursionError  # each name may be from any of them
        return tuple(found)

    @functools.cached_property
    def bound(self) -> frozenset[str]:
        """Every name that the source binds in any way, in any scope."""
        stored = {n.id for n in self.nodes(ast.Name) if n.ctx.__class__ is ast.Store}
        return frozenset(stored | self._opaque | set(self.imports))

    @functools.cached_property
    def _opaque(self) -> frozenset[str]:
        """Names bound without an expression that says what they are."""
        names = {n.arg for n in self.nodes(ast.arg)}
        names |= {n.name for n in [*self.functions, *self.nodes(ast.ClassDef)]}
        names |= {n.name for n in self.nodes(ast.ExceptHandler) if n.name}
        names |= {n.name for n in self.nodes(ast.MatchAs) if n.name}
        names |= {n.name for n in self.nodes(ast.MatchStar) if n.name}
        names |= {n.rest for n in self.nodes(ast.MatchMapping) if n.rest}
        return frozenset(names)

    @functools.cached_property
    def _stored(self) -> Mapping[int, tuple[ast.expr, ...]]:
        """Target node -> the expressions it may be given, where the source shows them."""
        given: dict[int, tuple[ast.expr, ...]] = {}
        for assign in self.nodes(ast.Assign):
            for target in assign.targets:
                _give(given, target, assign.value)
        for named in self.nodes(ast.NamedExpr):
            _give(given, named.target, named.value)
        for noted in self.nodes(ast.AnnAssign):
            if noted.value is not None:
                _give(given, noted.target, noted.value)
        loops: list[ast.For | ast.comprehension] = [*self.nodes(ast.For), *self.nodes(ast.comprehension)]
        iterated = {id(loop.iter) for loop in loops}
        for loop in loops:
            items = self._items(loop.iter, given, iterated)
            if items is not None:
                _give_each(given, loop.target, items)
        return given

    def _items(
        self, node: ast.expr, given: Mapping[int, tuple[ast.expr, ...]], loops: set[int]
    ) -> list[ast.expr] | None:
        """Return what a loop goes over: a display, or a name that is bound to one once and used for nothing else."""
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return node.elts
        if not isinstance(node, ast.Name) or node.id in self._opaque or node.id in self.imports:
            return None
        stores = [one for one in self.names[node.id] if one.ctx.__class__ is not ast.Load]
        values = given.get(id(stores[0]), ()) if len(stores) == 1 else ()
        if len(values) != 1 or not isinstance(values[0], ast.Tuple | ast.List):
            return None
        # A list that goes anywhere else might be changed there.
        others = [one for one in self.names[node.id] if one is not stores[0] and id(one) not in loops]
        return None if others and isinstance(values[0], ast.List) else values[0].elts

    def is_followed(self, target: ast.expr) -> bool:
        """Say whether what is stored in `target` stays known by its name."""
        return id(target) in self._stored

    def values(self, name: str) -> tuple[ast.expr, ...] | None:
        """Return all expressions that `name` may be given anywhere; None where the source does not show them all."""
        if name not in self._values:
            self._values[name] = self._find_values(name)
        return self._values[name]

    def _find_values(self, name: str) -> tuple[ast.expr, ...] | None:
        if name in self._opaque or name in self.imports:
            return None
        values: list[ast.expr] = []
        for node in self.names.get(name, ()):
            if node.ctx.__class__ is not ast.Store:
                continue
            given = self._stored.get(id(node))
            if given is None:
                return None
            values.extend(given)
            if len(values) > _MANY:
                return None
        return tuple(values) or None

    def paths(self, node: ast.AST) -> frozenset[str]:
        """Return the dotted paths of modules and their members that an expression may stand for (``numpy.load``)."""
        key = node.id if isinstance(node, ast.Name) else id(node)
        known = self._paths.get(key)
        if known is None:
            self._paths[key] = frozenset()  # a name that is defined by itself stands for nothing new
            known = self._paths[key] = frozenset(self._find_paths(node))
        return known

    def _find_paths(self, node: ast.AST) -> Iterable[str]:
        match node:
            case ast.Name(id=name):
                return self._name_paths(name)
            case ast.Attribute(value=value, attr=attr):
                return [f"{path}.{attr}" for path in self.paths(value)]
            case ast.NamedExpr(value=value):
                return self.paths(value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.paths(body) | self.paths(orelse)
            case ast.BoolOp(values=values):
                return frozenset[str]().union(*map(self.paths, values))
            case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(attr)), *_]):
                return [f"{path}.{attr}" for path in self.paths(value)]
            case ast.Subscript(value=ast.List(elts=[value]) | ast.Tuple(elts=[value])):
                return self.paths(value)
        return ()

    def _name_paths(self, name: str) -> Iterator[str]:
        yield from self.imports.get(name, ())
        if name not in self.bound:
            yield from (f"{star}.{name}" for star in self.stars)
            return
        for node in self.names.get(name, ()):
            if node.ctx.__class__ is ast.Store:
                for value in self._stored.get(id(node), ()):
                    yield from self.paths(value)


def _index(nodes: list[N], field: str) -> dict[str, list[N]]:
    found: dict[str, list[N]] = defaultdict(list)
    for name, node in zip(map(operator.attrgetter(field), nodes), nodes, strict=True):
        found[name].append(node)
    return found


def _give(given: dict[int, tuple[ast.expr, ...]], target: ast.expr, value: ast.expr) -> None:
    given[id(target)] = (*given.get(id(target), ()), value)
    for one, its in _pairs(target, value):
        _give(given, one, its)


def _give_each(given: dict[int, tuple[ast.expr, ...]], target: ast.expr, values: list[ast.expr]) -> None:
    if isinstance(target, ast.Name):
        given[id(target)] = tuple(values)
        return
    columns: dict[int, list[ast.expr]] = defaultdict(list)
    for value in values:
        for one, its in _pairs(target, value):
            columns[id(one)].append(its)
    given.update({key: tuple(its) for key, its in columns.items() if len(its) == len(values)})


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the parts of an unpacking that plainly belong together."""
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        starred = any(isinstance(part, ast.Starred) for part in [*target.elts, *value.elts])
        if len(target.elts) == len(value.elts) and not starred:
            yield from zip(target.elts, value.elts, strict=True)
