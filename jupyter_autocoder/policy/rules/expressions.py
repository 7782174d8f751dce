"""Strings given to libraries that run them: DataFrame.query and eval, model formulas."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.expressions import bad_part
from jupyter_autocoder.policy.folding import UNKNOWN, Folder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.rules.private import own_names
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

_PANDAS = frozenset({"eval", "query"})
_FORMULAS = words(
    "dmatrices dmatrix from_formula gee glm gls glsar logit mixedlm mnlogit negativebinomial ols phreg poisson probit "
    "quantreg rlm wls"
)


def _find(scan: Scan) -> Iterator[Hit]:
    yield from _passed_around(scan)
    formulas = any(path.startswith("statsmodels") for paths in scan.imports.values() for path in paths)
    for call in scan.nodes(ast.Call):
        name = _name(call)
        if name in _PANDAS:
            yield from _check(scan, call, name, "expr")
        elif formulas and name in _FORMULAS:
            yield from _check(scan, call, name, "formula")


def _passed_around(scan: Scan) -> Iterator[Hit]:
    """Find the methods themselves, kept or reached by name: what they will be given is not known."""
    called = {id(call.func) for call in scan.nodes(ast.Call)}
    for name in _PANDAS & scan.attributes.keys():
        for node in scan.attributes[name]:
            own = node.ctx.__class__ is not ast.Load or name in scan.once(own_names)
            if id(node) not in called and not own and not _is_other(scan, node.value):
                yield Hit(node, f"'.{name}' is passed around, so the expressions it will be given are not known")


# Libraries whose own methods of these names take points or expressions as objects.
_OTHERS = frozenset({"polars", "scipy", "sklearn"})


def _is_other(scan: Scan, node: ast.AST) -> bool:
    """Say whether an object certainly comes from a library that does not run text: ``tree = KDTree(points)``."""
    values = scan.values(node.id) if isinstance(node, ast.Name) else (node,)
    return bool(values) and all(_origin(scan, value) in _OTHERS for value in values or ())


def _origin(scan: Scan, node: ast.AST) -> str:
    """Return the library whose call, or chain of calls, makes the object."""
    while isinstance(node, ast.Call | ast.Attribute):
        paths = scan.paths(node.func if isinstance(node, ast.Call) else node)
        if paths:
            return min(paths).partition(".")[0]
        node = node.func if isinstance(node, ast.Call) else node.value
    return ""


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=attr):
            return attr
        case ast.Name(id=name) if name != "eval":  # the built-in has a rule of its own
            return name
    return ""


def _check(scan: Scan, call: ast.Call, name: str, parameter: str) -> Iterator[Hit]:
    other = isinstance(call.func, ast.Attribute) and _is_other(scan, call.func.value)
    texts = call.args[:1] or [keyword.value for keyword in call.keywords if keyword.arg in (parameter, None)]
    folder = scan.once(Folder)
    for argument in texts:
        if isinstance(argument, ast.List | ast.Tuple | ast.Dict | ast.Compare) or _is_other(scan, argument):
            continue
        choices = folder.choices(argument)
        text = folder.text(argument)
        if choices is None and (text is None or not text.replace(UNKNOWN, "").strip()):
            if not other and name not in scan.once(own_names):
                yield Hit(argument, f"the expression given to '{name}' is made at run time")
            continue
        for expression in choices or {text or ""}:
            part = bad_part(expression.replace(UNKNOWN, "0"))
            if part is not None:
                yield Hit(argument, f"the expression given to '{name}' reaches {part[:40]!r}")


RULE = Rule(
    id="expression-string",
    summary="A string that a library runs as code reaches beyond columns.",
    reason="DataFrame.query, eval and model formulas run Python of their own, out of sight of the rules for code.",
    fix="Name only columns, numbers, functions of mathematics and plain @variables; or use df[df['x'] > limit].",
    find=_find,
)
