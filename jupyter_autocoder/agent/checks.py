"""The person's own checks: asserts, doctest lines and test functions become one script that counts.

A prompt's last ``---`` line whose tail parses as Python (or as a doctest) splits off the checks. Each assert, doctest
example and ``test_*`` function at the top level counts as one check; the line of a failure tells how many passed.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import warnings
from dataclasses import dataclass

SEPARATOR = "---"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """A script to run in the sandbox after the code; `lines` holds the script's first line of each check, in order."""

    source: str = ""
    lines: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.lines)

    def passed_before(self, line: int) -> int:
        """How many checks had passed when the script failed at `line`."""
        return max(sum(start <= line for start in self.lines) - 1, 0)


def split(cell: str) -> tuple[str, str]:
    """Split a cell into the sentence and its checks; no checks is an empty text."""
    lines = cell.splitlines()
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].strip() != SEPARATOR:
            continue
        tail = "\n".join(lines[index + 1 :]).strip("\n")
        if tail.strip() and (_is_doctest(tail) or _parse(tail) is not None):
            return "\n".join(lines[:index]).strip(), tail + "\n"
        break
    return cell.strip(), ""


def compile_checks(text: str) -> Checks:
    """Turn checks as a person wrote them into one script.

    A doctest example that is an expression becomes a comparison of its repr with the expected text; a test function is
    called after its definition. Raises SyntaxError where `text` is neither Python nor a doctest.
    """
    if not text.strip():
        return Checks()
    if _is_doctest(text):
        return _from_doctest(text)
    tree = ast.parse(text)
    source, lines, labels = text.rstrip("\n") + "\n", [], []
    calls: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Assert):
            lines.append(node.lineno)
            labels.append(ast.get_source_segment(text, node) or "assert")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test") and not node.args.args:
            calls.append(node.name)
    for name in calls:
        source += f"{name}()\n"
        lines.append(source.count("\n"))
        labels.append(f"{name}()")
    return Checks(source=source, lines=tuple(lines), labels=tuple(labels))


def free_names(source: str) -> frozenset[str]:
    """Return the names that `source` reads and neither defines, imports nor finds among the builtins."""
    tree = _parse(source)
    if tree is None:
        return frozenset()
    read: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                made.add(name)
            case ast.alias(name=name, asname=alias):
                made.add(alias or name.split(".")[0])
            case ast.ExceptHandler(name=str(name)):
                made.add(name)
    return frozenset(read - made - set(dir(builtins)))


def _from_doctest(text: str) -> Checks:
    source, lines, labels = "", [], []
    for example in doctest.DocTestParser().get_examples(text):
        line = source.count("\n") + 1
        tree = _parse(example.source)
        if example.want and tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
            got = example.source.strip()
            source += f"assert repr({got}) == {example.want.strip()!r}, f'got {{repr({got})}}'\n"
            lines.append(line)
            labels.append(example.source.strip())
        else:
            source += example.source
    return Checks(source=source, lines=tuple(lines), labels=tuple(labels))


def _is_doctest(text: str) -> bool:
    try:
        return bool(doctest.DocTestParser().get_examples(text))
    except ValueError:
        return False


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
