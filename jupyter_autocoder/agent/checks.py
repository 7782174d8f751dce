"""The person's own checks: asserts, doctest lines and test functions become one script that counts.

A prompt's last ``---`` line whose tail parses as Python (or as a doctest) splits off the checks. Each assert, doctest
example and ``test_*`` function at the top level counts as one check; the line of a failure tells how many passed.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import re
import textwrap
import warnings
from dataclasses import dataclass

SEPARATOR = "---"


Lines = tuple[int, int]

# What a doctest's script starts with: an expression shows its value as at the prompt. The names are ours alone, as the
# script shares its namespace with the code that it checks.
_SHOW = """\
from contextlib import redirect_stdout as _redirect_stdout
from io import StringIO as _StringIO


def _show(value):
    if value is not None:
        print(repr(value))


"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCheck:
    """A check as a person reads it, and the first and last lines of the script that belong to it.

    The last range is where it runs; a test function's body is a range before that.
    """

    label: str
    ranges: tuple[Lines, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """A script to run in the sandbox after the code; `parts` holds its checks in the order in which they run."""

    source: str = ""
    parts: tuple[OneCheck, ...] = ()

    @property
    def count(self) -> int:
        return len(self.parts)

    def failed_at(self, line: int) -> OneCheck | None:
        """Return the check that `line` belongs to, or None for a line between the checks."""
        return next((part for part in self.parts if any(first <= line <= last for first, last in part.ranges)), None)

    def passed_before(self, line: int) -> int:
        """How many checks had passed when the script failed at `line`."""
        failed = self.failed_at(line)
        if failed is not None:
            return self.parts.index(failed)
        return sum(part.ranges[-1][1] < line for part in self.parts)


def split(cell: str) -> tuple[str, str]:
    """Split a cell into the sentence and its checks; no checks is an empty text."""
    lines = cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].strip() != SEPARATOR:
            continue
        tail = "\n".join(lines[index + 1 :]).strip("\n")
        if tail.strip() and (_parse(tail) is not None or _is_doctest(tail)):
            return "\n".join(lines[:index]).strip(), tail + "\n"
        break
    return cell.strip(), ""


def compile_checks(text: str) -> Checks:
    """Turn checks as a person wrote them into one script.

    A test function is called after all else. What a doctest example shows is compared with what it should show; one
    that should show nothing is only run. Raises SyntaxError where `text` is neither Python nor a doctest.
    """
    if not text.strip():
        return Checks()
    if _parse(text) is None and _is_doctest(text):
        return _from_doctest(text)
    tree = ast.parse(text)
    if len({node.lineno for node in tree.body}) < len(tree.body):  # a line must tell which check it belongs to
        text = ast.unparse(tree)
        tree = ast.parse(text)
    source = text.rstrip("\n") + "\n"
    parts: list[OneCheck] = []
    called: list[OneCheck] = []
    for node in tree.body:
        place = _lines(node)
        if isinstance(node, ast.Assert):
            parts.append(OneCheck(label=ast.get_source_segment(text, node) or "assert", ranges=(place,)))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test") and not node.args.args:
            source += f"{node.name}()\n"
            line = source.count("\n")
            called.append(OneCheck(label=f"{node.name}()", ranges=(place, (line, line))))
    return Checks(source=source, parts=(*parts, *called))


def _lines(node: ast.stmt) -> Lines:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]), node.end_lineno or node.lineno


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
    source = _SHOW
    parts: list[OneCheck] = []
    for example in doctest.DocTestParser().get_examples(text):
        if example.options.get(doctest.SKIP):
            continue
        tree = _parse(example.source)
        if tree is None or not example.want:
            source += example.source
            continue
        first = source.count("\n") + 1
        source += _comparison(tree, example)
        parts.append(OneCheck(label=example.source.strip(), ranges=((first, source.count("\n")),)))
    return Checks(source=source, parts=tuple(parts))


def _comparison(tree: ast.Module, example: doctest.Example) -> str:
    """The statements that run an example and compare what it shows, or the class of what it raises."""
    steps = textwrap.indent(ast.unparse(_Shown().visit(tree)), "    ")
    if example.exc_msg is not None:
        wanted = example.exc_msg.partition(":")[0].strip().rpartition(".")[2]
        return (
            f"try:\n{steps}\nexcept Exception as _raised:\n    _got = type(_raised).__name__\n"
            f"else:\n    _got = 'no exception'\nassert _got == {wanted!r}, 'got ' + _got\n"
        )
    wanted = re.sub(r"(?m)^<BLANKLINE>$", "", example.want).rstrip()
    got, imports = "_got", ""
    if example.options.get(doctest.NORMALIZE_WHITESPACE):
        got, wanted = "' '.join(_got.split())", " ".join(wanted.split())
    same = f"{got} == {wanted!r}"
    if example.options.get(doctest.ELLIPSIS):
        pattern = ".*".join(map(re.escape, wanted.split("...")))
        same, imports = f"_re.fullmatch({'(?s)' + pattern!r}, {got})", "import re as _re\n"
    return (
        f"{imports}with _redirect_stdout(_StringIO()) as _printed:\n{steps}\n"
        f"_got = _printed.getvalue().rstrip()\nassert {same}, 'got ' + (_got or 'nothing')\n"
    )


class _Shown(ast.NodeTransformer):
    """Show the value of each expression statement, as Python's prompt does, but of none inside a function or class."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        return ast.Expr(ast.Call(ast.Name("_show", ast.Load()), [node.value], []))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node


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
