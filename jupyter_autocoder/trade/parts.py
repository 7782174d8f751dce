"""The grammar's parts as values: what a lark tree becomes before anything is decided."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.lexer import Lexer

from jupyter_autocoder.trade.figures import Lexeme


@dataclass(frozen=True, slots=True)
class Verb:
    """What to do, as the terminal's name."""

    kind: str


@dataclass(frozen=True, slots=True)
class Amount:
    """How much, as written: kind NUM, MONEY, PERCENT (PART is one too) or ALL."""

    kind: str
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class What:
    """An object of the verb: an amount, a target, or both; `flags` are the small words around them."""

    amount: Amount | None = None
    target: str | None = None
    symbol: str | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Price:
    """A price clause by its terminal; `value` is None for a bare "limit", `unit` is NUM, MONEY or PERCENT."""

    kind: str
    value: Decimal | None = None
    unit: str | None = None
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """ "If it falls to 140": on the order's own symbol, or on the one named."""

    direction: str
    price: Decimal
    symbol: str | None = None
    bound: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that changes an order without a number."""

    kind: str


Part = Verb | What | Price | Condition | Mark


class _Parts(Transformer[Token, list[Part]]):
    """Build the parts while parsing."""

    def order(self, children: list[Any]) -> list[Part]:
        return children

    def verb(self, children: list[Token]) -> Verb:
        return Verb("BUY" if children[0].type == "ADD" else children[0].type)

    def amount(self, children: list[Token]) -> Amount:
        token = children[0]
        kind = "PERCENT" if token.type == "PART" else token.type
        return Amount(kind, token.value if kind != "ALL" else None)

    def lead(self, children: list[Token]) -> str:
        # "of my" is one phrase of the vocabulary, and both words count.
        return "OF_MY" if children[0].type == "MY" and "of" in str(children[0].value).split() else children[0].type

    noun = lead

    def target(self, children: list[Token]) -> Token:
        return children[0]

    def what(self, children: list[Any]) -> What:
        amount = next((c for c in children if isinstance(c, Amount)), None)
        target = next((c for c in children if isinstance(c, Token)), None)
        flags = {c for c in children if isinstance(c, str) and not isinstance(c, Token)}
        if amount and "TO" in flags and children.index(amount) < children.index("TO"):
            flags = flags - {"TO"} | {"ONTO"}  # "10 shares to my position" adds, "to 10 shares" aims
        if "OF_MY" in flags:
            flags |= {"OF", "MY"}
        kind = target.type if target else None
        return What(amount, kind, target.value if target and kind == "SYMBOL" else None, frozenset(flags))

    def number(self, children: list[Token]) -> Token:
        return children[0]

    def bound(self, children: list[Token]) -> str:
        return children[0].type

    def price(self, children: list[Any]) -> Price:
        first, *rest = children
        value = next((c for c in rest if isinstance(c, Token) and c.type in ("NUM", "MONEY", "PERCENT")), None)
        bound = next((c for c in rest if not isinstance(c, Token)), None)
        return Price(first.type, value.value if value else None, value.type if value else None, bound)

    def subject(self, children: list[Token]) -> tuple[str | None]:
        return (next((c.value for c in children if c.type == "SYMBOL"), None),)

    def direction(self, children: list[Token]) -> str:
        return children[0].type

    def condition(self, children: list[Any]) -> Condition:
        subject = next((c[0] for c in children if isinstance(c, tuple)), None)
        number = next(c for c in children[1:] if isinstance(c, Token))
        plain = [c for c in children[1:] if isinstance(c, str) and not isinstance(c, Token)]
        bound = plain[1] if len(plain) > 1 else None
        return Condition(plain[0], number.value, subject, bound)

    def mark(self, children: list[Token]) -> Mark:
        return Mark(children[0].type)


class _Ready(Lexer):
    """Hands the parser tokens that are ready made."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]
        yield from data


@functools.cache
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, start="order", parser="lalr", lexer=_Ready, transformer=_Parts())


def parse(lexemes: Sequence[Lexeme]) -> list[Part] | int:
    """Return the parts of one instruction, or the index of the lexeme at which the grammar gave up."""
    tokens = []
    for index, lexeme in enumerate(lexemes):
        value = lexeme.text.lower() if lexeme.value is None else lexeme.value
        tokens.append(Token(lexeme.kind, value, start_pos=index))
    try:
        parts: list[Part] = _parser().parse(tokens)  # type: ignore[assignment]
    except UnexpectedInput as problem:
        token = getattr(problem, "token", None)
        position = getattr(token, "start_pos", None)
        return position if isinstance(position, int) else len(lexemes)
    return parts
