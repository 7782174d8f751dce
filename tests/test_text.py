"""Text: colours stay; escapes, controls and reordering go."""

from __future__ import annotations

import pytest

from jupyter_autocoder import text


@pytest.mark.parametrize(
    "same",
    [
        "plain\ttext\r\nnext\n",
        "\x1b[31mred\x1b[0m",
        "\x1b[1;38;5;196mloud\x1b[m",
        "\x1b[38;2;5;6;8mtrue colour\x1b[39;49m",
        "é ü 漢字 🎉 שלום",
        "a\u200fb",
    ],
)
def test_honest_text_stays(same: str) -> None:
    assert text.clean(same) == same


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\x", "x"),
        ("\x1b]52;c;cm0gLXJm\x07x", "x"),
        ("\x1bP+q\x1b\\x", "x"),
        ("\x1b[8mhidden\x1b[0m", "hidden\x1b[0m"),
        ("\x1b[31;8mhidden", "hidden"),
        ("\x1b[5mblink", "blink"),
        ("\x1b[?1049hx\x1b[6n", "x"),
        ("\x9b31mx", "x"),
        ("\x9d0;title\x9cx", "x"),
        ("a\x00b\x07c\x7fd\x85e", "abcde"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("x\U000e0041", "x\\ue0041"),
        ("\ud800", "\ufffd"),
        ("\x1b", ""),
    ],
)
def test_tricks_go(said: str, shown: str) -> None:
    assert text.clean(said) == shown


@pytest.mark.parametrize("value", [None, 5, ["x"], {"a": 1}])
def test_what_is_no_text_is_empty(value: object) -> None:
    assert text.clean(value) == ""


def test_long_text_is_cut_visibly() -> None:
    assert text.clean("abcdef", limit=3) == "abc…"


def test_one_line_has_no_colours_and_no_breaks() -> None:
    assert text.one_line("a\n\x1b[31mb\tc", 100) == "a b c"
