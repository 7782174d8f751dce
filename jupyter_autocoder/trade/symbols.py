"""Tickers and company names, by exact table only: a misspelt one never resolves.

The table is the SEC's company list with common ETFs, shipped compressed with its as-of date; the alias file beside it
holds what people say and no legal name holds ("Google", "Coke", "Facebook"). A connected broker's asset list overrides
both. Fuzzy matching serves suggestions alone: measured over these names, the best match for "Telsa" is Teladoc.
"""

from __future__ import annotations

import csv
import difflib
import functools
import gzip
import io
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

LONGEST_NAME = 6  # words; longer legal names are found by their ticker

SUFFIXES = frozenset(
    [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "co",
        "company",
        "companies",
        "cos",
        "ltd",
        "limited",
        "plc",
        "llc",
        "lp",
        "l",
        "p",
        "sa",
        "s",
        "a",
        "nv",
        "n",
        "v",
        "ag",
        "se",
        "oyj",
        "ab",
        "asa",
        "group",
        "holdings",
        "holding",
        "hldgs",
        "de",
        "new",
        "adr",
        "cl",
        "class",
        "the",
        "trust",
        "com",
        "md",
        "nj",
        "ny",
        "pa",
        "va",
        "oh",
        "mn",
        "wi",
        "nv",
        "in",
    ]
)
# What a listing's tail says when it is not the common share: preferred, warrant, unit, right.
_NOT_COMMON = re.compile(r".*-(?:P[A-Z]?|WT[A-Z]?|UN|RI|WS|U|R|W)")
_TAIL = frozenset("RUWPNOMLZIGH")
_WORD = re.compile(r"[a-z0-9]+|&")


def words_of(name: str) -> tuple[str, ...]:
    """Split a name the way the reader splits a sentence: lower case, apostrophes gone, ``&`` a word of its own."""
    plain = name.casefold().replace("'", "").replace("\u2019", "")
    return tuple(_WORD.findall(plain))


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the table."""

    symbol: str
    name: str
    exchange: str = ""


@dataclass(frozen=True)
class Symbols:
    """A table of listings with the names under which each is known.

    `names` maps words to every symbol they may mean: one symbol resolves, several are asked about. `said` are the
    names of the alias file, which stand even where they are ordinary words ("target"); `popular` are its symbols.
    """

    listings: Mapping[str, Listing]
    names: Mapping[tuple[str, ...], tuple[str, ...]]
    popular: frozenset[str] = frozenset()
    said: frozenset[tuple[str, ...]] = frozenset()
    as_of: str = ""
    _firsts: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self.listings

    def name(self, symbol: str) -> str:
        """The company's name, for people; empty when the table does not hold the symbol."""
        listing = self.listings.get(symbol)
        return listing.name if listing else ""

    def longest_name(self, words: Sequence[str]) -> tuple[int, tuple[str, ...]]:
        """Return how many of the words name a company, and the symbols it may mean (0 and nothing: none do)."""
        for count in range(min(len(words), LONGEST_NAME), 0, -1):
            found = self.names.get(tuple(words[:count]))
            if found:
                return count, found
        return 0, ()

    def namesakes(self, word: str, found: tuple[str, ...]) -> tuple[str, ...]:
        """Return the symbols of companies whose names begin with the same word: "Morgan" is not only Morgan Group."""
        if (word,) in self.said:
            return ()
        name = self.name(found[0])
        others = [s for s in self._by_first_word().get(word, ()) if s not in found and self.name(s) != name]
        return tuple(others[:4])

    def candidates(self, word: str, limit: int = 5) -> tuple[str, ...]:
        """Suggest symbols for a word that is none: by the first word of a name, then by likeness. Never resolves."""
        key = word.casefold()
        found = list(self._by_first_word().get(key, ()))
        if not found:
            ticker = word.upper()
            # Popular ones first, and only a slice of the table: likeness is slow, and this is a hint.
            pool = [s for s in self.popular if abs(len(s) - len(ticker)) <= 1]
            near = difflib.get_close_matches(ticker, sorted(pool), limit, 0.7) if len(ticker) > 2 else []
            names = [w for w in self._popular_names() if abs(len(w) - len(key)) <= 2]
            alike = difflib.get_close_matches(key, names, limit, 0.7)
            found = [s for w in alike for s in self.names[(w,)]] + near
        return tuple(dict.fromkeys(found))[:limit]

    def overridden(self, assets: Mapping[str, str]) -> Symbols:
        """Return the table of a connected broker: its assets only, under its names and ours for the same symbols."""
        listings = {s: self.listings.get(s) or Listing(s, name) for s, name in assets.items()}
        listings = {s: Listing(s, assets[s] or old.name, old.exchange) for s, old in listings.items()}
        names = {words: tuple(s for s in found if s in listings) for words, found in self.names.items()}
        names = {words: found for words, found in names.items() if found}
        for words, found in _legal_names(one for s, one in listings.items() if s not in self.listings).items():
            names.setdefault(words, found)
        return Symbols(listings, names, self.popular & listings.keys(), self.said, self.as_of)

    def _by_first_word(self) -> dict[str, list[str]]:
        if not self._firsts:
            index: dict[str, list[str]] = defaultdict(list)
            for words, found in self.names.items():
                if len(words) > 1:
                    index[words[0]].extend(s for s in found if s not in index[words[0]])
            for found_list in index.values():
                found_list.sort(key=lambda s: (s not in self.popular, s))
            self._firsts.update(index)
        return self._firsts

    @functools.cached_property
    def _one_word_names(self) -> list[str]:
        return sorted(
            words[0] for words, found in self.names.items() if len(words) == 1 and self.popular.intersection(found)
        )

    def _popular_names(self) -> list[str]:
        return self._one_word_names


@functools.cache
def table() -> Symbols:
    """The shipped table, read at first use."""
    as_of, listings = _shipped()
    aliases = _aliases()
    names = _legal_names(listings.values())
    for name, found in aliases.items():
        names[words_of(name)] = found
    popular = frozenset(symbol for found in aliases.values() for symbol in found)
    said = frozenset(words_of(name) for name in aliases)
    return Symbols(listings, names, popular, said, as_of)


@functools.cache
def ordinary() -> dict[str, frozenset[str]]:
    """English words that are tickers, names or near keywords, read at first use."""
    text = resources.files(__package__).joinpath("data/ordinary.toml").read_text("utf-8")
    return {section: frozenset(words.split()) for section, words in tomllib.loads(text).items()}


def _shipped() -> tuple[str, dict[str, Listing]]:
    packed = resources.files(__package__).joinpath("data/symbols.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode()))
    as_of = next(rows)[1]
    return as_of, {row[0]: Listing(*row) for row in rows}


def _aliases() -> dict[str, tuple[str, ...]]:
    text = resources.files(__package__).joinpath("data/aliases.toml").read_text("utf-8")
    sections = tomllib.loads(text)
    return {
        name: tuple(found.split())
        for section in ("said", "former", "crypto", "classes")
        for name, found in sections[section].items()
    }


def _legal_names(listings: Iterable[Listing]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Index legal names, whole and without their suffixes; a key that means several companies keeps them all."""
    by_name: dict[str, list[Listing]] = defaultdict(list)
    for listing in listings:
        by_name[listing.name].append(listing)
    index: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for name, group in by_name.items():
        common = _common_shares(group)
        for key in _keys(name):
            index[key].update(dict.fromkeys(common))
    return {key: tuple(found) for key, found in index.items()}


def _keys(name: str) -> Iterator[tuple[str, ...]]:
    words = words_of(re.sub(r"/.*$|\(.*?\)", "", name))
    if words[:1] == ("the",):
        words = words[1:]
    while words:
        if len(words) <= LONGEST_NAME and words[-1] != "&":
            yield words
            if "&" in words:
                yield tuple("and" if word == "&" else word for word in words)
        if words[-1] not in SUFFIXES and words[-1] != "&":
            return
        words = words[:-1]


def _common_shares(group: Sequence[Listing]) -> list[str]:
    """Leave out preferreds, warrants and the like, and foreign lines where the same company is listed here."""
    kept = [one for one in group if not _NOT_COMMON.fullmatch(one.symbol)] or list(group)
    listed = [one for one in kept if one.exchange not in ("OTC", "")] or kept
    symbols = [one.symbol for one in listed]
    return [
        s for s in symbols if not (len(s) == 5 and s[-1] in _TAIL and any(s != t and s.startswith(t) for t in symbols))
    ]
