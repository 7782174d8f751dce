"""Target weights: "rebalance to 60% SPY and 40% BND, rest in cash"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.figures import Lexeme
from jupyter_autocoder.trade.orders import Kind, Reading, Scope

HUNDRED = Decimal(100)
_WORDS = frozenset(
    [
        "REBALANCE",
        "ADJUST",
        "PUT",
        "RAISE",
        "TRIM",
        "PERCENT",
        "NUM",
        "SYMBOL",
        "CASH",
        "EQUITY",
        "IN",
        "OF",
        "TO",
        "MY",
        "JOIN",
        "REST",
        "UNTOUCHED",
        "NOTHING_ELSE",
        "EQUALLY",
        "HOLDING",
        "WITH",
        "AT",
        "SHARES",
        "FOR",
        "BETWEEN",
        "SPLIT",
        "ALL",
        "MARKET",
        "OPENING",
        "CLOSING",
        "EACH",
    ]
)
_ONE = frozenset({"ADJUST", "RAISE", "TRIM", "PUT"})
_NAME = r"(\$?[A-Za-z.]{1,6})"
_RATIO = re.compile(
    rf"\b(\d{{1,3}})\s?/\s?(\d{{1,3}})\s+(?:split (?:of|between) |in |of )?{_NAME}(?:\s?/\s?| and | & |, ?| ){_NAME}\b"
)


def spread_ratio(text: str) -> str:
    """Write "60/40 SPY/BND" out as weights, where the numbers make a whole."""

    def written_out(found: re.Match[str]) -> str:
        first, second = int(found[1]), int(found[2])
        return f"{first}% {found[3]} and {second}% {found[4]}" if first + second == 100 else found[0]

    return _RATIO.sub(written_out, text)


def weighed(lexemes: Sequence[Lexeme]) -> Reading | None:
    """Return the reading of target weights, None if this is something else; raises AskBack where they are unclear."""
    kinds = [lexeme.kind for lexeme in lexemes]
    verb = next((kind for kind in kinds if kind == "REBALANCE" or kind in _ONE or kind == "SPLIT"), None)
    # "Put" and "invest" buy; only "allocate" says how everything is to be divided.
    buys = any(one.kind == "PUT" and one.text.lower() != "allocate" for one in lexemes)
    if buys or not _is_about_weights(kinds, verb):
        return None
    unknown = [lexeme for lexeme in lexemes if lexeme.kind not in _WORDS]
    if unknown:
        raise AskBack("not_understood", missing=(unknown[0].text,))
    weights, cash = _pairs(lexemes)
    ask_unless(weights, "missing_weights", missing=("target_weights",))
    one = cash is None and _aimed(kinds, verb)
    partial = (one or "UNTOUCHED" in kinds) and "NOTHING_ELSE" not in kinds
    ask_unless(all(weight >= 0 for weight in weights.values()), "invalid_weights")
    total = sum(weights.values(), cash or Decimal(0))
    rest = "REST" in kinds
    ask_unless(total <= HUNDRED, "weights_sum", missing=("target_weights",))
    ask_unless(partial or rest or total == HUNDRED, "weights_sum", missing=("target_weights",))
    return Reading(
        kind=Kind.ORDERS,
        target_weights=weights,
        scope=Scope.PARTIAL if partial else Scope.PORTFOLIO,
        remainder="cash" if rest or cash is not None else None,
    )


def _is_about_weights(kinds: Sequence[str], verb: str | None) -> bool:
    percents, symbols = kinds.count("PERCENT"), kinds.count("SYMBOL")
    if verb == "REBALANCE":
        return True
    if not percents or not symbols:
        return False
    first = next((kind for kind in kinds if kind != "JOIN"), "")
    if verb is None:
        return first in ("PERCENT", "SYMBOL") and percents >= 2 and set(kinds) <= _WORDS
    if verb in _ONE and first == verb:
        return _makes_a_target(kinds, verb, percents, symbols)
    return False


def _makes_a_target(kinds: Sequence[str], verb: str, percents: int, symbols: int) -> bool:
    """Whether "set AAPL to 10% of my portfolio" or "allocate 60% to SPY, 40% to BND" is said, and not "put 10% in"."""
    if percents == 1 and symbols == 1:
        return _aimed(kinds, verb)
    funds = {"CASH", "EQUITY", "BUYING_POWER", "PROCEEDS"} & set(kinds)
    return verb in ("PUT", "ADJUST") and percents >= 2 and not funds - {"CASH", "EQUITY"} and percents >= symbols


def _aimed(kinds: Sequence[str], verb: str | None) -> bool:
    at = kinds.index("PERCENT") if "PERCENT" in kinds else 0
    before = "SYMBOL" in kinds[:at] and ("TO" in kinds[:at] or verb == "ADJUST")
    return before and "EQUITY" in kinds[at:]


def _pairs(lexemes: Sequence[Lexeme]) -> tuple[dict[str, Decimal], Decimal | None]:
    """Pair every percentage with its symbol, in whichever order they were written throughout."""
    marks = [x for x in lexemes if x.kind in ("PERCENT", "SYMBOL", "CASH", "NUM")]
    if "EQUALLY" in [x.kind for x in lexemes]:
        return _equal(marks), None
    marks = [x for x in marks if x.kind != "NUM"] if any(x.kind == "PERCENT" for x in marks) else marks
    if "EACH" in [x.kind for x in lexemes] and [x.kind for x in marks].count("PERCENT") == 1:
        return _each(marks), None
    ask_unless(marks and len(marks) % 2 == 0, "missing_weights", missing=("target_weights",))
    weights: dict[str, Decimal] = {}
    cash: Decimal | None = None
    first_is_number = marks[0].kind == "PERCENT"
    for one, two in zip(marks[::2], marks[1::2], strict=True):
        number, name = (one, two) if first_is_number else (two, one)
        ask_unless(number.kind == "PERCENT" and name.kind in ("SYMBOL", "CASH"), "missing_weights")
        if name.kind == "CASH":
            ask_unless(cash is None, "ambiguous_weights")
            cash = number.value
            continue
        ask_unless(name.value not in weights, "ambiguous_weights")
        weights[name.value] = number.value
    return weights, cash


def _each(marks: Sequence[Lexeme]) -> dict[str, Decimal]:
    weight = next(mark.value for mark in marks if mark.kind == "PERCENT")
    names = [mark.value for mark in marks if mark.kind == "SYMBOL"]
    ask_unless(len(names) > 1 and len(names) + 1 == len(marks) == len(set(names)) + 1, "ambiguous_weights")
    return dict.fromkeys(names, weight)


def _equal(marks: Sequence[Lexeme]) -> dict[str, Decimal]:
    names = [mark.value for mark in marks if mark.kind == "SYMBOL"]
    ask_unless(len(names) > 1 and len(names) == len(marks) == len(set(names)), "ambiguous_weights")
    weight = (HUNDRED / len(names)).quantize(Decimal("0.01"))
    ask_unless(weight * len(names) == HUNDRED, "weights_sum", missing=("target_weights",))
    return dict.fromkeys(names, weight)
