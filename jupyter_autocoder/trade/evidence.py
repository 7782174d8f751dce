"""What the person's own words prove about an order that the grammar could not read.

The grammar asks back over a single word that it does not know. Here such words are set aside, and the grammar reads
what is left: it must still settle everything. A model then only says whether the sentence is an instruction; it has
nothing to choose. Where a word set aside may be a misspelt name or may turn the meaning, there is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

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

# Verbs outside the grammar's vocabulary that can mean one thing only.
_RARE = {"procure": "buy", "obtain": "buy", "snag": "buy", "scoop": "buy", "ditch": "sell", "offload": "sell"}
_PRONOUNS = frozenset({"them", "it", "those", "these", "em"})
_UNSAID = names("UNKNOWN THE FILLER MORE")
_NUMBERS = names("NUM MONEY PERCENT PART")
_PRICED = names("AT CAP FLOOR UNDER OVER LIMIT STOP STOP_LIMIT STOP_LOSS TAKE_PROFIT TRAIL")
# After these a company is named: a word there that nobody knows may be a misspelt one.
_SLOT = _NUMBERS | names("BUY SELL SHORT COVER CLOSE SHARES OF MY ALL HOLDING IN INTO")
_CLOSING = _UNSAID | names("SHARES HOLDING JOIN")


def settled(text: str, account: Account) -> Reading | None:
    """Read a text without the words that nobody knows; None where that leaves anything open, or nothing was unknown."""
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
        words = f"{words[: one.start]}{_RARE.get(one.text.lower(), '')}{words[one.end :]}"
    return words


def _may_matter(lexemes: Sequence[Lexeme], at: int, symbols: Symbols) -> bool:
    """Whether an unknown word may be a name, or stands where only a company is named."""
    word = lexemes[at].text
    kinds = [one.kind for one in lexemes]
    capital = word != word.lower() and at > 0 and kinds[at - 1] != "JOIN"
    if not word.isalpha() or capital:
        return True
    before = next((kind for kind in reversed(kinds[:at]) if kind not in _UNSAID), "")
    if before not in _SLOT or word.lower() in _PRONOUNS:
        return False
    if symbols.candidates(word):
        return True
    following = next((kind for kind in kinds[at + 1 :] if kind != "UNKNOWN"), "")
    return following != "SYMBOL" and not _is_afterthought(kinds[:at])


def _is_afterthought(kinds: Sequence[str]) -> bool:
    """Whether all that matters was said before: "10 AAPL thingies", "my AAPL shares at 150, mate"."""
    if "SYMBOL" not in kinds:
        return False
    since = set(kinds[len(kinds) - list(reversed(kinds)).index("SYMBOL") :])
    return not since - _CLOSING - (_NUMBERS | _PRICED if since & _PRICED else frozenset())
