"""Double-underscore attributes and names: the walk from any object to every class and module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.names import CALLED, DECLARATIONS, FACTS, OPERATIONS, is_dunder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# Called on these, the remaining operations are the ordinary way to write frozen records and immutable types.
_BASES = words("object super int float str tuple frozenset complex bytes dict list set")
_ON_BASES = frozenset({"__new__", "__init_subclass__", "__getattr__", "__get__", "__setattr__", "__delattr__"})

_FIXES = {
    "__dict__": "Name the attributes, or make the class a dataclass and use dataclasses.asdict(x).",
    "__annotations__": "Use dataclasses.fields(x).",
    "__wrapped__": "Keep the undecorated function under a name of its own.",
}


def _find(scan: Scan) -> Iterator[Hit]:
    harmless = {id(node.value) for name in FACTS & scan.attributes.keys() for node in scan.attributes[name]}
    for name in filter(is_dunder, scan.attributes):
        for node in scan.attributes[name]:
            if not _is_ordinary(node, harmless):
                yield Hit(node, f"'.{name}' looks inside an object", _FIXES.get(name, ""))
    for name in filter(is_dunder, scan.names):
        for used in scan.names[name]:
            if not _is_ordinary_name(used):
                yield Hit(used, f"the name {name!r} is part of the interpreter's machinery")
    for alias in scan.nodes(ast.alias):
        parts = [*alias.name.split("."), alias.asname or ""]
        if any(is_dunder(part) and part not in FACTS for part in parts) and alias.name != "__future__":
            yield Hit(alias, f"the import of {alias.name!r} names part of the interpreter's machinery")


def _is_ordinary(node: ast.Attribute, harmless: set[int]) -> bool:
    if node.attr in FACTS:
        return True
    if node.attr == "__class__":  # only as far as its name: `self.__class__.__name__`
        return id(node) in harmless and node.ctx.__class__ is ast.Load
    if node.ctx.__class__ is not ast.Load:
        return node.attr in OPERATIONS  # what may be defined in a class may be set on one
    return node.attr in CALLED or (node.attr in _ON_BASES and _is_base(node.value))


def _is_base(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="super"), args=[]):
            return True
        case ast.Call(func=ast.Name(id="super"), args=[ast.Name(), ast.Name()]):
            return True
        case ast.Name(id=name):
            return name in _BASES
    return False


def _is_ordinary_name(node: ast.Name) -> bool:
    if node.ctx.__class__ is ast.Load:
        return node.id in FACTS
    return node.id in FACTS | DECLARATIONS


RULE = Rule(
    id="dunder-attribute",
    summary="A double-underscore attribute or name is used that looks inside objects.",
    reason="__class__, __subclasses__, __globals__ and their like lead from any value to every module of the process.",
    fix="Use type(x), isinstance or the public interface; methods such as __init__ and __repr__ may be defined.",
    find=_find,
)
