"""Order management: cancel, change, halt. Nothing here opens a position."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.orders import Action, Changes, Kind, Reading, Side, Target, TimeInForce

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "SHORT": Side.SELL}
_TYPES = frozenset({"LIMIT", "STOP", "STOP_LIMIT", "STOP_LOSS", "TRAIL", "MARKET", "TAKE_PROFIT"})
_TIFS = {"DAY": TimeInForce.DAY, "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_PLAIN = frozenset({"ORDER", "OPEN", "MY", "OF", "IN", "FOR", "SHARES", "PLACE", "EACH"})
_CANCEL_WORDS = (
    _PLAIN | _TYPES | _SIDES.keys() | {"ALL", "EVERYTHING", "LAST", "SYMBOL", "ORDER_ID", "JOIN", "NUM", "BETWEEN"}
)
_IDS = frozenset({"ORDER_ID", "NUM"})
_STOPS = frozenset({"STOP", "STOP_LOSS", "STOP_LIMIT"})


def halted() -> Reading:
    """The kill switch: cancels always pass, nothing new is submitted."""
    return Reading(kind=Kind.CANCEL, action=Action.HALT)


def cancelled(lexemes: Sequence[Lexeme]) -> tuple[Target, ...]:
    """Return what a cancel instruction targets, one target per symbol or id; raises AskBack where none is named."""
    rest = lexemes[1:]
    kinds = [lexeme.kind for lexeme in rest]
    _refuse_unknown(rest, _CANCEL_WORDS)
    ask_unless("NUM" not in kinds or "ORDER_ID" in kinds, "missing_target", missing=("order_id",))
    sides = {_SIDES[kind] for kind in kinds if kind in _SIDES}
    ask_unless(len(sides) <= 1, "ambiguous_target", missing=("target",))
    side = sides.pop() if sides else None
    # "Orders 12 and 13": once one is an id, a plain number is one too.
    ids = [lexeme.text.lstrip("#") if lexeme.kind == "NUM" else lexeme.value for lexeme in rest if lexeme.kind in _IDS]
    symbols = [lexeme.value for lexeme in rest if lexeme.kind == "SYMBOL"]
    ask_unless(not (ids and symbols), "ambiguous_target", missing=("target",))
    if ids:
        return tuple(Target(order_id=one) for one in ids)
    if symbols:
        return tuple(Target(symbol=one, side=side) for one in symbols)
    plural = "ALL" in kinds or any(_is_all(one) for one in rest) or any(_is_plural(one) for one in rest)
    # "All my stop orders" would need a filter by type that a target does not have.
    ask_unless(not _TYPES.intersection(kinds), "ambiguous_target", missing=("target",))
    if "LAST" in kinds:
        return (Target(last=True),)
    ask_unless(plural, "missing_target", missing=("target",))
    return (Target(side=side) if side else Target(all=True),)


def _is_all(lexeme: Lexeme) -> bool:
    # "All my positions" is one phrase too, and a position cannot be cancelled.
    return lexeme.kind == "EVERYTHING" and lexeme.text.lower() in ("everything", "it all")


def _is_plural(lexeme: Lexeme) -> bool:
    return lexeme.kind == "ORDER" and lexeme.text.lower().startswith("orders")


def changed(lexemes: Sequence[Lexeme]) -> Reading:
    """Return the reading of a replacement: one target, and each new value beside the field it belongs to."""
    rest = lexemes[1:]
    allowed = (
        _CANCEL_WORDS | _TIFS.keys() | {"QUANTITY", "TO", "AT", "MONEY", "IT", "TIF", "JOIN", "PER_SHARE", "WITH", "BY"}
    )
    _refuse_unknown(rest, allowed)
    # "Raise it by 1" needs the price it has now.
    ask_unless(not any(one.kind == "BY" for one in rest), "unsupported_relative_change", missing=("price",))
    return Reading(kind=Kind.CANCEL, action=Action.REPLACE, target=_target(rest), changes=_changes(lexemes))


def _target(rest: Sequence[Lexeme]) -> Target:
    ids = [one.value for one in rest if one.kind == "ORDER_ID"]
    symbols = [one.value for one in rest if one.kind == "SYMBOL"]
    ask_unless(len(ids) + len(symbols) <= 1, "ambiguous_target", missing=("target",))
    side = next((_SIDES[one.kind] for one in rest if one.kind in _SIDES), None)
    if ids:
        return Target(order_id=ids[0])
    if symbols:
        return Target(symbol=symbols[0], side=side)
    ask_unless(any(one.kind == "LAST" for one in rest), "missing_target", missing=("target",))
    return Target(last=True)


def _changes(lexemes: Sequence[Lexeme]) -> Changes:
    field = "raise" if lexemes[0].text.lower() in ("raise", "lower", "increase", "decrease", "reduce") else None
    said: dict[str, Decimal] = {}
    tif = None
    for index, lexeme in enumerate(lexemes[1:], start=1):
        kind = lexeme.kind
        if kind == "QUANTITY":
            field = "qty"
        elif kind in ("LIMIT", "TAKE_PROFIT") or kind in ("IT", "AT"):
            field = field if field == "stop_price" and kind in ("IT", "AT") else "limit_price"
        elif kind in _STOPS:
            field = "stop_price"
        elif kind in _TIFS:
            tif = _TIFS[kind]
        elif kind in ("NUM", "MONEY"):
            shares = lexemes[index + 1].kind == "SHARES" if index + 1 < len(lexemes) else False
            name = _field(field, kind, shares=shares)
            ask_unless(name not in said and lexeme.value > 0, "ambiguous_change", missing=("changes",))
            said[name] = lexeme.value
    ask_unless(said or tif, "missing_changes", missing=("changes",))
    return Changes(tif=tif, **said)


def _field(field: str | None, kind: str, *, shares: bool) -> str:
    if shares:
        return "qty"
    if field in ("qty", "limit_price", "stop_price"):
        ask_unless(field != "qty" or kind == "NUM", "ambiguous_change", missing=("changes",))
        return str(field)
    if kind == "MONEY":
        return "limit_price"
    raise AskBack("ambiguous_change", missing=("qty or limit_price",))


def _refuse_unknown(lexemes: Sequence[Lexeme], allowed: frozenset[str]) -> None:
    unknown = [lexeme for lexeme in lexemes if lexeme.kind not in allowed]
    if unknown:
        raise AskBack("not_understood", missing=(unknown[0].text,))
