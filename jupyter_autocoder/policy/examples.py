"""Examples in docstrings, which are code as soon as doctest is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.scan import Scan

_EXAMPLE = re.compile(r"^[ \t]*>>>(?P<first>.*)$(?P<more>(?:\n[ \t]*\.\.\.(?: .*)?$)*)", re.MULTILINE)
_MORE = re.compile(r"^[ \t]*\.\.\. ?", re.MULTILINE)


def examples(scan: Scan) -> Iterator[tuple[ast.AST, str]]:
    """Yield (the string that holds them, their code), where doctest is used; nothing otherwise."""
    if not _uses_doctest(scan):
        return
    for node in scan.nodes(ast.Constant):
        if isinstance(node.value, str) and ">>>" in node.value:
            code = [_plain(example) for example in _EXAMPLE.finditer(node.value)]
            yield node, "\n".join(code)


def made_docstrings(scan: Scan) -> Iterator[ast.AST]:
    """Yield places that give doctest its examples in a way that the source does not show."""
    if not _uses_doctest(scan):
        return
    for name in ("__doc__", "__test__"):
        for node in [*scan.names.get(name, ()), *scan.attributes.get(name, ())]:
            if node.ctx.__class__ is ast.Store:
                yield node
    for constant in scan.nodes(ast.Constant):
        if constant.value in ("__doc__", "__test__"):
            yield constant


def _uses_doctest(scan: Scan) -> bool:
    return any(path.partition(".")[0] == "doctest" for paths in scan.imports.values() for path in paths)


def _plain(example: re.Match[str]) -> str:
    return (example["first"].removeprefix(" ")) + _MORE.sub("", example["more"])
