"""Formats that run code when they are loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# On any object and as plain names: pandas, polars, statsmodels and others pickle under these names.
_NAMES = words(
    "HDFStore PyExtensionType deserialize from_pickle load_pickle loads_pickle read_gpickle read_hdf read_pickle "
    "remove_data save_pickle to_hdf to_pickle"
)


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("unpickling", ()):
        yield Hit(offence.node, f"{offence.path!r} runs code hidden in data")
    for name in _NAMES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' uses pickles, which run code hidden in data")
    for node in scan.attributes.get("load", ()):
        if any(path.startswith("statsmodels.") and ".datasets." not in path for path in scan.paths(node)):
            yield Hit(node, "'.load' of statsmodels uses pickles, which run code hidden in data")
    for keyword in scan.nodes(ast.keyword):
        if keyword.arg == "allow_pickle" and not _is_false(keyword.value):
            yield Hit(keyword.value, "'allow_pickle' lets data run code")
    for call in scan.nodes(ast.Call):
        yield from _numpy_load(scan, call)


def _numpy_load(scan: Scan, call: ast.Call) -> Iterator[Hit]:
    """``numpy.load(file, mmap_mode, allow_pickle)`` also takes the switch by place, or out of a dict."""
    function, arguments = call.func, call.args
    if arguments and "functools.partial" in scan.paths(function):
        function, arguments = arguments[0], arguments[1:]
    if not {"numpy.load", "numpy.lib.format.read_array", "numpy.lib.format.open_memmap"} & scan.paths(function):
        return
    by_place = len(arguments) > 2 and not _is_false(arguments[2])
    hidden = any(isinstance(arg, ast.Starred) for arg in call.args) or any(k.arg is None for k in call.keywords)
    if by_place or hidden:
        yield Hit(call, "'allow_pickle' may be given to numpy.load")


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


RULE = Rule(
    id="unpickling",
    summary="A format is used that runs code when it is loaded.",
    reason="Loading pickled data executes whatever its author put into it.",
    fix="Use CSV, JSON, Parquet or .npy: DataFrame.to_parquet, json.dump, numpy.load without allow_pickle.",
    find=_find,
)
