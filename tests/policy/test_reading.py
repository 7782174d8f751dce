"""What cannot be read is refused by a rule that says why, at its place."""

from __future__ import annotations

import pytest

from jupyter_autocoder.policy import check

FIRES = {
    "syntax": {
        "broken": "def f(:",
        "unclosed": "x = (1",
        "indentation": "if x:\npass",
        "python 2": "print 'x'",
        "number": "x = 0123",
        "digits": "x = " + "9" * 5000,  # Python's own limit for decimal numbers
        "byte order mark": "\ufeffx = 1",  # a reader of files takes it away
    },
    "magic": {
        "line": "%matplotlib inline",
        "cell": "%%bash\nls",
        "shell": "!ls",
        "assigned": "x = !ls",
        "assigned magic": "x = %sx ls",
        "help": "?print",
        "help after": "print?",
        "further down": "x = 1\n!pip install y",
        "indented": "if x:\n    !ls",
    },
    "encoding": {
        "lone surrogate": "x = '\ud800'",
        "utf-7": "# -*- coding: utf-7 -*-\nx = 1",
        "second line": "#!x\n# coding: utf_16",
        "vim": "# vim: set fileencoding=rot13 :",
    },
    "hidden-characters": {
        "nul": "x = 1\0",
        "override": "x = '\u202e'",
        "isolate in a comment": "# \u2067 x",
        "control character": "x = 1 \x01",
        "escape in a comment": "# \x1b[2K\x1b[1A harmless",
        "escape in a text": "x = '\x1b]52;c;eA==\x07'",
        "backspace": "x = 1  # \b\b\b",
        "vertical tab in a comment": "# a\x0bx = 1",
        "delete": "x = '\x7f'",
        "one character for an escape": "x = '\x9b2J'",
        "next line": "# a\x85import os",
    },
    "too-large": {
        "characters": "x = '" + "a" * 400_000 + "'",
        "tokens": "a;" * 16_000,
        "nesting": "-" * 100_000 + "1",
        "long sum": "x = " + "+".join(["a"] * 14_000),
        "long chain": "a" + ".b" * 14_000,
    },
}
SILENT = {
    "empty": "",
    "comment": "# nothing",
    "form feed": "\fx = 1",
    "carriage returns": "x = 1\r\ny = 2\r\n",
    "invalid escape": "x = '\\d'",
    "modulo": "x = 5 % a",
    "percent in a text": "x = '%matplotlib'",
    "not equal": "x != 1",
    "utf-8": "# -*- coding: utf-8 -*-\nx = 'é'",
    "latin-1": "# coding: latin-1\nx = 1",
    "third line": "\n\n# coding: utf-7",
    "escaped surrogate": "x = '\\ud800'",
    "escaped override": "x = '\\u202e'",
    "escaped escape": "x = '\\x1b[31mred\\033[0m'",
    "tabs": "if x:\n\ty = 'a\tb'  #\tc",
    "form feed in a text": "x = 'a\fb'",
    "no-break space in a text": "x = 'a\xa0b'",
    "zero-width joiner": "x = '\U0001f469\u200d\U0001f467'",
    "long text": "x = '" + "a b " * 5_000 + "'",
    "many lines": "x = 1\n" * 3_000,
    "brackets": "(" * 60 + "1" + ")" * 60,
}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        pytest.param(rule, source, id=f"{rule}-{name}")
        for rule, cases in FIRES.items()
        for name, source in cases.items()
    ],
)
def test_what_cannot_be_read_is_refused(rule: str, source: str) -> None:
    verdict = check(source)

    assert [finding.rule for finding in verdict.findings] == [rule]
    assert verdict.findings[0].message.isprintable()


@pytest.mark.parametrize("source", SILENT.values(), ids=SILENT.keys())
def test_odd_but_valid_text_is_read(source: str) -> None:
    assert check(source).findings == ()


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [
        ("x = 1\ny = '\ud800'", 2, 5),
        ("x = 1\ny = '\u202e'", 2, 5),
        ("x = 1\n\n!ls", 3, 0),
        ("#!\n# coding: utf-7", 2, 0),
    ],
)
def test_the_place_is_named(source: str, line: int, column: int) -> None:
    (finding,) = check(source).findings

    assert (finding.line, finding.column) == (line, column)
