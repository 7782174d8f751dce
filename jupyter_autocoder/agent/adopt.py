"""Cut functions and classes out of checked code, with the imports, data and helpers that they need."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Sequence

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Inner = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
# The methods with which Python's own collections are filled and changed.
_FILLS = frozenset({
    "add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem", "popleft",
    "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update",
})  # fmt: skip


def definitions(source: str) -> tuple[str, ...]:
    """Return the names of the functions and classes that `source` defines at its top level."""
    return tuple(node.name for node in ast.parse(source).body if isinstance(node, _Definition))


def extract(sources: Sequence[str], name: str) -> str | None:
    """Return the exact source of `name` as the last of `sources` defines it, or None.

    The statements of the same source that make or fill what the definition reads come with it, in their order.
    """
    for source in reversed(sources):
        if name in definitions(source):
            return extract_all(source, [name])
    return None


def extract_all(source: str, names: Iterable[str]) -> str:
    """Return the exact source of `names` with all that they need, each statement once and in its order.

    A name that `source` does not make is left out; "" where it makes none.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    body = ast.parse(source).body
    makers: dict[str, list[int]] = {}
    for index, node in enumerate(body):
        for made in _makes(node):
            makers.setdefault(made, []).append(index)
    wanted: set[int] = set()
    queue = [index for name in names for index in makers.get(name, ())]
    if queue:  # a future import changes how all the rest is read
        queue += [index for index, node in enumerate(body) if _is_future(node)]
    while queue:
        index = queue.pop()
        if index not in wanted:
            wanted.add(index)
            reads = _reads(symtable.symtable(ast.unparse(body[index]), "<code>", "exec"))
            queue += [maker for name in reads for maker in makers.get(name, ())]
    return _join(source, body, sorted(wanted))


def _join(source: str, body: Sequence[ast.stmt], wanted: Iterable[int]) -> str:
    lines = source.split("\n")
    text = ""
    before: ast.stmt | None = None
    for index in wanted:
        node = body[index]
        if isinstance(before, _Definition) or (before is not None and isinstance(node, _Definition)):
            text += "\n\n"
        text += _text(source, lines, body[max(index - 1, 0) : index + 2], node) + "\n"
        before = node
    return text


def _text(source: str, lines: Sequence[str], around: Sequence[ast.stmt], node: ast.stmt) -> str:
    """The whole lines of a statement, with its comments, or the statement alone where neighbours share its lines."""
    last = node.end_lineno or node.lineno
    others = (other for other in around if other is not node)
    if any(other.lineno <= last and (other.end_lineno or other.lineno) >= node.lineno for other in others):
        return ast.get_source_segment(source, node) or ast.unparse(node)
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(lines[first - 1 : last])


def _reads(table: symtable.SymbolTable) -> set[str]:
    """The names that code takes from its module: all at the top level, and a function's globals."""
    at_top = table.get_type() == "module"
    names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() or at_top}
    return names.union(*(_reads(child) for child in table.get_children()))


def _makes(node: ast.stmt) -> set[str]:
    """The names that a statement binds, or whose content it changes, at the top level."""
    made: set[str] = set()
    queue: list[ast.AST] = [node]
    while queue:
        part = queue.pop()
        match part:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
                continue  # what is bound inside is its own
            case ast.alias(name=name, asname=alias):
                made.add(alias or name.split(".")[0])
            case ast.Name(id=name, ctx=ast.Store()):
                made.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                made.add(name)
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                made |= _root(part)
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr=attr, value=value))) if attr in _FILLS:
                made |= _root(value)
        if not isinstance(part, _Inner):
            queue += ast.iter_child_nodes(part)
    return made


def _root(node: ast.AST) -> set[str]:
    """The name at the start of ``name.attribute[index].method()``, if there is one."""
    while True:
        match node:
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Call(func=value):
                node = value
            case ast.Name(id=name):
                return {name}
            case _:
                return set()


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
