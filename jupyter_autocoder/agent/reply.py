"""Find the code in a model's answer."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

# A fence is three or more backticks or tildes at the start of a line; the same run, or a longer one, closes it, and as
# many spaces as stand before it go from each line of its block (CommonMark 0.31, section 4.5). In a list it stands
# deeper: how deep is not asked, since only prose is read here.
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\s`{]*)[^\n]*$", re.MULTILINE)
_PYTHON = frozenset({"python", "py", "python3", "py3", "ipython", "ipython3", "python-code"})
# Fences without a language, or with one that only says "this is text to read".
_UNNAMED = frozenset({"", "code"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Either `source`, or `problem`: one sentence that says why there is none, fit for the model and the person."""

    source: str = ""
    problem: str = ""


def read(answer: str) -> Reply:
    """Return the Python source of `answer`: its Python fences in order, or the whole text when that is Python."""
    answer = answer.replace("\r\n", "\n").replace("\r", "\n")
    if _is_program(answer):
        return Reply(source=answer.strip("\n") + "\n")
    blocks = _blocks(answer)
    python = [body for language, body in blocks if language in _PYTHON]
    if not python:
        python = [body for language, body in blocks if language in _UNNAMED and _parses(body)]
    if python:
        source = "\n\n".join(body.strip("\n") for body in python).strip("\n")
        return Reply(source=source + "\n") if source.strip() else Reply(problem="the answer's code block is empty")
    if blocks:
        language = next((name for name, _ in blocks if name), "another language")
        return Reply(problem=f"the answer is written in {language}, not in Python")
    return Reply(problem="the answer holds no code block" if answer.strip() else "the answer is empty")


def _blocks(text: str) -> list[tuple[str, str]]:
    blocks: list[tuple[str, str]] = []
    position = 0
    while opening := _FENCE.search(text, position):
        fence, indent = opening["fence"], len(opening["indent"])
        closing = re.compile(rf"^ {{0,{max(indent, 3)}}}{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE).search(
            text, opening.end()
        )
        # An answer that was cut off has no closing fence: what came is still the code, and the checker judges it.
        body = text[opening.end() : closing.start() if closing else len(text)]
        blocks.append((opening["language"].lower(), re.sub(rf"(?m)^ {{1,{indent}}}", "", body) if indent else body))
        if closing is None:
            break
        position = closing.end()
    return blocks


def _parses(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _is_program(text: str) -> bool:
    """Tell Python from prose: "Sorry." and "OK" parse too, so a program needs more than bare names and numbers."""
    if not text.strip() or not _parses(text):
        return False
    return any(
        not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call | ast.BinOp | ast.Subscript)
        for node in ast.parse(text).body
    )
