"""What the person's own words prove about an order that the grammar could not read.

The grammar asks back over a single word that it does not know. Here the words of a short shipped list, which change
nothing ("mate", "lovely", "swiftly"), are set aside, and a rare verb before a quantity and a symbol is taken for the
plain one; the grammar reads what is left and must still settle everything. Any other unknown word means that there is
no evidence. A model then only says whether the sentence is an instruction; it has nothing to choose.

The words stand in ``data/set_aside.toml``.
"""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jupyter_autocoder.trade import cues
from jupyter_autocoder.trade.account import Account
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.lexer import lex
from jupyter_autocoder.trade.orders import Kind, Reading
from jupyter_autocoder.trade.reading import read_command
from jupyter_autocoder.trade.symbols import Symbols, table
from jupyter_autocoder.trade.terms import names
from jupyter_autocoder.trade.text import cleaned
from jupyter_autocoder.trade.vocabulary import openers

_UNSAID = names("UNKNOWN THE FILLER MORE")
_NUMBERS = names("NUM MONEY PERCENT PART")
_PRICED = names("AT CAP FLOOR UNDER OVER LIMIT STOP STOP_LIMIT STOP_LOSS TAKE_PROFIT TRAIL")
# After these a company is named: a word there that nobody knows may be a misspelt one.
_SLOT = _NUMBERS | names("BUY SELL SHORT COVER CLOSE SHARES OF MY ALL HOLDING IN INTO")
_CLOSING = _UNSAID | names("SHARES HOLDING JOIN")
_NAMED = names("SYMBOL SHARES HOLDING")
_BEFORE_VERB = names("UNKNOWN FILLER")


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("data/set_aside.toml").read_text("utf-8"))


@functools.cache
def _listed(section: str) -> frozenset[str]:
    return frozenset(word for words in _data()[section].values() for word in words.split())


def settled(text: str, account: Account) -> Reading | None:
    """Read a text without its harmless words; None where that leaves anything open, or nothing was unknown."""
    clean = cleaned(text)
    # A deceiving character anywhere means that what the person saw is not what a model would act on.
    if clean.problem:
        return None
    opener = openers().match(clean.text.lower())
    words = clean.text[opener.end() :] if opener else clean.text
    if cues.unsure(words):
        return None
    symbols = table().overridden(account.assets) if account.assets else table()
    lexemes = lex(words, symbols)
    unknown = [at for at, one in enumerate(lexemes) if one.kind == "UNKNOWN"]
    if not unknown or any(_may_matter(lexemes, at, symbols) for at in unknown):
        return None
    reading = read_command(_without(words, [lexemes[at] for at in unknown]), account)
    only_orders = not (reading.close_all or reading.target_weights or reading.cancels)
    return reading if reading.kind in (Kind.ORDER, Kind.ORDERS) and only_orders else None


def _without(words: str, unknown: Sequence[Lexeme]) -> str:
    for one in reversed(unknown):
        words = f"{words[: one.start]}{_data()['verbs'].get(one.text.lower(), '')}{words[one.end :]}"
    return words


def _may_matter(lexemes: Sequence[Lexeme], at: int, symbols: Symbols) -> bool:
    """Whether an unknown word may turn the meaning, may be a name, or stands where only a company is named."""
    word = lexemes[at].text
    kinds = [one.kind for one in lexemes]
    capital = word != word.lower() and at > 0 and kinds[at - 1] != "JOIN"
    following = next((kind for kind in kinds[at + 1 :] if kind != "UNKNOWN"), "")
    if capital or not (_is_harmless(word.lower(), following) or _is_rare_verb(lexemes, at)):
        return True
    before = next((kind for kind in reversed(kinds[:at]) if kind not in _UNSAID), "")
    if before not in _SLOT:
        return False
    if symbols.candidates(word):
        return True
    return following != "SYMBOL" and not _is_afterthought(kinds[:at])


def _is_harmless(word: str, following: str) -> bool:
    return word in _listed("harmless") or (word in _listed("adjectives") and following in _NAMED)


def _is_rare_verb(lexemes: Sequence[Lexeme], at: int) -> bool:
    """Whether a rare verb begins an instruction: a quantity comes next, and a symbol before the next joint."""
    if lexemes[at].text.lower() not in _data()["verbs"]:
        return False
    before = next((one.kind for one in reversed(lexemes[:at]) if one.kind not in _BEFORE_VERB), "JOIN")
    rest = [one.kind for one in lexemes[at + 1 :]]
    said = list(itertools.takewhile(lambda kind: kind != "JOIN", rest))
    quantity = next((kind for kind in said if kind not in _UNSAID), "")
    return before == "JOIN" and quantity in _NUMBERS and "SYMBOL" in said


def _is_afterthought(kinds: Sequence[str]) -> bool:
    """Whether all that matters was said before: "10 AAPL, mate", "my AAPL shares at 150, mate"."""
    if "SYMBOL" not in kinds:
        return False
    since = set(kinds[len(kinds) - list(reversed(kinds)).index("SYMBOL") :])
    return not since - _CLOSING - (_NUMBERS | _PRICED if since & _PRICED else frozenset())
