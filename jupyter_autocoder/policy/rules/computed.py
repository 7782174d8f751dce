"""Attributes by a name that only the running program knows: getattr and everything like it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.names import is_public
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.rules.private import own_names
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.scopes import is_own_name

# Function -> the arguments that are names; None: all of them.
_NAMED: dict[str, slice] = {
    "getattr": slice(1, 2),
    "setattr": slice(1, 2),
    "delattr": slice(1, 2),
    "hasattr": slice(1, 2),
    "attrgetter": slice(0, None),
    "methodcaller": slice(0, 1),
    "__setattr__": slice(0, 2),
    "__delattr__": slice(0, 2),
}
_REACHING = frozenset({"vars", "globals", "locals"})


def _find(scan: Scan) -> Iterator[Hit]:
    calls = {id(call.func): call for call in scan.nodes(ast.Call)}
    for name in _NAMED.keys() & (scan.names.keys() | scan.attributes.keys()):
        for node in [*scan.names.get(name, ()), *scan.attributes.get(name, ())]:
            if isinstance(node, ast.Name) and _is_other(scan, node):
                continue
            call = calls.get(id(node))
            if call is None:
                yield Hit(node, f"'{name}' is passed around, so the names it will be given are not known")
            else:
                yield from _call(scan, name, call)
    for name in _REACHING & scan.names.keys():
        for used in scan.names[name]:
            if used.ctx.__class__ is ast.Load and not is_own_name(scan, used):
                yield Hit(used, f"'{name}' hands out all variables by name", "Use a dict of your own.")


def _is_other(scan: Scan, node: ast.Name) -> bool:
    """Say whether a name is not the function that is meant; what was imported under its name is."""
    return node.ctx.__class__ is not ast.Load or (node.id not in scan.imports and is_own_name(scan, node))


def _call(scan: Scan, name: str, call: ast.Call) -> Iterator[Hit]:
    arguments = call.args[_NAMED[name]]
    if name.startswith("__"):
        arguments = _name_of_setattr(call)
    hidden = bool(call.keywords) or any(isinstance(arg, ast.Starred) for arg in call.args)
    if name == "methodcaller":  # what follows the name goes to the method
        hidden = bool(arguments) and isinstance(arguments[0], ast.Starred)
    if hidden or not arguments:
        yield Hit(call, f"the name given to '{name}' cannot be seen")
        return
    for argument in arguments:
        yield from _argument(scan, name, argument)


def _name_of_setattr(call: ast.Call) -> list[ast.expr]:
    """``object.__setattr__(self, name, value)``, or ``super().__setattr__(name, value)``."""
    on_super = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)
    return call.args[0:1] if on_super else call.args[1:2]


def _argument(scan: Scan, function: str, argument: ast.expr) -> Iterator[Hit]:
    known = scan.once(Folder).choices(argument)
    if known is None:
        yield Hit(argument, f"the name given to '{function}' is made at run time")
        return
    for text in sorted(known):
        bad = [part for part in text.split(".") if not is_public(part) and part not in _own(scan)]
        if bad or not text:
            yield Hit(argument, f"'{function}' is given the name {text[:60]!r}")


def _own(scan: Scan) -> Iterable[str]:
    return scan.once(own_names)


RULE = Rule(
    id="computed-attribute",
    summary="An attribute is reached by a name made at run time.",
    reason="A name that the source does not show could be any, __class__ and __globals__ among them.",
    fix="Write the attribute out (x.name), or keep the values in a dict and look them up there.",
    find=_find,
)
