"""Doctest lines as statements that compare what an example shows with what it should show."""

from __future__ import annotations

import ast
import doctest
import re
import textwrap

from jupyter_autocoder.errors import UsageError

# What a doctest's script starts with: an expression shows its value as at the prompt. The names are ours alone, as the
# script shares its namespace with the code that it checks.
SHOW = """\
from contextlib import redirect_stdout as _redirect_stdout
from io import StringIO as _StringIO


def _show(value):
    if value is not None:
        print(repr(value))


"""


def is_doctest(text: str) -> bool:
    """Whether `text` holds doctest examples."""
    try:
        return bool(doctest.DocTestParser().get_examples(text))
    except ValueError:
        return False


def refuse_unread(text: str) -> None:
    """Raise UsageError where `text` was meant as a doctest and cannot be read as one."""
    try:
        doctest.DocTestParser().get_examples(text)
    except ValueError as error:
        # "line 3 of the docstring for <string> lacks blank after >>>: '>>>f(2)'"
        why = str(error).replace(" of the docstring for <string>", "")
        do = "write a blank after >>> and ..., indent the lines of an example alike; or take the --- away"
        raise UsageError("the part after --- is no doctest", why=why, do=do) from None


def prose(text: str) -> list[str]:
    """The lines of `text` that are neither an example nor what one should show."""
    pieces = doctest.DocTestParser().parse(text)
    lines = [line.strip() for piece in pieces if isinstance(piece, str) for line in piece.splitlines()]
    return [line for line in lines if line]


def examples(text: str) -> list[doctest.Example]:
    """Return the examples of `text` that are to run, in their order."""
    return [one for one in doctest.DocTestParser().get_examples(text) if not one.options.get(doctest.SKIP)]


def comparison(tree: ast.Module, example: doctest.Example) -> str:
    """The statements that run an example (parsed as `tree`) and compare what it shows, or the class that it raises."""
    steps = textwrap.indent(ast.unparse(_Shown().visit(tree)), "    ")
    if example.exc_msg is not None:
        wanted = example.exc_msg.partition(":")[0].strip().rpartition(".")[2]
        return (
            f"try:\n{steps}\nexcept (Exception, SystemExit) as _raised:\n    _got = type(_raised).__name__\n"
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
