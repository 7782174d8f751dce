"""A sentence made comparable, and the characters in it that deceive.

What looks like AAPL must be AAPL: letters of other alphabets that imitate Latin ones, characters without width and
those that turn the writing direction are never cleaned away silently; they are found, and the reading asks back.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 1000  # characters; a command is a sentence or two, and a page is not a command
# Typographic quotation marks and dashes by code point, since most of them look alike.
_SINGLE = "\u2018\u2019\u201b\u02bc"
_DOUBLE = "\u201c\u201d\u201e\u00ab\u00bb"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SPACES = "\u00a0\u202f\u2009"
_FRACTIONS = {"\u00bd": " 1/2 ", "\u00bc": " 1/4 ", "\u00be": " 3/4 ", "\u2153": " 1/3 ", "\u2154": " 2/3 "}
_ELLIPSIS, _TIMES, _BULLET = "\u2026", "\u00d7", "\u2022"
_TYPOGRAPHY = frozenset(_SINGLE + _DOUBLE + _DASHES + _SPACES + "".join(_FRACTIONS) + _ELLIPSIS + _TIMES + _BULLET)
# "Tesla's stock price" is about Tesla; in other places "McDonald's" keeps its s.
_OWNER = re.compile(r"(?<=[A-Za-z])'s\b(?= (?:current |latest |last |stock |share |market )*(?:price|quote|value)\b)")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_PLAIN_CHARACTER = re.compile(r"[A-Za-z0-9]")
_PLAIN = str.maketrans(
    dict.fromkeys(_SINGLE, "'")
    | dict.fromkeys(_DOUBLE, '"')
    | dict.fromkeys(_DASHES, "-")
    | _FRACTIONS
    | {_ELLIPSIS: "..."}
)


@dataclass(frozen=True, slots=True)
class Clean:
    """`text` is ready for the lexer: one kind of quote and dash, no apostrophes; `problem` names what deceives."""

    text: str
    problem: str | None = None


def on_one_line(text: str) -> str:
    """Somebody else's text as a card may show it: no line ends, and nothing that is unseen or turns the direction."""
    plain = "".join(char if unicodedata.category(char) not in _UNSEEN else " " for char in text)
    return " ".join(plain.split())


def cleaned(raw: str) -> Clean:
    """Normalise a sentence, or say what kind of character stands against reading it."""
    problem = _problem(raw)
    if problem:
        return Clean(raw, problem)
    text = raw.translate(_PLAIN)
    text = unicodedata.normalize("NFKC", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = re.sub(r"(?<=\d)'s\b", "", _OWNER.sub("", text))  # "order 12's limit"
    text = re.sub(r"'(?=til\b|till\b)", "", text)
    text = re.sub(r" {2,}", " ", text)
    if text.count("'") == 1:
        text = re.sub(r"(?<=s)'(?= )", "", text)  # "fifty dollars' worth"
    return Clean("".join(c for i, c in enumerate(text) if not _is_apostrophe(text, i)).strip())


def _is_apostrophe(text: str, at: int) -> bool:
    """Whether the mark at `at` stands inside a word ("don't") or ends a plural; a quotation mark does neither."""
    return text[at] == "'" and 0 < at < len(text) - 1 and text[at - 1].isalpha() and text[at + 1].isalpha()


def _problem(raw: str) -> str | None:
    foreign_letters = latin_letters = False
    for char in raw:
        if char.isascii() or char in _TYPOGRAPHY:
            if unicodedata.category(char) == "Cc" and char not in "\n\r\t":
                return "control_character"
            latin_letters = latin_letters or char.isalpha()
            continue
        category = unicodedata.category(char)
        if category in ("Cf", "Cc", "Co", "Cs", "Cn") or category.startswith("M"):
            return "hidden_character"
        if _PLAIN_CHARACTER.search(unicodedata.normalize("NFKC", char)):
            return "lookalike_character"  # full-width, circled and mathematical letters and digits
        if category[0] in "LN":
            foreign_letters = foreign_letters or not unicodedata.name(char, "").startswith("LATIN")
    if foreign_letters:
        return "lookalike_character" if latin_letters else "unsupported_language"
    return None
