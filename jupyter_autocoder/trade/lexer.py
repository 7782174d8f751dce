"""A sentence becomes terminals of the grammar: phrases, numbers, symbols, joints.

A word may be two things: "ALL" is a quantity and Allstate. Such a lexeme carries its readings in the order of
likelihood, and the reader tries them; two that both make sense are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_autocoder.trade import numbers, vocabulary
from jupyter_autocoder.trade.figures import Figures, Lexeme, Run
from jupyter_autocoder.trade.segments import ORDER_VERBS
from jupyter_autocoder.trade.symbols import LONGEST_NAME, SUFFIXES, Symbols, ordinary, words_of

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_ATOM = re.compile(r"[A-Za-z0-9]+|&")
_SOFT_GAP = re.compile(r"[ -]+")
_PAIR = re.compile(r"\$?([A-Za-z]{2,5})[/-]([A-Za-z]{3,4})(?![A-Za-z0-9])")
_CLASS = re.compile(r"\$?([A-Za-z]{1,5})[./ -]([A-Za-z]{1,2})(?![A-Za-z0-9.])")
_CASHTAG = re.compile(r"\$([A-Za-z]{1,6})(?![A-Za-z0-9])")
_ORDER_ID = re.compile(r"#?\s?((?=[A-Za-z0-9-]*\d)[A-Za-z0-9][A-Za-z0-9_-]*)(?![A-Za-z0-9])")
_ORDER_ID_WORDS = re.compile(
    r"(?:orders?|ticket|trade)(?: (?:id|number|no\.?|num))?:? ?(?=#|[A-Za-z0-9-]*\d)", re.IGNORECASE
)
_FIGURES = frozenset(["NUM", "MONEY", "PERCENT", "PART"])
_BEHIND_POINT = re.compile(r"[.,]*[$+]?\d")
_BEHIND_MINUS = re.compile(r"[- ]*[$.]?\d")
_PROFIT = re.compile(r"p ?[&/] ?l\b", re.IGNORECASE)
_LEGAL = "inc|incorporated|corp|corporation|co|company|ltd|limited|plc"
# ", Inc." belongs to the name before it; its full stop too, unless a sentence follows.
_SUFFIX = re.compile(rf"(?:(?:,? (?:{_LEGAL})\b| & co\b)(?:\.(?! [A-Z])|\.(?=\s*$))?)+", re.IGNORECASE)
_COINS = frozenset(
    [
        "BTC",
        "ETH",
        "SOL",
        "DOGE",
        "LTC",
        "BCH",
        "LINK",
        "AVAX",
        "DOT",
        "UNI",
        "AAVE",
        "SHIB",
        "XRP",
        "ADA",
        "MKR",
        "GRT",
        "CRV",
        "BAT",
        "XTZ",
        "YFI",
        "SUSHI",
        "PEPE",
        "TRUMP",
    ]
)
# Only such sentences name orders by number; "place an order 10 AAPL" does not.
_MANAGES = re.compile(
    r"\W*(?:(?:please|can you|could you|hey|ok|okay|so|and|now|just|i want to|id like to) )*"
    r"(?:cancel|cancle|kill|scrap|change|modify|amend|update|replace|move|raise|lower|edit|delete|remove|withdraw|pull|void|"
    r"revoke|increase|decrease|reduce|set|make|what|whats|did|has|have|is|was|are|status|show|check|where|wheres|how|hows|"
    r"get|give|tell|display|track|state|confirm|order #?\d+ status)\b",
    re.IGNORECASE,
)
# Kinds after which a ticker is expected, so that a word in capitals is one even where it is a keyword as well.
_SLOT = frozenset(["NUM", "MONEY", "PERCENT", "PART", "SHARES", "OF", "MY", "HALVE"])
_FUNCTION_WORDS = frozenset(
    [
        "OF",
        "FOR",
        "AT",
        "IN",
        "TO",
        "SHARE",
        "SHARES",
        "THE",
        "MY",
        "AND",
        "WITH",
        "OR",
        "DAY",
        "GTC",
        "IOC",
        "FOK",
        "USD",
    ]
)


def lex(text: str, symbols: Symbols) -> list[Lexeme]:
    """Turn a cleaned sentence into lexemes; what it cannot place is of kind ``UNKNOWN``."""
    return list(_Lexer(text, symbols).run())


class _Lexer(Figures):
    def __init__(self, text: str, symbols: Symbols) -> None:
        super().__init__(text, symbols)
        self.shouting = not re.search(r"[a-z]", text)
        self.managing = bool(_MANAGES.match(text))

    def run(self) -> Iterator[Lexeme]:
        at = 0
        while at < len(self.text):
            if self.text[at] == " ":
                at += 1
                continue
            lexeme = self._next(at)
            at = lexeme.end
            if lexeme.kind != "SKIP":
                self.last = lexeme.kind
                yield lexeme

    def _next(self, at: int) -> Lexeme:
        for read in (
            self._order_id,
            self._profit,
            self._tag,
            self._pair,
            self._dollars,
            self._word,
            self._number,
            self._sign,
        ):
            lexeme = read(at)
            if lexeme:
                return lexeme
        # "10AAPL" is one thing that nobody understands, not a digit and a word.
        atom = _ATOM.match(self.text, at)
        return self._make("UNKNOWN", at, atom.end() if atom else at + 1)

    # -- symbols -------------------------------------------------------------------------------------------------------
    def _order_id(self, at: int) -> Lexeme | None:
        lead = _ORDER_ID_WORDS.match(self.text, at)
        if not lead and not (self.text[at] == "#" or (self.managing and self.last == "CANCEL")):
            return None
        if lead and not self.managing:
            return None
        found = _ORDER_ID.match(self.text, lead.end() if lead else at)
        return self._make("ORDER_ID", at, found.end(), found[1]) if found else None

    def _profit(self, at: int) -> Lexeme | None:
        found = _PROFIT.match(self.text, at)
        return self._make("PNL", at, found.end()) if found else None

    def _tag(self, at: int) -> Lexeme | None:
        tag = _CASHTAG.match(self.text, at)
        if not tag:
            return None
        symbol = tag[1].upper()
        if symbol in self.symbols:
            return self._make("SYMBOL", at, tag.end(), symbol)
        return self._make("UNKNOWN_SYMBOL", at, tag.end(), symbol)

    def _pair(self, at: int) -> Lexeme | None:
        """Read ``BTC/USD`` and ``BRK.B``."""
        pair = _PAIR.match(self.text, at)
        if pair and pair[2].upper() == "USD":
            coin = pair[1].upper()
            kind = "SYMBOL" if coin in _COINS else "CURRENCY"
            return self._make(kind, at, pair.end(), f"{coin}/USD")
        share = _CLASS.match(self.text, at)
        if share:
            symbol = f"{share[1]}.{share[2]}".upper()
            spaced = self.text[share.end(1)] == " "
            if symbol in self.symbols and not (spaced and share[1].upper() in self.symbols):
                return self._make("SYMBOL", at, share.end(), symbol)
            if self.text[share.end(1)] == "." and share[1].isupper() and share[2].isupper():
                return self._make("FOREIGN", at, share.end(), symbol)
        return None

    # -- words ---------------------------------------------------------------------------------------------------------
    def _word(self, at: int) -> Lexeme | None:
        atom = _ATOM.match(self.text, at)
        if not atom or atom[0] == "&":
            return None
        name = self._name(at)
        if not _WORD.match(self.text, at):
            return self._digits_or_name(at, name)
        run = self._words_from(at)
        number = self._spelled(at, run)
        phrase = vocabulary.match(run.words)
        taken = run.ends[phrase[1] - 1] if phrase else at
        if number and (number.end >= taken or (phrase and phrase[0] == "PER_SHARE")):
            taken, phrase = number.end, None
        if name and name.end > taken:
            return name
        if number and not phrase:
            return self._with_ticker(number)
        if phrase:
            return self._keyword(at, phrase[0], taken, name)
        return self._ticker(at)

    def _digits_or_name(self, at: int, name: Lexeme | None) -> Lexeme | None:
        """ "3M" is a company and three million; "1-800-Flowers" begins with a number and is none."""
        number = self._number(at)
        if not name or (number and number.end > name.end):
            return number
        if number and number.end == name.end:
            return self._make(number.kind, at, number.end, number.value, ((name.kind, name.value),))
        return name

    def _keyword(self, at: int, terminal: str, end: int, name: Lexeme | None) -> Lexeme:
        word = _WORD.match(self.text, at)
        if word and self._is_ticker_in_capitals(word[0]):
            ticker = ("SYMBOL", word[0])
            if self.last in _SLOT and not self.shouting and word[0] not in _FUNCTION_WORDS:
                return self._make("SYMBOL", at, word.end(), word[0])
            if end == word.end():
                return self._make(terminal, at, end, None, (ticker,))
        named = (self.last in _SLOT and name and words_of(name.text) in self.symbols.said) or (
            name is not None and name.text[0].isupper() and not self.shouting
        )
        if name and name.end == end and named:
            return self._make(terminal, at, end, None, ((name.kind, name.value),))
        return self._make(terminal, at, end)

    def _with_ticker(self, number: Lexeme) -> Lexeme:
        if self._is_ticker_in_capitals(number.text):
            return self._make(number.kind, number.start, number.end, number.value, (("SYMBOL", number.text),))
        return number

    def _is_ticker_in_capitals(self, word: str) -> bool:
        return word.isupper() and word in self.symbols

    def _ticker(self, at: int) -> Lexeme:
        word = _WORD.match(self.text, at)
        if not word:
            return self._make("UNKNOWN", at, at + 1)
        typed, end = word[0], word.end()
        symbol = typed.upper()
        named = self.symbols.names.get((typed.lower(),), ())
        if symbol in self.symbols and (typed.isupper() or not named):
            coins = tuple(s for s in named if "/" in s)
            if coins or (named and symbol not in named and symbol not in self.symbols.popular):
                return self._make("AMBIGUOUS", at, end, tuple(dict.fromkeys((*named, symbol))))
            if typed.isupper() or not self._is_ordinary(typed, symbol):
                return self._make("SYMBOL", at, end, symbol)
            return self._make("AMBIGUOUS", at, end, (symbol,))
        return self._make("UNKNOWN", at, end)

    def _is_ordinary(self, typed: str, symbol: str) -> bool:
        return typed.lower() in ordinary()["tickers"] and symbol not in self.symbols.popular

    def _name(self, at: int) -> Lexeme | None:
        """Read the longest company name at `at`; tickers in capitals are left to `_ticker`."""
        words, ends = self._name_words(at)
        count = len(words)
        while True:
            count, found = self.symbols.longest_name(words[:count])
            if not count:
                return None
            if self._stands(at, words[:count], ends[count - 1], found):
                break
            count -= 1
        if len(found) > 1:
            count, found = self._said_shorter(words, count, found)
        end = ends[count - 1]
        if len(found) > 1:
            return self._make("AMBIGUOUS", at, end, found)
        others = self.symbols.namesakes(words[0], found) if count == 1 else ()
        if others:
            return self._make("AMBIGUOUS", at, end, (*found, *others))
        suffix = _SUFFIX.match(self.text, end)
        return self._make("SYMBOL", at, suffix.end() if suffix else end, found[0])

    def _said_shorter(self, words: tuple[str, ...], count: int, found: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Prefer an everyday name over a legal one with notes and preferreds: "JPMorgan Chase & Co"."""
        shorter, one = self.symbols.longest_name(words[: count - 1])
        clear = len(one) == 1 and one[0] in found and one[0] in self.symbols.popular
        return (shorter, one) if clear and set(words[shorter:count]) <= SUFFIXES | {"&"} else (count, found)

    def _stands(self, at: int, words: tuple[str, ...], end: int, found: tuple[str, ...]) -> bool:
        """Whether the words are meant as a name: not one that is a ticker in capitals, not a plain English word."""
        typed = self.text[at:end]
        if len(words) > 1:
            return True
        if typed.isupper() and typed in self.symbols:
            return False
        if words in self.symbols.said:
            return True
        plain = typed.lower() in ordinary()["names"] or typed.lower() in ordinary()["tickers"]
        return not (plain and typed[0].islower()) and not typed.isdigit()

    def _name_words(self, at: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
        words: list[str] = []
        ends: list[int] = []
        while len(words) < LONGEST_NAME + 1:
            atom = _ATOM.match(self.text, at)
            if not atom:
                break
            words.append(atom[0].lower())
            ends.append(atom.end())
            gap = re.compile(r" ?(?=&)|[ -]|\.(?=[A-Za-z])|\. |(?<=&) ?").match(self.text, atom.end())
            at = gap.end() if gap else atom.end()
            if at == atom.end() and not (self.text[at : at + 1] == "&" or atom[0] == "&"):
                break
        return tuple(words), tuple(ends)

    def _words_from(self, at: int) -> Run:
        words: list[str] = []
        ends: list[int] = []
        while len(words) < 12:
            word = _WORD.match(self.text, at)
            if not word:
                digits = re.compile(r"\d+(?![\d.,]*\d)(?=[ -])").match(self.text, at)
                if not digits or not words:
                    break
                word = digits
            words.append(self._mended(word[0]))
            ends.append(word.end())
            gap = _SOFT_GAP.match(self.text, word.end())
            if not gap:
                break
            at = gap.end()
        return Run(tuple(words), tuple(ends))

    def _mended(self, word: str) -> str:
        """Forgive a misspelt keyword; never a word that could be a ticker, a company or another English word."""
        plain = word.lower()
        if plain in vocabulary.known_words() or word.upper() in self.symbols or (plain,) in self.symbols.names:
            return plain
        if plain in ordinary()["correct"] or plain in numbers.NUMBER_WORDS or plain in numbers.FRACTIONS:
            return plain
        if word.isupper() and not self.shouting and len(word) <= 5:
            return plain
        return vocabulary.forgiven(plain) or plain

    def _alters_a_number(self, at: int) -> bool:
        """Whether a sign belongs to a number: "buy - 5", ",5", "..5" and "5+" are not the number alone."""
        before, behind = self.text[at - 1 : at] if at else "", self.text[at + 1 :]
        if self.text[at] == "-":
            return self.last in ORDER_VERBS and bool(_BEHIND_MINUS.match(behind))
        if self.text[at] in ",.":
            return not before.isalnum() and before != ")" and bool(_BEHIND_POINT.match(behind))
        return self.text[at] == "+" and before != " " and self.last in _FIGURES and not behind[:1].isalnum()

    # -- signs ---------------------------------------------------------------------------------------------------------
    def _sign(self, at: int) -> Lexeme | None:
        char = self.text[at]
        if self._alters_a_number(at):
            return None
        if char in ",;\n&+":
            return self._make("JOIN", at, at + 1, char)
        if char == ":" and self.text[at + 1 : at + 2].isdigit():
            return None  # a time of day
        if char in ".!:":
            end = at + 1 if char != "." else at + len(re.match(r"\.+", self.text[at:])[0])  # type: ignore[index]
            return self._make("JOIN", at, end, char)
        if char == "@":
            return self._make("AT", at, at + 1)
        if char in "()":
            return self._make("OPENING" if char == "(" else "CLOSING", at, at + 1)
        if char == "-" and self.text[at - 1 : at] in (" ", "-") and self.text[at + 1 : at + 2] in (" ", "-"):
            return self._make("JOIN", at, at + 1, char)
        return None
