"""Figures in a sentence: share counts, money, percentages and fractions, each with the unit its next word says."""

from __future__ import annotations

import abc
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jupyter_autocoder.trade import numbers
from jupyter_autocoder.trade.symbols import Symbols, words_of

_ATOM = re.compile(r"[A-Za-z0-9]+|&")
_US_DOLLARS = re.compile(r"usd ?\d", re.IGNORECASE)
_MONEY_WORDS = frozenset(["dollar", "dollars", "buck", "bucks", "usd"])
_PERCENT_WORDS = frozenset(["percent", "pct", "percents"])


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One piece of the sentence; `others` are further readings as (kind, value), the likeliest first."""

    kind: str
    value: Any
    text: str
    start: int
    end: int
    others: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The words from one position on, with where each ends and whether it was mended."""

    words: tuple[str, ...]
    ends: tuple[int, ...]


class Figures(abc.ABC):
    """The part of the lexer that reads figures; `last` is the kind of the lexeme before."""

    def __init__(self, text: str, symbols: Symbols) -> None:
        self.text = text
        self.symbols = symbols
        self.last = "START"

    def _make(
        self, kind: str, start: int, end: int, value: Any = None, others: tuple[tuple[str, Any], ...] = ()
    ) -> Lexeme:
        return Lexeme(kind, value, self.text[start:end], start, end, others)

    @abc.abstractmethod
    def _name(self, at: int) -> Lexeme | None:
        """Read a company's name at `at`; the lexer knows how."""

    def _dollars(self, at: int) -> Lexeme | None:
        return self._number(at) if _US_DOLLARS.match(self.text, at) else None

    def _spelled(self, at: int, run: Run) -> Lexeme | None:
        number = numbers.spelled(run.words)
        if number is None:
            return self._article(at, run)
        words, count, value = run.words, number.count, number.value
        if number.part and words[count : count + 1] == ("of",) and words[count + 1 : count + 3] == ("a", "share"):
            return self._make("NUM", at, run.ends[count + 1], value)
        if number.part and words[count : count + 2] in (("a", "share"), ("an", "share")):
            return self._make("NUM", at, run.ends[count], value)
        if number.part and words[count : count + 1] in (("share",), ("shares",)) and words[count - 1] != "half":
            return self._make("NUM", at, run.ends[count - 1], value)
        if number.part and words[count : count + 1] == ("share",):
            return self._make("NUM", at, run.ends[count - 1], value)
        if number.part:
            return self._make("PART", at, run.ends[count - 1], value * 100)
        # A whole number in words has taken every scale that can belong to it.
        return self._united(at, run.ends[count - 1], value, scale=1 if value == value.to_integral_value() else 0)

    def _article(self, at: int, run: Run) -> Lexeme | None:
        """ "a share" is one share; "a" before anything else is an article."""
        if run.words[0] in ("a", "an") and self.last not in ("NUM", "MONEY"):
            if run.words[1:2] == ("share",) or run.words[1:3] in (("single", "share"), ("whole", "share")):
                return self._make("NUM", at, run.ends[0], Decimal(1))
            if run.words[1:2] == ("grand",):
                return self._make("MONEY", at, run.ends[1], Decimal(1000))
            follows = _ATOM.match(self.text, run.ends[0] + 1) if len(run.words) > 1 else None
            if follows and follows[0].isupper() and follows[0] in self.symbols and run.words[2:3] == ("share",):
                return self._make("NUM", at, run.ends[0], Decimal(1))
        return None

    def _number(self, at: int) -> Lexeme | None:
        written = numbers.written_at(self.text, at)
        if not written:
            return None
        if written.value is None:
            return self._make("VAGUE", at, written.end)
        if written.percent and written.money:
            return self._make("UNKNOWN", at, written.end)
        if written.percent:
            return self._make("PERCENT", at, written.end, written.value)
        if written.money:
            return self._scaled_money(at, written.end, written.value)
        if self.text[at : written.end].count("/") == 1:
            return self._fraction(at, written.end, written.value)
        return self._united(at, written.end, written.value)

    def _fraction(self, at: int, end: int, value: Decimal) -> Lexeme:
        share = re.compile(r" (?:of )?(?:a )?shares?\b").match(self.text, end)
        if share:
            taken = end + len(share[0]) - len(re.search(r"shares?$", share[0])[0])  # type: ignore[index]
            return self._make("NUM", at, taken, value)
        return self._make("PART", at, end, value * 100)

    def _scaled_money(self, at: int, end: int, value: Decimal) -> Lexeme:
        scale = re.compile(r" (hundred|thousand|million|billion|grand|k|usd|dollars)\b", re.IGNORECASE).match(
            self.text, end
        )
        if not scale:
            return self._make("MONEY", at, end, value)
        word = scale[1].lower()
        return self._make("MONEY", at, scale.end(), value * {**numbers.SCALES, "grand": 1000, "k": 1000}.get(word, 1))

    def _united(self, at: int, end: int, value: Decimal, *, scale: int = 0) -> Lexeme:
        """Give a plain number the unit that its next word says, if one does; `scale` is the last one it took."""
        unit = re.compile(r"[ -]?(?:us )?([A-Za-z]+)(?: cent\b)?").match(self.text, end)
        word = unit[1].lower() if unit else ""
        name = self._name(unit.start(1)) if unit else None
        if unit and name and len(words_of(name.text)) > 1:
            return self._make("NUM", at, end, value)  # "10 Dollar General": the word belongs to the company
        if unit and word in numbers.SCALES:
            size = numbers.SCALES[word]
            # "2 hundred thousand" is a number; "two hundred three hundred" is two.
            if scale and not (scale == 100 and size >= 1000):
                return self._make("VAGUE", at, unit.end(1))
            return self._united(at, unit.end(1), value * size, scale=size)
        if unit and word in _MONEY_WORDS:
            return self._make("MONEY", at, unit.end(1), value)
        if unit and word == "grand":
            return self._make("MONEY", at, unit.end(1), value * 1000)
        if unit and (word in _PERCENT_WORDS or unit[0].lower().endswith("per cent")):
            return self._make("PERCENT", at, unit.end(), value)
        if unit and word in ("cents", "cent"):
            return self._make("MONEY", at, unit.end(1), value / 100)
        return self._make("NUM", at, end, value)
