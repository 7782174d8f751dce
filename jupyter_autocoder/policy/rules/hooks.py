"""Methods that the interpreter calls behind the program's back."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.names import DECLARATIONS, FACTS, OPERATIONS, is_dunder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

# Known, and refused for a reason of their own; every other unknown method is refused for being unknown.
_REASONS = {
    "__del__": "runs at a time nobody knows, after the run that was checked",
    "__getattribute__": "decides what every attribute means",
    "__getstate__": "is called by pickle",
    "__mro_entries__": "replaces base classes",
    "__prepare__": "replaces the namespace of classes",
    "__reduce__": "is called by pickle and names a function to run",
    "__reduce_ex__": "is called by pickle and names a function to run",
    "__setstate__": "is called by pickle",
    "__instancecheck__": "decides what isinstance means",
    "__subclasscheck__": "decides what issubclass means",
    "__subclasshook__": "decides what issubclass means",
    "_ipython_display_": "speaks to the notebook instead of returning a value",
    "_ipython_canary_method_should_not_exist_": "speaks to the notebook",
    "_repr_javascript_": "is script for the person's browser",
    "_repr_mimebundle_": "chooses what kind of output the browser gets",
}


def _find(scan: Scan) -> Iterator[Hit]:
    for node in scan.functions:
        if node.name in _REASONS:
            yield Hit(node, f"'{node.name}' {_REASONS[node.name]}")
        elif is_dunder(node.name) and node.name not in OPERATIONS:
            yield Hit(node, f"'{node.name}' is no method that programs define")
    for made in scan.nodes(ast.ClassDef):
        if is_dunder(made.name):
            yield Hit(made, f"the class name {made.name!r} is reserved")
    yield from _made_by_type(scan)
    allowed = OPERATIONS | DECLARATIONS | FACTS
    for argument in scan.nodes(ast.arg):
        if is_dunder(argument.arg):
            yield Hit(argument, f"the parameter name {argument.arg!r} is reserved")
    for keyword in scan.nodes(ast.keyword):
        if keyword.arg and is_dunder(keyword.arg) and keyword.arg not in allowed:
            yield Hit(keyword, f"the argument name {keyword.arg!r} is reserved")


def _made_by_type(scan: Scan) -> Iterator[Hit]:
    """Find ``type(name, bases, namespace)`` whose namespace the source does not show."""
    if "type" not in scan.names:
        return
    for call in scan.nodes(ast.Call):
        match call:
            case ast.Call(func=ast.Name(id="type"), args=[_, _, ast.Dict(keys=keys), *_]):
                if not all(isinstance(key, ast.Constant) for key in keys):
                    yield Hit(call, "a class is made of names that the source does not show")
            case ast.Call(func=ast.Name(id="type"), args=[_, _, _, *_]):
                yield Hit(call, "a class is made of names that the source does not show")
            case ast.Call(func=ast.Name(id="type"), args=args) if any(isinstance(arg, ast.Starred) for arg in args):
                yield Hit(call, "a class is made of names that the source does not show")


RULE = Rule(
    id="hook-method",
    summary="A method is defined that the interpreter calls behind the program's back.",
    reason="__del__, __reduce__ and their like run at other times and for others than the code says.",
    fix="Use ordinary methods; a context manager (__enter__, __exit__) for cleaning up.",
    find=_find,
)
