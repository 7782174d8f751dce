"""The model-helped path: a model may propose a typed reading, and nothing it says that the person did not say counts.

The tool below is the only trading tool a model is given. It proposes; there is no tool that confirms. `accept` checks
the arguments of a call against the person's own words: every number and every symbol must be found there, in a span of
its own, otherwise the reading asks back. What must not act stays without a ticket, whatever the model proposes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from jupyter_autocoder.trade import cues
from jupyter_autocoder.trade.account import Account, account_of
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.lexer import lex
from jupyter_autocoder.trade.orders import Form, Kind, Order, PercentOf, ReadBy, Reading
from jupyter_autocoder.trade.reading import read_command
from jupyter_autocoder.trade.symbols import table
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.text import cleaned

TOOL_NAME = "propose_orders"
MOST_ORDERS = 20
_AMOUNTS = ("qty", "notional", "percent", "target_qty", "limit_price", "stop_price", "trail_percent", "trail_price")
_NUMBER_KINDS = frozenset({"NUM", "MONEY", "PERCENT", "PART"})
# The reasons for which the grammar refuses a text that a model may still explain; any other reason stands.
_EXPLAINABLE = frozenset(
    {"not_understood", "unknown_symbol", "missing_side", "missing_quantity", "missing_symbol", "missing_price",
     "ambiguous_quantity", "ambiguous_price", "ambiguous_type", "unsupported_combination", "contradictory"}
)  # fmt: skip
# Words that buy and words that sell: a proposed side must have one of its own in the text.
_SIDE_WORDS = {
    Side.BUY: re.compile(
        r"\b(?:buy|purchase|get|grab|acquire|add|invest|put|cover|long|pick|spend|into|order|double|increase)\b"
    ),
    Side.SELL: re.compile(
        r"\b(?:sell|short|dump|unload|exit|close|liquidate|trim|reduce|cut|halve|out of|rid|offload|stop|protect)\b"
    ),
}


def _nullable(kind: str, description: str, **more: Any) -> Form:
    return {"type": [kind, "null"], "description": description, **more}


def _choice(
    choices: type[Side] | type[Intent] | type[OrderType] | type[TimeInForce] | type[PercentOf] | type[OrderClass],
) -> Form:
    return {"type": ["string", "null"], "enum": [*(member.value for member in choices), None]}


def _exit_form(description: str, *keys: str) -> Form:
    amounts = {key: _nullable("string", f"{key} as written, digits only") for key in keys}
    return {
        "type": ["object", "null"],
        "description": description,
        "properties": amounts,
        "required": list(keys),
        "additionalProperties": False,
    }


def tool() -> Form:
    """Return the tool's definition: strict, so every property is required and null means not said."""
    amounts = {key: _nullable("string", "a number the person wrote, digits and one point only") for key in _AMOUNTS}
    order: Form = {
        "side": {"type": "string", "enum": [side.value for side in Side]},
        "symbol": {
            "type": "string",
            "description": "the ticker; the person must have written it or the company's name",
        },
        **amounts,
        "percent_of": _choice(PercentOf),
        "type": {"type": "string", "enum": [kind.value for kind in OrderType]},
        "tif": _choice(TimeInForce),
        "extended_hours": {"type": "boolean"},
        "intent": _choice(Intent),
        "order_class": _choice(OrderClass),
        "take_profit": _exit_form("the profitable exit", "limit_price", "percent"),
        "stop_loss": _exit_form("the protective exit", "stop_price", "percent", "limit_price"),
    }
    one = {"type": "object", "properties": order, "required": list(order), "additionalProperties": False}
    return {
        "type": "function",
        "function": {
            "name": TOOL_NAME,
            "description": (
                "Propose how the person's own sentence reads as orders. Use only numbers and companies that the person "
                "wrote. Leave the list empty unless the sentence is an instruction to trade now. This drafts a ticket; "
                "only the person can confirm it."
            ),
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"orders": {"type": "array", "items": one}},
                "required": ["orders"],
                "additionalProperties": False,
            },
        },
    }


def wants_help(reading: Reading) -> bool:
    """Whether a model may be asked about a text that the grammar read like this."""
    return reading.kind is Kind.CLARIFY and reading.reason in _EXPLAINABLE


def accept(arguments: Mapping[str, Any], text: str, account: object = None) -> Reading:
    """Turn the arguments of a tool call into a reading of `text`, marked as read by a model.

    The grammar's word is final where it understood the text or refused it for what it is; then its own reading comes
    back. Otherwise the proposal must be well formed and traceable, or the reading asks back.
    """
    own = read_command(text, account)
    if not wants_help(own):
        return own
    known = account_of(account) if account is not None else Account()
    try:
        orders = tuple(_order(form) for form in _forms(arguments))
        source = _Source(text, known)
        for order in orders:
            source.check(order)
        source.check_numbers_used(orders)
        if not orders:
            return replace(own, read_by=ReadBy.MODEL)
        kind = Kind.ORDER if len(orders) == 1 else Kind.ORDERS
        return Reading(kind=kind, orders=orders, text=text, read_by=ReadBy.MODEL)
    except _Untraceable as problem:
        missing = (str(problem),)
        return Reading(kind=Kind.CLARIFY, reason="not_in_your_words", missing=missing, text=text, read_by=ReadBy.MODEL)
    except (ValueError, TypeError, KeyError, AttributeError):
        # A model's arguments can be wrong in any of these ways; all of them mean that nothing was proposed.
        return Reading(kind=Kind.CLARIFY, reason="proposal_malformed", text=text, read_by=ReadBy.MODEL)


class _Untraceable(Exception):
    """Raised when a proposal holds something that the person did not write."""


def _forms(arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if set(arguments) != {"orders"} or not isinstance(arguments["orders"], list):
        raise ValueError("a proposal holds a list of orders and nothing else")
    if len(arguments["orders"]) > MOST_ORDERS:
        raise ValueError("more orders than one sentence holds")
    return arguments["orders"]


def _order(form: Mapping[str, Any]) -> Order:
    """Build the order; null means not said, in the exits too."""
    said = {key: value for key, value in form.items() if value is not None and value is not False}
    for key in ("take_profit", "stop_loss"):
        if key in said:
            said[key] = {name: value for name, value in said[key].items() if value is not None}
    if "after" in said:
        raise ValueError("a model cannot chain orders")
    if "tif" not in said:
        said["tif"] = TimeInForce.GTC.value if "/" in str(said.get("symbol")) else TimeInForce.DAY.value
    return Order.from_dict(said)


class _Source:
    """The person's own words, as spans that a proposal may refer to."""

    def __init__(self, text: str, account: Account) -> None:
        symbols = table().overridden(account.assets) if account.assets else table()
        clean = cleaned(text)
        self.words = clean.text.lower()
        # A deceiving character anywhere means that what the person saw is not what a model would act on.
        self.lexemes: list[Lexeme] = [] if clean.problem else lex(clean.text, symbols)
        self.numbers = [one.value for one in self.lexemes if one.kind in _NUMBER_KINDS]
        self.symbols = set(self._symbols())

    def _symbols(self) -> Iterator[str]:
        for one in self.lexemes:
            if one.kind == "SYMBOL":
                yield one.value
            yield from (value for kind, value in one.others if kind == "SYMBOL")

    def check(self, order: Order) -> None:
        """Raise _Untraceable unless symbol, side and every number of the order stand in the text."""
        if order.symbol not in self.symbols:
            raise _Untraceable(order.symbol)
        if not _SIDE_WORDS[order.side].search(self.words):
            raise _Untraceable(order.side.value)
        for amount in _amounts(order):
            if amount not in self.numbers and not self._implied(order, amount):
                raise _Untraceable(f"{amount.normalize():f}")
        if cues.asked(self.words, self.words):
            raise _Untraceable("what was asked about")

    def _implied(self, order: Order, amount: Decimal) -> bool:
        """ "All" and "my" are 100 %; no other number is implied by a word."""
        whole = amount == 100 and order.size.percent == amount
        return whole and bool(re.search(r"\b(?:all|my|entire|whole|everything|rest|the proceeds)\b", self.words))

    def check_numbers_used(self, orders: tuple[Order, ...]) -> None:
        """Raise _Untraceable when a number that the person wrote is left out: it meant something."""
        used = {amount for order in orders for amount in _amounts(order)}
        for number in self.numbers:
            if orders and number not in used:
                raise _Untraceable(f"{number.normalize():f}")


def _amounts(order: Order) -> list[Decimal]:
    size, profit, loss = order.size, order.take_profit, order.stop_loss
    found = [size.qty, size.notional, size.percent, size.target_qty]
    found += [order.limit_price, order.stop_price, order.trail_percent, order.trail_price]
    found += [profit.limit_price, profit.percent] if profit else []
    found += [loss.stop_price, loss.percent, loss.limit_price] if loss else []
    return [amount for amount in found if amount is not None]
