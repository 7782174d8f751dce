"""Modules of which only some members are open, such as `os` and `sys`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.judging import is_partly_open, offences
from jupyter_autocoder.policy.modules import MODULES
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

# What the paths of modules end with: `path` of `os.path`.
_LAST_PARTS = frozenset(module.rpartition(".")[2] for module in MODULES if is_partly_open(module))


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("module-member", ()):
        module = offence.path.rpartition(".")[0]
        yield Hit(offence.node, f"{offence.path!r} is not among what may be used of {module!r}", _open(module))
    yield from _loose(scan)


def _loose(scan: Scan) -> Iterator[Hit]:
    """Find partly open modules that go where their members cannot be followed: ``f(os)``."""
    if not any(is_partly_open(path) for paths in scan.imports.values() for path in paths):
        return
    held = {id(node.value) for nodes in scan.attributes.values() for node in nodes}
    held |= {id(node.value) for node in _followed(scan)}
    for node in _partly_open(scan):
        if id(node) not in held and node.ctx.__class__ is ast.Load:
            for path in scan.paths(node) - scan.extra_imports:
                if is_partly_open(path):
                    yield Hit(node, f"the module {path!r} is passed around as a value", "Use its members by name.")


def _partly_open(scan: Scan) -> Iterator[ast.Name | ast.Attribute]:
    """Yield the uses of names that may stand for such a module; all uses of one name stand for the same."""
    for named in scan.names.values():
        if any(map(is_partly_open, scan.paths(named[0]))):
            yield from named
    for last in _LAST_PARTS & scan.attributes.keys():
        yield from scan.attributes[last]


def _followed(scan: Scan) -> Iterator[ast.Assign]:
    """Yield assignments after which the module is still known by a name; in a class it becomes an attribute."""
    in_classes = {id(part) for made in scan.nodes(ast.ClassDef) for part in made.body}
    for node in scan.nodes(ast.Assign):
        plain = all(isinstance(target, ast.Name) and scan.is_followed(target) for target in node.targets)
        if plain and id(node) not in in_classes:
            yield node


def _open(module: str) -> str:
    names = sorted(MODULES.get(module) or ())
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Do without it, or use what is open there: {shown}." if names else ""


RULE = Rule(
    id="module-member",
    summary="A member of a partly open module is used that is not open.",
    reason="Modules such as os and sys hold harmless facts beside ways out of the program.",
    fix="Do without that member.",
    find=_find,
)
