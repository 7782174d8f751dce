"""How much an order moves: shares, dollars, or a percentage of something that was named."""

from __future__ import annotations

from decimal import Decimal

from jupyter_autocoder.trade.account import Account
from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.orders import PercentOf, Side, Size
from jupyter_autocoder.trade.parts import Amount, What

HUNDRED = Decimal(100)
FUNDS = {
    "CASH": PercentOf.CASH,
    "BUYING_POWER": PercentOf.BUYING_POWER,
    "EQUITY": PercentOf.EQUITY,
    "PROCEEDS": PercentOf.PROCEEDS,
}
CLOSING = frozenset({"SELL", "CLOSE", "TRIM", "COVER", "HALVE", "PROTECT"})
_WHOLE = frozenset({"CLOSE", "COVER"})


def sized(verb: str, what: What, funds: What | None) -> Size:
    """Return the size of an order; raises AskBack where the words leave it open."""
    if funds is not None:
        return _funded(what, funds)
    amount = what.amount
    if amount is None:
        return _unsaid(verb, what)
    if amount.kind == "NUM":
        return _shares(verb, amount, what.flags)
    if amount.kind == "MONEY":
        ask_unless("TO" not in what.flags, "ambiguous_quantity", missing=("quantity",))
        return Size(notional=_positive(amount))
    ask_unless("TO" not in what.flags, "ambiguous_quantity", missing=("quantity",))
    return _percentage(verb, amount)


def _positive(amount: Amount) -> Decimal:
    value = amount.value or Decimal(0)
    ask_unless(value > 0, "invalid_quantity", missing=("quantity",))
    return value


def _funded(what: What, funds: What) -> Size:
    share = funds.amount
    ask_unless(what.amount is None or what is funds, "contradictory", missing=("quantity",))
    if share is None or share.kind == "ALL":
        return Size(percent=HUNDRED, percent_of=FUNDS[str(funds.target)])
    if share.kind == "MONEY":
        return Size(notional=_positive(share))  # "$500 of my cash"
    ask_unless(share.kind == "PERCENT", "ambiguous_quantity", missing=("quantity",))
    return Size(percent=_at_most_all(share), percent_of=FUNDS[str(funds.target)])


def _unsaid(verb: str, what: What) -> Size:
    mine = bool(what.flags & {"MY", "HOLDING"})
    if verb == "HALVE":
        return Size(percent=Decimal(50), percent_of=PercentOf.POSITION)
    if verb == "DOUBLE" or verb in _WHOLE or (verb in ("SELL", "PROTECT") and mine):
        return Size(percent=HUNDRED, percent_of=PercentOf.POSITION)
    raise AskBack("missing_quantity", missing=("quantity",))


def _shares(verb: str, amount: Amount, flags: frozenset[str]) -> Size:
    value = amount.value or Decimal(0)
    if "TO" in flags and verb in ("TRIM", "RAISE", "ADJUST"):
        return Size(target_qty=value)
    ask_unless("TO" not in flags, "missing_side", missing=("side",))
    bare = "SHARES" not in flags and "EACH" not in flags
    # "500 of AAPL" and "put 500 in AAPL" may be shares or dollars; "10 AAPL" is shares.
    ask_unless(not (bare and (flags & {"OF", "IN", "BETWEEN"} or verb == "PUT")), "ambiguous_units", missing=("unit",))
    ask_unless(not (bare and flags & {"FOR", "WITH"}), "ambiguous_quantity", missing=("unit",))
    return Size(qty=_positive(amount))


def _percentage(verb: str, amount: Amount) -> Size:
    percent = HUNDRED if amount.kind == "ALL" else _at_most_all(amount)
    if verb in CLOSING or (verb == "RAISE" and amount.kind == "PERCENT"):
        ask_unless(verb != "HALVE", "contradictory")
        return Size(percent=percent, percent_of=PercentOf.POSITION)
    raise AskBack("missing_base", missing=("percent_of",))


def _at_most_all(amount: Amount) -> Decimal:
    percent = _positive(amount)
    ask_unless(percent <= HUNDRED, "invalid_quantity", missing=("quantity",))
    return percent


def side_of(verb: str, symbol: str, size: Size, account: Account) -> Side:
    """Return which way an order goes; closing a short is a buy, and a final holding compares with what is held."""
    if verb in ("BUY", "COVER", "RAISE", "DOUBLE", "PUT"):
        return Side.BUY
    if verb in ("SELL", "SHORT", "TRIM"):
        return Side.SELL
    held = account.held(symbol)
    if verb == "ADJUST":
        ask_unless(size.target_qty is not None and held and size.target_qty != held, "missing_side", missing=("side",))
        return Side.BUY if size.target_qty and size.target_qty > held else Side.SELL
    return Side.BUY if held < 0 else Side.SELL
