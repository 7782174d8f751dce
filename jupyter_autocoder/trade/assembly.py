"""From the parts of one instruction to its orders: what belongs to what, and what is missing.

Every part is used exactly once. A part that fits nowhere, fits twice, or contradicts another makes the reader ask back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from jupyter_autocoder.trade.account import Account
from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.orders import Intent, Order, OrderClass, PercentOf, Side, Size
from jupyter_autocoder.trade.parts import Amount, Condition, Mark, Part, Price, Verb, What
from jupyter_autocoder.trade.pricing import Clauses, priced
from jupyter_autocoder.trade.sizes import CLOSING, FUNDS, HUNDRED, side_of, sized

_NOISE = frozenset({"PLACE", "ORDER", "TIF"})
_EXIT_CLAUSES = frozenset({"STOP", "STOP_LIMIT", "STOP_LOSS", "TAKE_PROFIT", "TRAIL"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """What one instruction comes to: orders, or everything at once; `waits` marks purchases from proceeds."""

    orders: tuple[Order, ...] = ()
    close_all: bool = False
    excluded: tuple[str, ...] = ()


@dataclass(slots=True)
class _Item:
    """One object with the clauses that go with it, while they are being collected."""

    what: What
    funds: What | None = None
    prices: list[Price] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def assembled(parts: Sequence[Part], account: Account) -> Instruction:
    """Return the orders of one instruction; raises AskBack where it is not complete or not clear."""
    verb = next((part.kind for part in parts if isinstance(part, Verb)), None)
    collected = _Collector()
    for part in parts:
        collected.add(part)
    verb = verb or ("PROTECT" if collected.has_exit_clause() else None)
    if verb is None:
        raise AskBack("missing_side", missing=("side",))
    items = collected.items_done(verb)
    everything = [item for item in items if _is_everything(verb, item.what)]
    if everything:
        return _everything(verb, items, collected.excluded)
    ask_unless(not collected.excluded, "unsupported_exception")
    if verb == "ROTATE":
        return Instruction(tuple(_rotation(items, account)))
    if verb == "SPLIT" or any(mark.kind == "EQUALLY" for item in items for mark in item.marks):
        items = _split(items)
        verb = "BUY" if verb == "SPLIT" else verb
    _check_exits_shared(items)
    return Instruction(tuple(_order(verb, item, account) for item in _each(items)))


def _check_exits_shared(items: Sequence[_Item]) -> None:
    """A stop loss behind a list may be meant for all of it: ask, unless each has its own."""
    exits = [any(price.kind in _EXIT_CLAUSES for price in item.prices) for item in items]
    ask_unless(all(exits) or not any(exits), "ambiguous_price", missing=("stop_loss",))


class _Collector:
    """Hands every part to the object it belongs to: clauses follow their object, or stand before the first one."""

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.shared = _Item(What())
        self.excluded: list[str] = []
        self._excluding = False
        self._broken = False

    def add(self, part: Part) -> None:
        if isinstance(part, What):
            self._add_what(part)
        elif isinstance(part, Price):
            self._add_price(part)
        elif isinstance(part, Condition):
            self._here().conditions.append(part)
        elif isinstance(part, Mark) and part.kind == "BREAK":
            self._broken = True
        elif isinstance(part, Mark) and part.kind not in _NOISE and part.kind != "JOIN":
            self._here().marks.append(part)

    def _here(self) -> _Item:
        return self.items[-1] if self.items else self.shared

    def _add_price(self, price: Price) -> None:
        here = self._here()
        pending = here.what.amount if here is not self.shared and not here.what.target else None
        if price.value is None and pending and pending.kind in ("PERCENT", "MONEY") and price.kind in _EXIT_CLAUSES:
            self.items.pop()  # "a 5% trailing stop": the number came first
            self._here().prices.append(replace(price, value=pending.value, unit=pending.kind))
            return
        if price.value is None and pending and price.kind == "LIMIT" and self._stands_before_limit(here.what):
            self.items.pop()  # "with a 150 limit", "$150 limit"
            self._here().prices.append(replace(price, value=pending.value, unit=pending.kind))
            return
        here.prices.append(price)

    def _stands_before_limit(self, what: What) -> bool:
        money = what.amount is not None and what.amount.kind == "MONEY" and not what.flags
        return "WITH" in what.flags or (money and len(self.items) > 1)

    def _add_what(self, what: What) -> None:
        if "EXCEPT" in what.flags or (self._excluding and what.amount is None):
            ask_unless(what.symbol and what.amount is None, "unsupported_exception")
            self.excluded.append(str(what.symbol))
            self._excluding = True
            return
        flags = what.flags | {"BREAK"} if self._broken else what.flags
        if what.amount and what.symbol:
            flags -= {"FOR"}  # "a sell stop at 140 for 10 AAPL"
        self._broken = False
        self.items.append(_Item(replace(what, flags=flags)))

    def has_exit_clause(self) -> bool:
        prices = [p for item in (self.shared, *self.items) for p in item.prices]
        return any(price.kind in _EXIT_CLAUSES for price in prices)

    def items_done(self, verb: str) -> list[_Item]:
        """Join what was written apart ("AAPL, 10 shares", "AAPL for $500") and spread what was said once for all."""
        items: list[_Item] = []
        for item in self.items:
            if not (items and self._joined(items[-1], item, verb)):
                items.append(item)
        items = items or [_Item(What())]
        _inherit_base(items)
        self._spread(items)
        return items

    def _joined(self, before: _Item, item: _Item, verb: str) -> bool:
        """Whether `item` was only more about the object before it."""
        old, new = before.what, item.what
        if "BREAK" in new.flags and (new.target is None or old.target is None):
            return False
        if new.target in FUNDS and verb not in ("SELL", "CLOSE"):
            # "In Bob's account" names another account, not all that is in this one.
            ask_unless(new.amount or new.flags, "unsupported_account")
            if before.funds is not None:
                raise AskBack("ambiguous_quantity", missing=("quantity",))
            before.funds = new
        elif new.target is None and new.amount and _is_unit_price(new, old):
            before.prices.append(Price("AT", new.amount.value, new.amount.kind))
        elif new.target is None and old.amount is None and old.target and old.target not in FUNDS:
            before.what = replace(old, amount=new.amount, flags=old.flags | new.flags)
        elif old.target is None and new.amount is None and new.target and before.funds is None and not before.prices:
            before.what = replace(new, amount=old.amount, flags=old.flags | new.flags)
        elif old.target in FUNDS and old.target and new.symbol and before.funds is None:
            before.what, before.funds = new, old
        else:
            return False
        before.prices += item.prices
        before.conditions += item.conditions
        before.marks += item.marks
        return True

    def _spread(self, items: list[_Item]) -> None:
        """What stands before the first object holds for all; so does a closing word about time or session."""
        last = items[-1]
        closing = [m for m in last.marks if m.kind not in ("OR", "BRACKET")]
        for item in items:
            item.prices[:0] = self.shared.prices
            item.conditions[:0] = self.shared.conditions
            own = {mark.kind for mark in item.marks}
            item.marks += [m for m in self.shared.marks if m.kind not in own]
            if item is not last and not item.marks:
                item.marks += closing


def _inherit_base(items: Sequence[_Item]) -> None:
    """ "Half my cash in AAPL and a quarter in MSFT": a later percentage is of what the first was of."""
    for before, item in itertools.pairwise(items):
        amount = item.what.amount
        if before.funds and not item.funds and amount and amount.kind == "PERCENT":
            item.funds = replace(before.funds, amount=amount)
            item.what = replace(item.what, amount=None)


def _is_unit_price(new: What, old: What) -> bool:
    """ "10 AAPL for $150 each": beside a number of shares, money per piece is the limit."""
    if not (new.amount and new.amount.kind == "MONEY" and old.amount and old.amount.kind == "NUM" and old.symbol):
        return False
    return "PER_SHARE" in new.flags or "EACH" in new.flags


def _is_everything(verb: str, what: What) -> bool:
    if what.target == "EVERYTHING":
        return True
    all_of_it = what.amount is None or what.amount.kind == "ALL" or what.amount.value == HUNDRED
    if verb in ("SELL", "CLOSE") and what.target == "EQUITY" and not what.symbol:
        ask_unless(all_of_it, "unsupported_partial_liquidation")
        return True
    return verb == "CLOSE" and what.target is None and what.amount is not None and what.amount.kind == "ALL"


def _everything(verb: str, items: Sequence[_Item], excluded: Sequence[str]) -> Instruction:
    ask_unless(verb in ("SELL", "CLOSE") and len(items) == 1, "unsupported_combination", missing=("symbol",))
    item = items[0]
    ask_unless(
        item.what.amount is None or item.what.amount.kind == "ALL" or item.what.amount.value == HUNDRED,
        "unsupported_partial_liquidation",
    )
    plain = {"MARKET", "DAY"}.issuperset(mark.kind for mark in item.marks)
    ask_unless(plain and not item.prices and not item.conditions and not item.funds, "unsupported_combination")
    return Instruction(close_all=True, excluded=tuple(excluded))


def _each(items: list[_Item]) -> list[_Item]:
    """Spread "10 each": one amount for every object."""
    if not any("EACH" in item.what.flags for item in items) or len(items) == 1:
        return _mine(items)
    amounts = [item.what.amount for item in items if item.what.amount]
    funds = [item.funds for item in items if item.funds]
    ask_unless(len(amounts) + len(funds) == 1, "ambiguous_quantity", missing=("quantity",))
    if funds:
        return [_Item(item.what, funds[0], item.prices, item.conditions, item.marks) for item in items]
    flags = frozenset().union(*(item.what.flags for item in items)) - {"OF", "IN"}
    return [_with(item, replace(item.what, amount=amounts[0], flags=flags)) for item in items]


def _with(item: _Item, what: What) -> _Item:
    return _Item(what, item.funds, item.prices, item.conditions, item.marks)


def _mine(items: list[_Item]) -> list[_Item]:
    """Carry "my" on to the objects listed after it: "sell my AAPL and MSFT"."""
    if not items or items[0].what.amount or not items[0].what.flags & {"MY"}:
        return items
    return [_with(item, replace(item.what, flags=item.what.flags | {"MY"})) for item in items]


def _split(items: Sequence[_Item]) -> list[_Item]:
    """Divide one amount of money equally: only where it divides into whole cents or hundredths of a percent."""
    amounts = [item.what.amount for item in items if item.what.amount]
    funds = [item.funds for item in items if item.funds]
    ask_unless(len(items) > 1 and len(amounts) + len(funds) == 1, "ambiguous_quantity", missing=("quantity",))
    whole = amounts[0] if amounts else (funds[0].amount or Amount("PERCENT", HUNDRED))
    ask_unless(whole.kind in ("MONEY", "PERCENT"), "ambiguous_units", missing=("unit",))
    part = ((whole.value or Decimal(0)) / len(items)).quantize(Decimal("0.01"))
    ask_unless(part * len(items) == whole.value, "ambiguous_quantity", missing=("quantity",))
    done = []
    for item in items:
        if funds:
            fund = replace(funds[0], amount=Amount("PERCENT", part))
            done.append(_Item(replace(item.what, flags=frozenset()), fund, item.prices, item.conditions, item.marks))
        else:
            what = replace(item.what, amount=Amount(whole.kind, part), flags=frozenset())
            done.append(_with(item, what))
    return done


def _rotation(items: Sequence[_Item], account: Account) -> list[Order]:
    ask_unless(len(items) == 2 and all(item.what.symbol for item in items), "missing_symbol", missing=("symbol",))
    out, into = items
    ask_unless(into.what.flags & {"IN", "FOR", "TO"} and into.what.amount is None, "ambiguous_quantity")
    plain = not (out.prices or into.prices or out.conditions or into.conditions)
    ask_unless(plain, "unsupported_combination")
    sale = _order("CLOSE", _with(out, replace(out.what, flags=out.what.flags - {"FOR", "TO"})), account)
    bought = Size(percent=HUNDRED, percent_of=PercentOf.PROCEEDS)
    fields = priced(Clauses(marks=into.marks), side=Side.BUY, opens=True, crypto="/" in str(into.what.symbol))
    return [sale, Order(side=Side.BUY, symbol=str(into.what.symbol), size=bought, after=0, **fields)]


def _order(verb: str, item: _Item, account: Account) -> Order:
    symbol = _symbol(item)
    size = sized(verb, item.what, item.funds)
    side = side_of(verb, symbol, size, account)
    closes = verb in CLOSING or (verb == "ADJUST" and side is Side.SELL)
    clauses = Clauses(item.prices, item.conditions, item.marks)
    fields = priced(clauses, side=side, opens=not closes, crypto="/" in symbol)
    # "Buy A or B" leaves the choice open; "at 200 or stop at 140" is a pair of exits.
    ask_unless("OR" not in clauses.words() or fields.get("order_class") is OrderClass.OCO, "ambiguous_choice")
    return Order(side=side, symbol=symbol, size=size, intent=_intent(verb, side), **fields)


def _symbol(item: _Item) -> str:
    named = {condition.symbol for condition in item.conditions if condition.symbol}
    symbol = item.what.symbol
    if symbol is None and len(named) == 1 and item.what.target is None:
        return str(named.pop())
    if symbol is None:
        raise AskBack("missing_symbol", missing=("symbol",))
    ask_unless(named <= {symbol}, "unsupported_condition", missing=("condition",))
    return symbol


def _intent(verb: str, side: Side) -> Intent | None:
    if verb == "SHORT":
        return Intent.SHORT
    if verb == "COVER" or (verb in ("CLOSE", "HALVE", "PROTECT") and side is Side.BUY):
        return Intent.COVER
    return None
