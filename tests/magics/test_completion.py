"""Tab completion in the magics' lines and in a sentence's backticks."""

from __future__ import annotations

import pytest

from jupyter_autocoder.magics.completion import suggest

VARIABLES = ["prices", "previous", "summary"]
MODELS = ["gpt-4o", "gpt-4-turbo", "local"]


def complete(text: str) -> tuple[str, list[str]]:
    """Complete at the end of `text`."""
    lines = text.split("\n")
    return suggest(text, len(lines) - 1, lines[-1], lambda: VARIABLES, lambda: MODELS)


@pytest.mark.parametrize(
    ("text", "fragment", "words"),
    [
        ("%%autocode --at", "--at", ["--attempts"]),
        ("%%autocode --in pr", "pr", ["previous", "prices"]),
        ("%%autocode --in summary,pri", "pri", ["prices"]),
        ("%%autocode --model gpt", "gpt", ["gpt-4-turbo", "gpt-4o"]),
        ("%autocode hi", "hi", ["history"]),
        ("%%autocode\nPlot `pri", "pri", ["prices"]),
        ("%%autocode\nPlot `prices` and `s", "s", ["summary"]),
    ],
)
def test_what_may_stand_there_is_suggested(text: str, fragment: str, words: list[str]) -> None:
    assert complete(text) == (fragment, words)


@pytest.mark.parametrize(
    "text",
    ["x = pri", "%%autocode\nPlot pri", "%%autocode\nPlot `prices` pri", "print('%%autocode --a", "%autocode code 1 x"],
)
def test_elsewhere_it_keeps_out_of_the_way(text: str) -> None:
    assert complete(text)[1] == []


def test_every_option_is_suggested_once() -> None:
    _, words = complete("%%autocode --fresh ")

    assert "--dry-run" in words
    assert "--fresh" not in words
