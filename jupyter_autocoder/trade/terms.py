"""The closed words an order is made of, and the form of its numbers."""

from __future__ import annotations

import enum
from decimal import Decimal, InvalidOperation


class Side(enum.StrEnum):
    """Which way shares move; a short sale is a sell and a cover is a buy, told apart by `Intent`."""

    BUY = "buy"
    SELL = "sell"


class OrderType(enum.StrEnum):
    """How the price is decided."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(enum.StrEnum):
    """How long an order waits; `OPG` fills in the opening auction only, `CLS` in the closing one."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class Intent(enum.StrEnum):
    """Said only where a side alone misleads: opening a short, or buying one back."""

    SHORT = "short"
    COVER = "cover"


class OrderClass(enum.StrEnum):
    """An entry with both exits, an exit pair on a holding, an entry with one exit."""

    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"


class PercentOf(enum.StrEnum):
    """What a percentage is a percentage of."""

    POSITION = "position"
    CASH = "cash"
    EQUITY = "equity"
    BUYING_POWER = "buying_power"
    PROCEEDS = "proceeds"


class Scope(enum.StrEnum):
    """Whether target weights speak of everything (the rest goes to zero) or only of what they name."""

    PORTFOLIO = "portfolio"
    PARTIAL = "partial"


class Kind(enum.StrEnum):
    """What a sentence is; only `ORDER`, `ORDERS` and `CANCEL` can lead to a ticket."""

    ORDER = "order"
    ORDERS = "orders"
    CANCEL = "cancel"
    QUERY = "query"
    NONE = "none"
    CLARIFY = "clarify"


class Action(enum.StrEnum):
    """Order management; `HALT` stops all trading and always passes."""

    CANCEL = "cancel"
    REPLACE = "replace"
    HALT = "halt"


class Query(enum.StrEnum):
    """Questions that are answered by reading, never by moving anything."""

    POSITIONS = "positions"
    POSITION = "position"
    BALANCE = "balance"
    BUYING_POWER = "buying_power"
    PNL = "pnl"
    ORDERS = "orders"
    ORDER_STATUS = "order_status"
    FILLS = "fills"
    QUOTE = "quote"
    MARKET_CLOCK = "market_clock"
    ALLOCATION = "allocation"
    PORTFOLIO_VALUE = "portfolio_value"
    MODE = "mode"


class ReadBy(enum.StrEnum):
    """Who turned the words into the reading; a model's reading is marked on the ticket."""

    GRAMMAR = "grammar"
    MODEL = "model"


def names(words: str) -> frozenset[str]:
    """Return the words of a line as a set: long sets of names stay readable."""
    return frozenset(words.split())


def canonical(amount: Decimal) -> str:
    """Write an amount as digits only: ``Decimal("150.10")`` is ``"150.1"``, ``Decimal("1E+3")`` is ``"1000"``."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def amount(text: object) -> Decimal | None:
    """Read a canonical decimal string; None stays None, and anything but a string is refused."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"an amount is a string of digits, not {type(text).__name__}")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not an amount: {text!r}") from None
