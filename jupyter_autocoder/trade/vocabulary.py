"""The closed vocabulary: which phrases mean which terminal of the grammar, and which misspellings are forgiven.

The phrases stand in ``data/phrases.toml``.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

_LONG = 7  # letters from which on a keyword may be two edits away
_NOT_TERMINALS = frozenset({"OPENERS", "FORGIVEN"})


@functools.cache
def _data() -> Mapping[str, Sequence[str]]:
    return tomllib.loads(resources.files(__package__).joinpath("data/phrases.toml").read_text("utf-8"))


@functools.cache
def openers() -> re.Pattern[str]:
    """Matches the polite and chatty words at the beginning of a text in lower case."""
    return re.compile(rf"(?:(?:{'|'.join(_data()['OPENERS'])}) *[,:]? +)+")


@dataclass(slots=True)
class Node:
    """One step into the phrases: what may follow, and the terminal if a phrase ends here."""

    following: dict[str, Node] = field(default_factory=dict)
    terminal: str | None = None


@functools.cache
def phrases() -> Node:
    """The phrases as a tree of words, built at first use; a phrase listed twice keeps its first terminal."""
    root = Node()
    for terminal, patterns in _data().items():
        for pattern in patterns if terminal not in _NOT_TERMINALS else ():
            for words in expand(pattern):
                _plant(root, words, terminal)
    return root


def _plant(root: Node, words: Sequence[str], terminal: str) -> None:
    node = root
    for word in words:
        node = node.following.setdefault(word, Node())
    node.terminal = node.terminal or terminal


def expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """Yield every phrase of a pattern, at least one word long."""
    groups = [
        [choice.split() for choice in group[1:-1].split("|")] + ([[]] if group[0] == "[" else [])
        if group[0] in "[("
        else [[group]]
        for group in re.findall(r"\[[^\]]*\]|\([^)]*\)|[^\s\[\]()]+", pattern)
    ]
    phrases_: list[tuple[str, ...]] = [()]
    for group in groups:
        phrases_ = [before + tuple(choice) for before in phrases_ for choice in group]
    return (phrase for phrase in phrases_ if phrase)


def match(words: Sequence[str]) -> tuple[str, int] | None:
    """Return the terminal of the longest phrase the words begin with, and its length in words."""
    node, found = phrases(), None
    for count, word in enumerate(words, start=1):
        following = node.following.get(word)
        if following is None:
            break
        node = following
        if node.terminal:
            found = (node.terminal, count)
    return found


@functools.cache
def known_words() -> frozenset[str]:
    """Every word that occurs in a phrase."""
    words: set[str] = set()

    def walk(node: Node) -> None:
        for word, following in node.following.items():
            words.add(word)
            walk(following)

    walk(phrases())
    return frozenset(words)


@functools.lru_cache(maxsize=512)
def forgiven(word: str) -> str | None:
    """Return the one verb or keyword that a misspelt word was meant to be, or None. Symbols are never looked at."""
    if len(word) < 3 or len(word) > 14 or word in known_words():
        return None
    costs = {known: _edits(word, known) for known in _data()["FORGIVEN"] if abs(len(known) - len(word)) <= 2}
    near = {known: cost for known, cost in costs.items() if cost <= (2 if len(known) >= _LONG else 1)}
    found = [known for known, cost in near.items() if cost == min(near.values())]
    # A plural beside its singular is one meaning.
    return min(found, key=len) if len({known.removesuffix("s") for known in found}) == 1 else None


def _edits(word: str, known: str) -> int:
    """Count the insertions, deletions, replacements and swaps of neighbours that turn one word into the other."""
    before: list[int] = []
    row = list(range(len(known) + 1))
    for i, letter in enumerate(word, start=1):
        before, row, last = row, [i], before
        for j, wanted in enumerate(known, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == known[j - 2] and word[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
