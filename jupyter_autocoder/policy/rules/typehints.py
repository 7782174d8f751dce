"""Annotations written as strings, which typing and functools run as code when they are asked."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.expressions import is_type
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for annotation in _annotations(scan):
        for node in ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_type(node.value):
                yield Hit(node, f"the annotation {node.value[:60]!r} is code, not a type")


def _annotations(scan: Scan) -> Iterator[ast.expr]:
    for argument in scan.nodes(ast.arg):
        if argument.annotation is not None:
            yield argument.annotation
    for function in scan.functions:
        if function.returns is not None:
            yield function.returns
    for assign in scan.nodes(ast.AnnAssign):
        yield assign.annotation


RULE = Rule(
    id="string-annotation",
    summary="A string annotation holds code.",
    reason="functools.singledispatch and typing run string annotations when they look at them.",
    fix="Write the type itself, or a string that is only a type.",
    find=_find,
)
