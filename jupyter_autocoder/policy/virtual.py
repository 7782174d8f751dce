"""Attributes that are reached without a dot: by getattr, by patterns, by pandas methods that take names of methods.

They are added to the scan as if they had been written out, so every rule about attributes sees them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.scan import Scan

_BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr"})
_GETTERS = frozenset({"attrgetter", "methodcaller"})
_METHODS_BY_NAME = frozenset({"agg", "aggregate", "apply", "transform"})


def add_virtual_attributes(scan: Scan) -> None:
    """Extend ``scan.attributes``."""
    for base, name, place in [*_by_calls(scan), *_by_patterns(scan)]:
        attribute = ast.copy_location(ast.Attribute(value=base, attr=name, ctx=ast.Load()), place)
        scan.attributes.setdefault(name, []).append(attribute)


def _by_calls(scan: Scan) -> Iterator[tuple[ast.expr, str, ast.AST]]:
    used = (_BY_NAME | _GETTERS | _METHODS_BY_NAME) & (scan.names.keys() | scan.attributes.keys())
    folder = scan.once(Folder)
    for call in scan.nodes(ast.Call) if used else ():
        function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if function in used:
            for base, name in _reached(folder, function, call):
                yield base, name, call


def _reached(folder: Folder, function: str, call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    if function in _BY_NAME and len(call.args) > 1:
        yield from ((call.args[0], text) for text in folder.choices(call.args[1]) or ())
    elif function in _GETTERS:
        for argument in call.args[:1] if function == "methodcaller" else call.args:
            for text in folder.choices(argument) or ():
                yield from ((ast.Constant(value=None), part) for part in text.split("."))
    elif function in _METHODS_BY_NAME and isinstance(call.func, ast.Attribute):
        for part in ast.walk(call.args[0]) if call.args else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield call.func.value, part.value


def _by_patterns(scan: Scan) -> Iterator[tuple[ast.expr, str, ast.AST]]:
    for pattern in scan.nodes(ast.MatchClass):
        for name in pattern.kwd_attrs:
            yield ast.Constant(value=None), name, pattern
