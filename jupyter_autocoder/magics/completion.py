"""Tab completion: options, variables and models in the magics' lines, variables in a sentence's backticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from jupyter_autocoder.magics import options

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

CELL, LINE = "%%autocode", "%autocode"
_VARIABLES = frozenset({"--in", "--out"})


def make_matcher(variables: Callable[[], Iterable[str]], models: Callable[[], Iterable[str]]) -> object:
    """Return a matcher for IPython's completer; the functions are asked at each completion."""

    @context_matcher()  # type: ignore[untyped-decorator,unused-ignore]
    def autocode_matcher(context: CompletionContext) -> SimpleMatcherResult:
        fragment, words = suggest(context.full_text, context.cursor_line, context.text_until_cursor, variables, models)
        return {
            "completions": [SimpleCompletion(text=word, type="magic") for word in words],
            "matched_fragment": fragment,
            # Where it knows something, nothing of Python's own completions makes sense.
            "suppress": bool(words),
        }

    return autocode_matcher


def suggest(
    text: str, line: int, before: str, variables: Callable[[], Iterable[str]], models: Callable[[], Iterable[str]]
) -> tuple[str, list[str]]:
    """Return the fragment before the cursor that is completed, and the words that may take its place.

    `text` is the whole cell, `line` the cursor's line counted from 0, `before` that line up to the cursor.
    """
    first = text.split("\n", 1)[0]
    if line == 0 and before.startswith(CELL + " "):
        return _in_options(before, variables, models)
    if line == 0 and before.startswith(LINE + " "):
        words = before.removeprefix(LINE).split(" ")
        return words[-1], _begin(words[-1], options.COMMANDS) if len(words) == 2 else []
    if first.startswith(CELL) and before.count("`") % 2 == 1:
        fragment = before.rpartition("`")[2]
        return fragment, _begin(fragment, variables())
    return "", []


def _in_options(
    before: str, variables: Callable[[], Iterable[str]], models: Callable[[], Iterable[str]]
) -> tuple[str, list[str]]:
    words = before.split(" ")
    last = words[-1]
    previous = words[-2] if len(words) > 1 else ""
    if previous in _VARIABLES:
        fragment = last.rpartition(",")[2]
        return fragment, _begin(fragment, variables())
    if previous == "--model":
        return last, _begin(last, models())
    if last.startswith("-") or not last:
        known = [name for action in options.cell_parser()._actions for name in action.option_strings]
        return last, _begin(last, [name for name in known if name.startswith("--") and name not in words[:-1]])
    return "", []


def _begin(fragment: str, words: Iterable[str]) -> list[str]:
    return sorted(word for word in words if word.startswith(fragment))
