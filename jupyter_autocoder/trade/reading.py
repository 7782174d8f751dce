"""`read_command`: what a sentence means, decided without a model.

The steps: characters that deceive, text that is not the person's own, typed confirmations, questions that can be
answered, words that never act, words that are asked about, and only then the grammar, which must consume the whole
text. Whatever is left over makes the reader ask back; nothing is guessed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from jupyter_autocoder.trade import cues, management, queries, weights
from jupyter_autocoder.trade.account import Account, account_of
from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.assembly import Instruction, assembled
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.lexer import lex
from jupyter_autocoder.trade.orders import Action, Kind, Order, PercentOf, Reading, Side, Target
from jupyter_autocoder.trade.parts import parse
from jupyter_autocoder.trade.segments import (
    ORDER_VERBS,
    choices,
    is_change,
    retagged,
    says_order,
    segments,
    trimmed,
    with_waits_joined,
    without_colons,
)
from jupyter_autocoder.trade.symbols import Symbols, table
from jupyter_autocoder.trade.text import LONGEST, cleaned
from jupyter_autocoder.trade.vocabulary import openers

MOST_LEXEMES = 150

_STARTERS = ORDER_VERBS | {"ADJUST", "PLACE", "IF", "AT", "WITH"}
_DROPPED = frozenset({"THE", "FILLER", "UNASKED", "OPENING", "CLOSING"})
_UNPHRASED = frozenset({"UNKNOWN", "AMBIGUOUS", "SYMBOL", "VAGUE", "NUM", "MONEY", "PERCENT"})
_TROUBLE = {"FOREIGN": "unsupported_listing", "CURRENCY": "unsupported_currency", "VAGUE": "vague_quantity"}
_GERUNDS = {"buying": "buy", "selling": "sell", "shorting": "short", "purchasing": "purchase", "closing": "close",
            "cancelling": "cancel", "canceling": "cancel", "getting": "get", "placing": "place"}  # fmt: skip
_POLITE = re.compile(
    r"\W*(?:(?:please|hey|hi|hello|ok|okay|so|and|now|well|alright) *,? )*"
    r"(?:can|could|would|will) (?:you|u|we please)\b"
)
# "NASDAQ: AAPL" names the listing that the table holds anyway.
_EXCHANGE = re.compile(r"\b(?:NASDAQ|NYSE|NYSE Arca|NYSEARCA|AMEX|CBOE) ?: ?(?=[A-Z])")
_PREFIX = re.compile(r"^\W*(?:order|trade|command|request)\s*:\s*", re.IGNORECASE)


def read_command(text: str, account: object = None) -> Reading:
    """Say what a sentence means; pure, quick, and never more than a proposal.

    `account` may be an `Account`, or anything with `positions` and `assets` (see `account_of`); without one, the
    shipped table decides what is a symbol and a close is a sale.
    """
    known = account_of(account) if account is not None else Account()
    symbols = table().overridden(known.assets) if known.assets else table()
    reading = _Reader(text, known, symbols).read()
    return replace(reading, text=text)


def _none(reason: str) -> Reading:
    return Reading(kind=Kind.NONE, reason=reason)


def _clarify(reason: str, missing: Sequence[str] = (), candidates: Sequence[str] = ()) -> Reading:
    return Reading(kind=Kind.CLARIFY, reason=reason, missing=tuple(missing), candidates=tuple(candidates))


class _Reader:
    """One reading of one text; holds what the steps share."""

    def __init__(self, raw: str, account: Account, symbols: Symbols) -> None:
        self.raw = raw
        self.account = account
        self.symbols = symbols
        self.lexemes: list[Lexeme] = []
        self.begins_row = False

    def read(self) -> Reading:
        if len(self.raw) > LONGEST:
            return _clarify("too_long")
        clean = cleaned(self.raw)
        if clean.problem:
            return _clarify(clean.problem)
        if not re.search(r"\w", clean.text):
            return _none("empty")
        return self._foreign(clean.text) or self._own(clean.text)

    def _foreign(self, text: str) -> Reading | None:
        """Text that is code, quoted, pasted or injected."""
        unprefixed = _PREFIX.sub("", text)
        reason = cues.foreign(self._without_names(unprefixed))
        if reason:
            return _none(reason)
        if any(not self._is_name(part) for part in cues.quotations(text)) or text.count('"') % 2:
            return _none("quoted")
        return None

    def _is_name(self, part: str) -> bool:
        lexemes = lex(part.strip(), self.symbols)
        return len(lexemes) == 1 and lexemes[0].kind in ("SYMBOL", "AMBIGUOUS", "UNKNOWN", "UNKNOWN_SYMBOL")

    def _without_names(self, text: str) -> str:
        """Replace "Apple (AAPL)" by the name, so that its brackets look like nothing else."""
        return re.sub(r" \((?:[A-Z]+: ?)?\$?([A-Z]{1,5}(?:\.[A-Z])?)\)", r" ", text)

    def _own(self, text: str) -> Reading:
        text = _EXCHANGE.sub("", _PREFIX.sub("", cues.unquoted(text)))
        words = text.lower()
        if cues.is_confirmation(words):
            return _none("confirmation")
        text = self._without_openers(weights.spread_ratio(text))
        self.lexemes = lex(text, self.symbols)
        if len(self.lexemes) > MOST_LEXEMES:
            return _clarify("too_long")
        question = self._query(text)
        if question:
            return question
        reason = self._never(text)
        if reason:
            return _none(reason)
        return self._act(text)

    def _without_openers(self, text: str) -> str:
        """Take off "could you please", and the question mark that belongs to it."""
        polite = _POLITE.match(text.lower())
        opener = openers().match(text.lower())
        if opener:
            self.begins_row = says_order(opener[0])
            text = text[opener.end() :]
        if polite:
            text = re.sub(r"[\s?]+$", "", text)
            first = re.match(r"[a-z]+", text.lower())
            if first and first[0] in _GERUNDS:
                text = _GERUNDS[first[0]] + text[first.end() :]
        return text

    def _query(self, text: str) -> Reading | None:
        asked = queries.asked(self.lexemes)
        if asked is None:
            return None
        symbol = None
        if asked.lexeme:
            if asked.lexeme.kind != "SYMBOL":
                return self._unresolved(asked.lexeme)
            symbol = asked.lexeme.value
        return Reading(kind=Kind.QUERY, query=asked.query, symbol=symbol, order_id=asked.order_id, period=asked.period)

    def _never(self, text: str) -> str | None:
        """The reason why this must not act, whatever else it says."""
        reason = cues.never(self._masked(text, tickers=False))
        if reason:
            return reason
        first = next((one.kind for one in self.lexemes if one.kind not in _DROPPED | {"JOIN", "AFTERWARDS"}), "")
        if first in _STARTERS:
            return None
        return cues.statement(self._masked(text, tickers=True))

    def _masked(self, text: str, *, tickers: bool) -> str:
        """Hide company names, so that "News Corp" is no news; with `tickers`, those of one word in capitals too."""
        masked = list(text.lower())
        for one in self.lexemes:
            if self._is_hidden(one, tickers=tickers):
                masked[one.start : one.end] = "§" * (one.end - one.start)
        return "".join(masked)

    def _is_hidden(self, one: Lexeme, *, tickers: bool) -> bool:
        if one.kind == "ORDER_ID":
            return True
        if one.kind not in ("SYMBOL", "AMBIGUOUS"):
            return False
        return " " in one.text or one.value in self.symbols.popular or (tickers and one.text.isupper())

    # -- instructions --------------------------------------------------------------------------------------------------
    def _act(self, text: str) -> Reading:
        asked = cues.asked(self._asked_about(), text)
        try:
            ask_unless(not asked, asked or "")
            return self._instructions()
        except AskBack as back:
            if not self._is_about_trading():
                return _none("statement")
            return self._asking(back, asked)
        except ValueError:
            return _clarify("contradictory")

    def _asked_about(self) -> str:
        """The words that the cue tables judge: a phrase that was taken as a whole is no cue, nor is a name."""
        words = []
        for one in self.lexemes:
            phrase = one.kind not in _UNPHRASED and re.search(r"[ -]", one.text)
            words.append("," if phrase else "§" if self._is_hidden(one, tickers=True) else one.text.lower())
        return " ".join(words)

    def _is_about_trading(self) -> bool:
        kinds = {one.kind for one in self.lexemes}
        if kinds & (ORDER_VERBS | {"PLACE", "MONEY", "PERCENT", "NUM", "EVERYTHING", "ADJUST", "VAGUE", "STOP"}):
            return True
        named = kinds & {"SYMBOL", "AMBIGUOUS", "UNKNOWN_SYMBOL", "FOREIGN", "CURRENCY"}
        return (bool(named) and len(self.lexemes) <= 3) or bool(cues.asked(self.raw, self.raw))

    def _asking(self, back: AskBack, asked: str | None) -> Reading:
        """Name the word that stands in the way, where one does, before any other reason."""
        if not asked:
            for lexeme in self.lexemes:
                if lexeme.kind in _TROUBLE:
                    return _clarify(_TROUBLE[lexeme.kind], (lexeme.text,))
                if lexeme.kind in ("AMBIGUOUS", "UNKNOWN_SYMBOL", "UNKNOWN"):
                    return self._unresolved(lexeme)
        return _clarify(back.reason, back.missing, back.candidates)

    def _unresolved(self, lexeme: Lexeme) -> Reading:
        """Ask about a word that is no symbol, or several."""
        if lexeme.kind == "AMBIGUOUS":
            return _clarify("ambiguous_symbol", ("symbol",), lexeme.value)
        word = lexeme.value or lexeme.text
        candidates = self.symbols.candidates(word) if re.search("[A-Za-z]", word) else ()
        looks_like_one = lexeme.kind == "UNKNOWN_SYMBOL" or re.fullmatch("[A-Z]{2,5}", lexeme.text)
        reason = "unknown_symbol" if candidates or looks_like_one else "not_understood"
        return _clarify(reason, (lexeme.text,), candidates)

    def _instructions(self) -> Reading:
        whole = self._bracketed()
        # "Me: buy 10 AAPL" is a transcript, not a polite word before an instruction.
        spoken = any(one.kind == "FILLER" and next_.value == ":" for one, next_ in itertools.pairwise(whole))
        ask_unless(not spoken, "not_understood")
        lexemes = [one for one in whole if one.kind not in _DROPPED or one.others]
        found: list[Reading] = []
        problem: AskBack | None = None
        for choice in choices(lexemes):
            try:
                reading = self._chosen([one for one in choice if one.kind not in _DROPPED])
            except AskBack as back:
                problem = problem or back
                continue
            if reading.to_dict() not in [one.to_dict() for one in found]:
                found.append(reading)
        # "Close ALL" may mean Allstate; in a longer text the plain reading of a word is the likely one.
        if len(found) > 1 and len(lexemes) <= 2:
            raise AskBack("ambiguous_symbol", missing=("symbol",))
        if not found:
            raise problem or AskBack("not_understood")
        return found[0]

    def _bracketed(self) -> list[Lexeme]:
        """Take "Apple (AAPL)" as one symbol; any other bracket is not understood."""
        done: list[Lexeme] = []
        rest = iter(self.lexemes)
        for one in rest:
            # A bracket that closes nothing is a smile, or a part of what is not understood.
            smile = bool(done) and done[-1].kind == "JOIN" and done[-1].value in (":", ";")
            ask_unless(one.kind != "CLOSING" or smile, "not_understood", missing=(one.text,))
            if one.kind != "OPENING":
                done.append(one)
                continue
            inner, closing = next(rest, None), next(rest, None)
            whole = inner and closing and inner.kind == "SYMBOL" and closing.kind == "CLOSING"
            at = -2 if len(done) > 1 and done[-1].kind == "SHARES" else -1
            if not (whole and inner and done):
                raise AskBack("not_understood", missing=("(",))
            ask_unless(inner.value in self._meant(done[at]), "contradictory", missing=("symbol",))
            done[at] = inner
        return done

    def _meant(self, named: Lexeme) -> tuple[str, ...]:
        """The symbols that the name before a bracket may stand for."""
        if named.kind == "SYMBOL":
            return (named.value,)
        if named.kind == "AMBIGUOUS":
            return tuple(named.value)
        return self.symbols.candidates(named.text) if named.kind == "UNKNOWN" else ()

    def _chosen(self, lexemes: list[Lexeme]) -> Reading:
        ask_unless(trimmed(lexemes), "not_understood")
        joined, waits = with_waits_joined(lexemes)
        reading = self._whole(trimmed(joined))
        ask_unless(not waits or _is_chain(reading), "unsupported_condition", missing=("condition",))
        return reading

    def _whole(self, lexemes: list[Lexeme]) -> Reading:
        """Read all instructions of a text whose joints are settled."""
        bad = next(
            (x for x in lexemes if x.kind in ("UNKNOWN", "AMBIGUOUS", "UNKNOWN_SYMBOL") or x.kind in _TROUBLE), None
        )
        ask_unless(bad is None, "not_understood", missing=(bad.text,) if bad else ())
        lexemes = without_colons(lexemes)
        # "To buy 10 AAPL" is a piece of a sentence about something else.
        ask_unless(not lexemes[0].text.lower().startswith("to "), "not_understood")
        weighed = weights.weighed(lexemes)
        if weighed:
            return weighed
        conditional = any(one.kind == "IF" for one in lexemes)
        in_order = self.begins_row or any(one.kind == "JOIN" and says_order(one.text) for one in lexemes)
        found = [self._one(segment) for segment in segments(lexemes)]
        return _merged(found, conditional=conditional, in_order=in_order)

    def _one(self, lexemes: list[Lexeme]) -> Instruction | Reading | tuple[Target, ...]:
        """Read one instruction: an order, a cancellation, a change or a halt."""
        lexemes = trimmed(lexemes)
        ask_unless(lexemes, "not_understood")
        first = lexemes[0].kind
        kinds = {one.kind for one in lexemes}
        if first == "HALT":
            ask_unless(kinds <= {"HALT", "JOIN"}, "not_understood")
            return management.halted()
        if first == "CANCEL":
            return management.cancelled(lexemes)
        if is_change(lexemes):
            return management.changed(lexemes)
        parts = parse(retagged(lexemes))
        if isinstance(parts, int):
            missing = (lexemes[parts].text,) if parts < len(lexemes) else ()
            raise AskBack("not_understood", missing=missing)
        return assembled(parts, self.account)


def _merged(
    found: Sequence[Instruction | Reading | tuple[Target, ...]], *, conditional: bool, in_order: bool
) -> Reading:
    """Make one reading of all instructions of a text."""
    if len(found) == 1 and isinstance(found[0], Reading):
        return found[0]
    # A halt or a change beside other instructions would be two kinds of ticket in one.
    ask_unless(not any(isinstance(one, Reading) for one in found), "unsupported_combination")
    orders: list[Order] = []
    cancels: list[Target] = []
    everything = [one for one in found if isinstance(one, Instruction) and one.close_all]
    for one in found:
        if isinstance(one, Instruction):
            orders += _after(one.orders, orders)
        elif isinstance(one, tuple):
            # A ticket cancels before it sends: "buy A, then cancel B" would be turned round.
            ask_unless(not (in_order and orders), "unsupported_combination")
            cancels += one
    # "If it falls, sell A and buy B": whether the condition is for both, only the person knows.
    ask_unless(len(orders) <= 1 or not conditional, "ambiguous_condition", missing=("condition",))
    ask_unless(len(everything) <= 1 and not (everything and orders), "unsupported_combination")
    if not orders and not everything:
        return _cancellation(cancels)
    kind = Kind.ORDER if len(orders) == 1 and not cancels else Kind.ORDERS
    return Reading(
        kind=kind,
        orders=tuple(orders),
        close_all=bool(everything),
        excluded=everything[0].excluded if everything else (),
        cancels=tuple(cancels),
        in_order=in_order and len(orders) > 1,
    )


def _is_chain(reading: Reading) -> bool:
    """Whether every order but the first waits for another one."""
    alone = reading.cancels or reading.close_all or not reading.orders
    return not alone and all((order.after is None) == (at == 0) for at, order in enumerate(reading.orders))


def _cancellation(targets: Sequence[Target]) -> Reading:
    if len(targets) == 1:
        return Reading(kind=Kind.CANCEL, action=Action.CANCEL, target=targets[0])
    ask_unless(targets, "not_understood")
    return Reading(kind=Kind.ORDERS, cancels=tuple(targets))


def _after(new: Sequence[Order], before: Sequence[Order]) -> list[Order]:
    """Point purchases "with the proceeds" at the sale they wait for: the one before them."""
    done = []
    for order in new:
        if order.size.percent_of is not PercentOf.PROCEEDS:
            done.append(order)
            continue
        if order.after is not None:
            done.append(replace(order, after=order.after + len(before)))
            continue
        sales = [index for index, one in enumerate(before) if one.side is Side.SELL]
        ask_unless(len(sales) == 1 and order.side is Side.BUY, "ambiguous_proceeds", missing=("after",))
        done.append(replace(order, after=sales[0]))
    return done
