"""Questions about the account and the market: answered by reading, so a whole match is all they need.

The ways to ask stand in ``data/queries.toml``.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.terms import Query

# Words of a question that are tickers as well; in lower case they are the words.
_OWN_WORDS = frozenset({"bid", "cost", "ask", "low", "high", "open", "value", "worth", "balance", "cash"})
_WITH_PERIOD = frozenset({Query.PNL, Query.FILLS, Query.ORDERS})
_TIME_ALLOWED = _WITH_PERIOD | {Query.MARKET_CLOCK, Query.QUOTE, Query.POSITIONS, Query.BALANCE}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was understood; `lexeme` is the symbol's, to be resolved by the caller."""

    query: Query
    lexeme: Lexeme | None = None
    order_id: str | None = None
    period: str | None = None


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("data/queries.toml").read_text("utf-8"))


@functools.cache
def _forms() -> tuple[tuple[Query, re.Pattern[str]], ...]:
    tables = _data()["forms"]
    return tuple((Query(table["query"]), re.compile(_whole(form))) for table in tables for form in table["patterns"])


def _whole(form: str) -> str:
    """Put the parts in; the name of a group may stand only once in a pattern, so repeats are numbered."""
    for key, part in _data()["parts"].items():
        for number in range(form.count("{" + key + "}")):
            form = form.replace("{" + key + "}", part.replace(f"?P<{_group(part)}>", f"?P<{key}{number}>"), 1)
    return form


def _group(part: str) -> str:
    found = re.search(r"\?P<(\w+)>", part)
    return found[1] if found else ""


@functools.cache
def _tails() -> re.Pattern[str]:
    return re.compile(f"(?: (?:{'|'.join(_data()['tails'])}))+$")


@functools.cache
def _periods() -> re.Pattern[str]:
    names = "|".join(_data()["periods"])
    return re.compile(rf"\b(?:(?:for|over|during|in|from|since|of)? ?(?:the )?)?(?P<period>{names})\b")


def asked(lexemes: Sequence[Lexeme]) -> Asked | None:
    """Return the query that the whole text asks, or None."""
    words = _tails().sub("", _words(lexemes))
    for candidate, period in _with_and_without_period(words):
        for query, form in _forms():
            found = form.fullmatch(candidate)
            if found and (period is None or query in _TIME_ALLOWED):
                return _answer(query, found, period, lexemes)
    return None


def _with_and_without_period(words: str) -> list[tuple[str, str | None]]:
    found = _periods().search(words)
    if not found:
        return [(words, None)]
    rest = " ".join((words[: found.start()] + " " + words[found.end() :]).split())
    return [(words, None), (_tails().sub("", rest), _data()["periods"][found["period"]])]


def _answer(query: Query, found: re.Match[str], period: str | None, lexemes: Sequence[Lexeme]) -> Asked:
    groups = [value for value in found.groupdict().values() if value]
    symbol = next((lexemes[int(value[1:])] for value in groups if value[0] == "§"), None)
    order = next((lexemes[int(value[1:])].value for value in groups if value[0] == "¤"), None)
    return Asked(query, symbol, order, period if query in _WITH_PERIOD else None)


def _words(lexemes: Sequence[Lexeme]) -> str:
    """The sentence in lower case with symbols and order ids numbered and punctuation gone."""
    pieces = []
    for index, lexeme in enumerate(lexemes):
        if lexeme.kind == "ORDER_ID":
            pieces.append(f"¤{index}")
        elif lexeme.text not in _OWN_WORDS and _names_a_company(lexeme, index):
            pieces.append(f"§{index}")
        else:
            pieces.append(re.sub(r"[^a-z0-9&%/ ]", " ", lexeme.text.lower().replace("-", " ")))
    return " ".join(" ".join(pieces).split())


def _names_a_company(lexeme: Lexeme, index: int) -> bool:
    if lexeme.kind == "SYMBOL" or (lexeme.kind == "AMBIGUOUS" and len(lexeme.value) > 1):
        return True
    # "What is the price of Telsa": a misspelt name in its place, to be asked about.
    guess = lexeme.kind == "UNKNOWN_SYMBOL" or (lexeme.kind == "UNKNOWN" and lexeme.text.isalpha())
    return guess and lexeme.text[0].isupper() and index > 1 and len(lexeme.text) > 2
