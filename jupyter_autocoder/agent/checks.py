"""The person's own checks: asserts, doctest lines and tests become one script that counts.

A prompt's last ``---`` line whose tail parses as Python (or as a doctest) splits off the checks. At the top level each
assert, each block or call that asserts, each doctest example, test function and method of a test class counts as one
check; the line of a failure tells how many passed.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_autocoder.agent import doctests
from jupyter_autocoder.agent.cases import calls, refuse_hopeless
from jupyter_autocoder.errors import UsageError

SEPARATOR = "---"
_MEANT = re.compile(r"^(?:assert\b|(?:async )?def test|class Test)", re.MULTILINE)
_BLOCKS = ast.For | ast.AsyncFor | ast.While | ast.If | ast.With | ast.AsyncWith | ast.Try | ast.Match


Lines = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCheck:
    """A check as a person reads it, and the first and last lines of the script that belong to it.

    The last range is where it runs; a test's body is a range before that.
    """

    label: str
    ranges: tuple[Lines, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """A script to run in the sandbox after the code; `parts` holds its checks in the order in which they run.

    `origins` holds for each line of the script the line of `text`, as the person wrote it, that it stands for.
    """

    source: str = ""
    parts: tuple[OneCheck, ...] = ()
    text: str = ""
    origins: tuple[int, ...] = ()

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

    def origin(self, line: int) -> int:
        """The line of the person's text that the script's `line` stands for."""
        return self.origins[line - 1] if 0 < line <= len(self.origins) else 1


def split(cell: str) -> tuple[str, str]:
    """Split a cell into the sentence and its checks; no checks is an empty text.

    Raises UsageError where a tail that was meant as checks is no Python: in the sentence nobody would miss it.
    """
    lines = cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].strip() != SEPARATOR:
            continue
        tail = "\n".join(lines[index + 1 :]).strip("\n")
        if tail.strip() and (_parse(tail) is not None or doctests.is_doctest(tail)):
            return "\n".join(lines[:index]).strip(), tail + "\n"
        doctests.refuse_unread(tail)
        if _MEANT.search(tail):
            _refuse_uncompilable(tail)
        break
    return cell.strip(), ""


def compile_checks(text: str) -> Checks:
    """Turn checks as a person wrote them into one script.

    A test is called after all else. What a doctest example shows is compared with what it should show; one that should
    show nothing is only run. Raises UsageError where nothing would be checked or a test could not be called as it
    stands, SyntaxError where `text` is neither Python nor a doctest.
    """
    if not text.strip():
        return Checks()
    is_doctest = _parse(text) is None and doctests.is_doctest(text)
    checks = _from_doctest(text) if is_doctest else _from_python(text)
    if not checks.parts:
        why = "no doctest example says what it should show" if is_doctest else "nothing in it asserts or runs anything"
        do = "write asserts, doctest lines with their results, or test functions; or take the part after --- away"
        raise UsageError("the part after --- checks nothing", why=why, do=do)
    return checks


def free_names(source: str) -> frozenset[str]:
    """Return the names that `source` reads and neither defines, imports nor finds among the builtins.

    `source` is Python or, as checks may be, a doctest.
    """
    tree = _parse(source)
    if tree is None and doctests.is_doctest(source):
        tree = _parse("".join(example.source for example in doctests.examples(source)))
    if tree is None:
        return frozenset()
    read: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                made.add(name)
            case ast.ClassDef(name=name) | ast.arg(arg=name) | ast.MatchAs(name=str(name)):
                made.add(name)
            case ast.alias(name=name, asname=alias):
                made.add(alias or name.split(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
                made.add(name)
    return frozenset(read - made - set(dir(builtins)))


def _from_python(text: str) -> Checks:
    tree = ast.parse(text)
    _refuse_uncompilable(text)
    script = text.rstrip("\n")
    origins = list(range(1, script.count("\n") + 2))
    if len({node.lineno for node in tree.body}) < len(tree.body):  # a line must tell which check it belongs to
        script = ast.unparse(tree)
        origins = _unparsed(tree, script)
        tree = ast.parse(script)
    source = script + "\n"
    parts = _parts(tree, source, _asserts)
    for call in calls(tree):
        source += call.statement + "\n"
        origins.append(origins[call.node.lineno - 1])
        parts.append(OneCheck(label=call.label, ranges=(_lines(call.node), (len(origins), len(origins)))))
    if not parts:
        # A person's own way to check: a call, a loop, a name that must be there. It has to run without raising.
        parts = _parts(tree, source, _runs)
    return Checks(source=source, parts=tuple(parts), text=text, origins=tuple(origins))


def _unparsed(tree: ast.Module, script: str) -> list[int]:
    """The lines of `tree` that the lines of `script`, which was unparsed from it, stand for."""
    origins = [1] * (script.count("\n") + 1)
    for old, new in zip(tree.body, ast.parse(script).body, strict=True):
        (first, last), (start, end) = _lines(old), _lines(new)
        for line in range(start, end + 1):
            origins[line - 1] = min(first + line - start, last)
    return origins


def _refuse_uncompilable(script: str, *, text: str = "", above: int = 0) -> None:
    """Raise UsageError for what is no script, even where it parses, such as a `return` at the top level.

    `above` is how many lines of the person's `text` stand above `script`, where that is not all of it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(script, "<checks>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = above + (getattr(error, "lineno", None) or 1)
        why = f"line {line}: {line_of(text or script, line)}"
        what = f"the part after --- is no Python: {getattr(error, 'msg', error)}"
        raise UsageError(what, why=why, do="mend it, or take the --- away where it is no check") from None


def line_of(text: str, line: int) -> str:
    """Line `line` of `text`, counted from 1, without the blanks around it; "" where there is none."""
    lines = text.split("\n")
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def _parts(tree: ast.Module, text: str, counts: Callable[[ast.stmt], bool]) -> list[OneCheck]:
    return [OneCheck(label=_label(text, node), ranges=(_lines(node),)) for node in tree.body if counts(node)]


def _asserts(node: ast.AST) -> bool:
    """Whether running `node` asserts something: itself, in a block, or by a call like ``assert_frame_equal``."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return False
        case ast.Assert():
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))) if name.startswith("assert"):
            return True
    return any(map(_asserts, ast.iter_child_nodes(node)))


def _runs(node: ast.stmt) -> bool:
    """Whether a statement does something by itself: it defines, imports and assigns nothing."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return isinstance(node, _BLOCKS)


def _acts(node: ast.stmt) -> bool:
    """Whether a line among doctests is code rather than a word of explanation that happens to parse."""
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
    return calls or isinstance(node, _BLOCKS) or _asserts(node)


def _label(text: str, node: ast.stmt) -> str:
    return ast.get_source_segment(text, node) or "assert"


def _lines(node: ast.stmt) -> Lines:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]), node.end_lineno or node.lineno


def _from_doctest(text: str) -> Checks:
    for line in doctests.prose(text):
        tree = _parse(line)
        if _MEANT.match(line) or (tree is not None and any(map(_acts, tree.body))):
            why = f"beside the doctest lines stands {line!r}, which nothing would run"
            raise UsageError("the part after --- is half a doctest", why=why, do="write either doctest lines or Python")
    source = doctests.SHOW
    origins = [1] * source.count("\n")
    parts: list[OneCheck] = []
    for example in doctests.examples(text):
        _refuse_uncompilable(example.source, text=text, above=example.lineno)
        tree = ast.parse(example.source)
        if example.exc_msg is None:
            refuse_hopeless(tree.body)
        first, origin = len(origins) + 1, example.lineno + 1
        if example.want:
            script = doctests.comparison(tree, example)
            origins += [origin] * script.count("\n")
            parts.append(OneCheck(label=example.source.strip(), ranges=((first, len(origins)),)))
        else:
            script = example.source
            origins += range(origin, origin + script.count("\n"))
        source += script
    return Checks(source=source, parts=tuple(parts), text=text, origins=tuple(origins))


def _parse(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
