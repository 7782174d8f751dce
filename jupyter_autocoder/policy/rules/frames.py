"""Attributes of frames, tracebacks, generators and exceptions that hand out other objects."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.names import FRAMES
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.rules.private import own_names
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for name in FRAMES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' leads to the interpreter's frames and classes")
    yield from _objects(scan)


def _objects(scan: Scan) -> Iterator[Hit]:
    """Find ``.obj``: AttributeError and NameError hand out the object that was asked, a module perhaps."""
    caught = {handler.name for handler in scan.nodes(ast.ExceptHandler)}
    for node in scan.attributes.get("obj", ()):
        own = "obj" in scan.once(own_names) and isinstance(node.value, ast.Name) and node.value.id not in caught
        if not own:
            yield Hit(node, "'.obj' of an exception hands out the object that was asked")


RULE = Rule(
    id="frame-attribute",
    summary="Frames, tracebacks or an exception's objects are used.",
    reason="A frame holds every variable around it, its own globals and the built-ins among them.",
    fix="Use traceback.format_exc() for the text of an exception, and arguments and return values for data.",
    find=_find,
)
