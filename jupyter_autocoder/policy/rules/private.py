"""Private attributes of things that the source did not make itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# The public interface of namedtuple, underscored only to keep the fields' names free, and IPython's display methods.
_PUBLIC = words("_asdict _fields _field_defaults _make _replace _repr_html_ _ _repr_markdown_ _repr_latex_")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name not in _PUBLIC


def own_names(scan: Scan) -> frozenset[str]:
    """Return the names that the source itself gives to attributes: in class bodies and by ``self.x = ...``."""
    names = {name for name, nodes in scan.attributes.items() for node in nodes if node.ctx.__class__ is ast.Store}
    for made in scan.nodes(ast.ClassDef):
        for part in made.body:
            match part:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.Assign(targets=targets):
                    names.update(target.id for target in targets if isinstance(target, ast.Name))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    names.add(name)
    return frozenset(names | _slots(scan))


def _slots(scan: Scan) -> frozenset[str]:
    found: set[str] = set()
    for node in scan.nodes(ast.Assign):
        if any(isinstance(target, ast.Name) and target.id == "__slots__" for target in node.targets):
            found |= {part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)}  # type: ignore[misc]
    return frozenset(found)


def _find(scan: Scan) -> Iterator[Hit]:
    for name in filter(_is_private, scan.attributes):
        own = name in scan.once(own_names)
        for node in scan.attributes[name]:
            if not own or scan.paths(node):
                yield Hit(node, f"'.{name}' is private")
    for origin in scan.nodes(ast.ImportFrom):
        for alias in origin.names:
            if _is_private(alias.name):
                yield Hit(alias, f"{origin.module}.{alias.name} is private")
    for imported in scan.nodes(ast.Import):
        for alias in imported.names:
            if any(map(_is_private, alias.name.split("."))):
                yield Hit(alias, f"{alias.name} is private")


RULE = Rule(
    id="private-attribute",
    summary="A private attribute or member of another's object is used.",
    reason="Private parts of libraries lead to their modules and internals, and change without notice.",
    fix="Use the public interface; attributes that your own classes define may begin with an underscore.",
    find=_find,
)
