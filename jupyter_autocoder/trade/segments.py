"""Cutting a text into instructions, and settling the words whose place decides what they are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from jupyter_autocoder.trade.asking import ask_unless
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.terms import names

ORDER_VERBS = names(
    "BUY ADD SELL SHORT COVER CLOSE TRIM HALVE RAISE DOUBLE SPLIT ROTATE PUT PROTECT REBALANCE CANCEL CHANGE HALT"
)
EXITS = frozenset({"STOP", "STOP_LOSS", "STOP_LIMIT", "TAKE_PROFIT", "TRAIL", "LIMIT"})
_SIDES = frozenset({"BUY", "SELL", "SHORT"})
_NUMBERS = frozenset({"NUM", "MONEY", "PERCENT"})
# "Place a buy stop for 10 AAPL": there "for" belongs to the verb.
_BEFORE_FOR = frozenset({"BUY", "SELL", "SHORT", "LIMIT", "STOP", "STOP_LIMIT", "MARKET"})
# Joints that end a sentence or add something: an amount before one is not of the symbol after it.
_SOFT = frozenset({",", "-", ":"})
# Joints that say of what stands before them that it has a place in a row: "sell 10 AAPL first".
_RANKS = frozenset({"first", "then", "and then"})
# Words in a joint that put what is behind it after what is before it.
_IN_TIME = re.compile(r"\b(?:first|then|followed)\b", re.IGNORECASE)
TRIES = 12  # readings of ambiguous words that are tried before asking


def trimmed(lexemes: list[Lexeme]) -> list[Lexeme]:
    while lexemes and lexemes[0].kind == "JOIN":
        lexemes = lexemes[1:]
    while lexemes and lexemes[-1].kind == "JOIN":
        lexemes = lexemes[:-1]
    return lexemes


def with_waits_joined(lexemes: list[Lexeme]) -> tuple[list[Lexeme], bool]:
    """Make joints of "afterwards" and its like; also return whether the text says that one order waits for another.

    Raises AskBack unless what waits is a purchase with the proceeds, which every such word must lead or close.
    """
    closing = list(itertools.takewhile(lambda one: one.kind == "JOIN", reversed(lexemes)))
    lexemes = lexemes[: len(lexemes) - len(closing)]
    waits = [at for at, one in enumerate(lexemes) if one.kind == "AFTERWARDS"]
    bound = all(_is_bound(lexemes, at) for at in waits) and not _RANKS & {one.text.lower() for one in closing}
    ask_unless(bound, "unsupported_condition", missing=("condition",))
    return [replace(one, kind="JOIN") if one.kind == "AFTERWARDS" else one for one in lexemes], bool(waits)


def _is_bound(lexemes: Sequence[Lexeme], at: int) -> bool:
    before, behind = ([one.kind for one in part] for part in (lexemes[:at], lexemes[at + 1 :]))
    closes = not behind or (behind[0] == "JOIN" and before[-1:] != ["JOIN"])
    return bool(ORDER_VERBS & set(before)) and "PROCEEDS" in (before if closes else behind)


def says_order(words: str) -> bool:
    """Whether a joint, or what a text begins with, puts one order after the other in time."""
    return bool(_IN_TIME.search(words))


def without_colons(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Drop the colon of "stop loss: 140"; any other is a joint."""
    pairs = zip([None, *lexemes], lexemes, strict=False)
    return [one for before, one in pairs if not (one.value == ":" and before and before.kind in EXITS)]


def choices(lexemes: Sequence[Lexeme]) -> Iterator[list[Lexeme]]:
    """Yield the sentence with every combination of its words' readings, the likeliest first, a bounded number."""
    several = [at for at, one in enumerate(lexemes) if one.others][:4]
    options = [[(lexemes[at].kind, lexemes[at].value), *lexemes[at].others] for at in several]
    for picked in itertools.islice(itertools.product(*options), TRIES):
        choice = list(lexemes)
        for at, (kind, value) in zip(several, picked, strict=True):
            choice[at] = replace(choice[at], kind=kind, value=value, others=())
        yield choice


def is_change(lexemes: Sequence[Lexeme]) -> bool:
    """ "Raise my limit on AAPL to 150" changes an order; "raise AAPL to 100 shares" is one."""
    kinds = [one.kind for one in lexemes]
    if kinds[0] == "CHANGE":
        return True
    made = kinds[0] == "PLACE" and lexemes[0].text.lower().startswith(("make", "set"))
    places = bool({"BUY", "SELL", "SHORT"} & set(kinds[:2]))  # "set a buy order", "place a sell order"
    changing = kinds[0] in ("RAISE", "TRIM", "ADJUST", "ROTATE") or made
    changing = changing and not places
    return changing and (
        "ORDER" in kinds or "ORDER_ID" in kinds or (kinds[0] in ("RAISE", "TRIM") and bool(EXITS & set(kinds)))
    )


def segments(lexemes: list[Lexeme]) -> Iterator[list[Lexeme]]:
    """Cut the text at the joints before each further verb, taking along what leads up to it."""
    start = 0
    joint: int | None = None
    seen = False
    for at, one in enumerate(lexemes):
        if one.kind == "JOIN":
            joint = at if joint is None or not _leads(lexemes[joint + 1 : at]) else joint
        elif _is_verb(lexemes, at):
            if seen and joint is not None and joint >= start:
                yield lexemes[start:joint]
                start = joint + 1
            seen, joint = True, None
        elif joint is not None and one.kind in ("SYMBOL", "NUM") and "IF" not in {x.kind for x in lexemes[joint:at]}:
            joint = None
    yield lexemes[start:]


def _leads(between: Sequence[Lexeme]) -> bool:
    return bool(between) and between[0].kind in ("IF", "WITH")


def _is_verb(lexemes: Sequence[Lexeme], at: int) -> bool:
    kind = lexemes[at].kind
    if kind not in ORDER_VERBS:
        return False
    if lexemes[0].kind in ("CANCEL", "CHANGE") and at and lexemes[at - 1].kind != "JOIN":
        return False
    following = lexemes[at + 1].kind if at + 1 < len(lexemes) else ""
    return not (kind in ("PUT", "ADD") and following in EXITS)


def retagged(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Settle words whose place decides: "order 10 AAPL", "put a stop on", "close my short", "limit 10 AAPL at 150"."""
    done = list(lexemes)
    kinds = [one.kind for one in done]
    for at, one in enumerate(done):
        following = kinds[at + 1] if at + 1 < len(kinds) else ""
        after = kinds[at + 2] if at + 2 < len(kinds) else ""
        kind = one.kind
        if kind == "ORDER" and at == 0 and following in ("NUM", "MONEY"):
            kind = "BUY"
        elif _only_places(kind, following, after) or (one.text.lower() == "set" and following in _SIDES):
            kind = "PLACE"
        elif kind == "JOIN" and one.value not in _SOFT:
            kind = "BREAK"
        elif kind == "FOR" and at and kinds[at - 1] in _BEFORE_FOR and following in ("NUM", "MONEY"):
            kind = "PLACE"
        elif kind in ("LIMIT", "STOP") and following == "NUM" and after in ("SYMBOL", "SHARES"):
            kind = "MARK_" + kind
        if kind != one.kind:
            done[at] = replace(one, kind=kind)
    return _shorts(_typed_first(done))


def _typed_first(lexemes: list[Lexeme]) -> list[Lexeme]:
    """Move a type word away from the share count behind it, to the end of its instruction."""
    moved = [replace(one, kind=one.kind.removeprefix("MARK_")) for one in lexemes if one.kind.startswith("MARK_")]
    return [one for one in lexemes if not one.kind.startswith("MARK_")] + moved


def _shorts(lexemes: list[Lexeme]) -> list[Lexeme]:
    """ "Close my short in TSLA" and "cover my TSLA short": there the word is a noun."""
    verb = lexemes[0].kind
    if verb not in ("CLOSE", "COVER") or not any(one.kind == "SHORT" for one in lexemes[1:]):
        return lexemes
    rest = [one for one in lexemes[1:] if one.kind != "SHORT"]
    return [replace(lexemes[0], kind="COVER"), *rest]


def _only_places(kind: str, following: str, after: str) -> bool:
    """Whether a verb stands for "place": "put a 5% stop on"; "@ market" is as empty."""
    exit_follows = following in EXITS or (following in _NUMBERS and after in EXITS)
    if kind in ("PUT", "ADJUST", "ADD") and exit_follows:
        return True
    return kind == "AT" and following == "MARKET"
