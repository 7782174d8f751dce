"""Code made at run time: eval, exec and whatever else turns text into code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.examples import made_docstrings
from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.scopes import is_own_name

_NAMES = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "turns text into code",
    "execfile": "runs a file as code",
    "__import__": "imports by a name made at run time",
    "__build_class__": "builds classes by hand",
    "__loader__": "imports by a name made at run time",
    "breakpoint": "opens a debugger",
    "get_ipython": "hands out the notebook's own shell",
    "run_cell": "runs text as code",
}
# On any object: what the names mean is the same everywhere, and no ordinary library has another use for them.
_ATTRIBUTES = {
    "exec_module": "imports by hand",
    "find_spec": "imports by hand",
    "get_ipython": "hands out the notebook's own shell",
    "get_type_hints": "runs annotations as code",
    "import_module": "imports by a name made at run time",
    "load_module": "imports by hand",
    "run_cell": "runs text as code",
    "run_line_magic": "runs a notebook command",
    "run_cell_magic": "runs a notebook command",
    "runsource": "runs text as code",
    "runcode": "runs text as code",
    "set_next_input": "writes into the notebook",
    "system_raw": "starts a shell",
}


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("dynamic-code", ()):
        yield Hit(offence.node, f"{offence.path!r} makes or runs code at run time")
    for name in _NAMES.keys() & scan.names.keys():
        for node in scan.names[name]:
            if node.ctx.__class__ is ast.Load and not is_own_name(scan, node):
                yield Hit(node, f"'{name}' {_NAMES[name]}")
    for name in _ATTRIBUTES.keys() & scan.attributes.keys():
        for attribute in scan.attributes[name]:
            yield Hit(attribute, f"'.{name}' {_ATTRIBUTES[name]}")
    yield from _timed(scan)
    yield from _backends(scan)
    for place in made_docstrings(scan):
        yield Hit(place, "doctest would run examples that the source does not show")


def _timed(scan: Scan) -> Iterator[Hit]:
    """Find ``timeit`` of text: what it is given must be a lambda or a function of this program."""
    names = [node for name in ("timeit", "repeat") for node in scan.names.get(name, ())]
    uses = [*names, *scan.attributes.get("timeit", ()), *scan.attributes.get("repeat", ())]
    calls = {id(call.func): call for call in scan.nodes(ast.Call)}
    own = {function.name for function in scan.functions}
    for node in uses:
        if not scan.paths(node) & {"timeit.timeit", "timeit.repeat"}:
            continue
        call = calls.get(id(node))
        given = (
            [*call.args[:2], *(keyword.value for keyword in call.keywords if keyword.arg != "number")] if call else []
        )
        if not given or not all(isinstance(one, ast.Lambda) or _is_function(one, own) for one in given):
            yield Hit(node, "'timeit' runs text as code", "Give it a lambda: timeit.timeit(lambda: f(x), number=100).")


_BACKENDS = frozenset({"agg", "altair", "inline", "matplotlib", "pdf", "plotly", "svg"})


def _backends(scan: Scan) -> Iterator[Hit]:
    """Find names of plotting backends, which pandas imports as modules."""
    given = [keyword.value for keyword in scan.nodes(ast.keyword) if keyword.arg == "backend"]
    for call in scan.nodes(ast.Call):
        match call.args:
            case [ast.Constant(value="plotting.backend"), value, *_]:
                given.append(value)
    for value in given:
        known = isinstance(value, ast.Constant) and (value.value is None or str(value.value).lower() in _BACKENDS)
        if not known and any("pandas" in path for paths in scan.imports.values() for path in paths):
            yield Hit(value, "a plotting backend is imported by its name", "Use matplotlib or plotly.")


def _is_function(node: ast.expr, own: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int)  # how often
    return isinstance(node, ast.Name) and node.id in own


RULE = Rule(
    id="dynamic-code",
    summary="Text is turned into code at run time.",
    reason="What is made at run time was never checked.",
    fix="Write the code out; use ast.literal_eval or json.loads for data, "
    "and a dict of functions to choose one by name.",
    find=_find,
)
