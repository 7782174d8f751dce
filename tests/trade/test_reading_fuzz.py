"""Fuzzing the reader: never a crash, never a ticket from noise, and what the grammar makes is read back."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import jupyter_autocoder.trade as trade
from jupyter_autocoder.trade import read_command
from jupyter_autocoder.trade.orders import Kind, Order, Reading, canonical
from jupyter_autocoder.trade.symbols import table
from jupyter_autocoder.trade.terms import names

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GRAMMAR = (Path(trade.__file__).parent / "grammar.lark").read_text()
TERMINALS = [name for line in re.findall(r"^%declare (.+)$", GRAMMAR, re.M) for name in line.split()]
SYMBOLS = names("AAPL MSFT BRK.B F T BTC/USD $TSLA Apple 3M ALL NOW Telsa Google")
WORDS = names(
    "buy sell short cover close cancel change halt rebalance trim put split swap my all half the of to at in with "
    "for on and then or , ; . ? ! @ limit stop loss take profit trailing market order shares "
    "share dollars percent % cash "
    "portfolio position proceeds gtc day ioc open after hours if it falls drops hits above below not never should "
    "can i you yes maybe tomorrow every monday 10 1.5 150 $500 1,000 1.000 10-12 60% a dozen hundred everything except"
)
ANY_WORDS = st.lists(st.sampled_from(sorted(WORDS | SYMBOLS)), max_size=14)
FORBIDDING = st.sampled_from(["not", "never", "should", "maybe", "?"])
DECEIVING = "\u200b\u200d\u202e\u2066\u00ad\u0430\u0391\uff21"
NUMBERS = st.decimals(min_value="0.01", max_value="99999", places=2).filter(lambda number: number > 0)


def _check(reading: Reading) -> None:
    form = reading.to_dict()
    assert form["kind"] in {kind.value for kind in Kind}
    for order in form.get("orders", []):
        assert Order.from_dict(order).to_dict() == order
        assert order["symbol"] in table() or "/" in order["symbol"]
        assert order["type"]
        assert order["tif"]
    if reading.kind in (Kind.NONE, Kind.CLARIFY, Kind.QUERY):
        assert not form.keys() & {"orders", "target_weights", "close_all", "cancels", "action"}


@FUZZ
@given(st.text(max_size=300))
@example("\ud800")
@example("\x00")
@example("ﷺ" * 50)
@example("½½½½")
def test_any_text_is_read_without_a_crash(text: str) -> None:
    _check(read_command(text))


@FUZZ
@given(
    st.text(
        alphabet=st.characters(min_codepoint=128, exclude_categories=["Cs"]),
        max_size=80,
    )
)
def test_noise_of_other_characters_never_becomes_a_ticket(text: str) -> None:
    assert not read_command(text).acts


@FUZZ
@given(ANY_WORDS.map(" ".join))
def test_known_words_in_any_order_are_read_without_a_crash(text: str) -> None:
    _check(read_command(text))


@FUZZ
@given(ANY_WORDS, FORBIDDING)
def test_known_words_with_one_that_forbids_never_become_an_order(words: list[str], forbids: str) -> None:
    for at in range(len(words) + 1):
        reading = read_command(" ".join([*words[:at], forbids, *words[at:]]))

        # "not above 150" is a price, and the only harmless use of these words here.
        harmless = forbids == "not" and at < len(words) and words[at] in ("above", "below")
        assert harmless or not (reading.orders or reading.target_weights or reading.close_all), reading


@FUZZ
@given(
    st.sampled_from(["buy", "sell", "short"]),
    NUMBERS,
    st.sampled_from(["AAPL", "MSFT", "BRK.B", "F", "TSLA"]),
    NUMBERS,
    st.sampled_from(["at {}", "limit {}", "at ${}", "with a limit of {}", "@ {}", "at {} or better"]),
    st.sampled_from(["", " gtc", " ioc", " fok", " good till cancelled", ", day order"]),
    st.booleans(),
)
def test_a_limit_order_reads_back_to_the_last_digit(
    verb: str, shares: Decimal, symbol: str, price: Decimal, clause: str, tif: str, lower: bool
) -> None:
    text = f"{verb} {canonical(shares)} {symbol} {clause.format(canonical(price))}{tif}"

    reading = read_command(text.lower() if lower else text)

    assert reading.kind is Kind.ORDER, reading
    order = reading.orders[0]
    assert (order.symbol, order.size.qty, order.limit_price) == (symbol, shares, price)


@FUZZ
@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=7))
def test_a_symbol_that_no_table_holds_never_resolves(symbol: str) -> None:
    reading = read_command(f"Buy 10 shares of {symbol}")

    known = symbol in table() or bool(table().names.get((symbol.lower(),)))
    assert known or not reading.acts, reading


@FUZZ
@given(
    st.sampled_from(["AAPL", "TSLA", "MSFT"]),
    st.integers(0, 3),
    st.sampled_from("\u200b\u200d\u202e\u2066\u00ad\u0430\u0391\uff21"),
)
def test_a_deceiving_character_inside_a_symbol_never_resolves(symbol: str, at: int, char: str) -> None:
    reading = read_command(f"buy 10 {symbol[:at]}{char}{symbol[at:]}")

    assert reading.kind is Kind.CLARIFY


@FUZZ
@given(st.lists(st.sampled_from(TERMINALS), max_size=12))
def test_what_the_grammar_accepts_never_crashes_the_steps_behind_it(kinds: list[str]) -> None:
    _check(read_command(" ".join(_spoken(kind) for kind in kinds)))


def _spoken(kind: str) -> str:
    """A phrase for a terminal, so that sentences come from the grammar's own alphabet."""
    spoken = {
        "NUM": "10", "MONEY": "$500", "PERCENT": "5%", "PART": "half", "SYMBOL": "AAPL", "AT": "@", "JOIN": ",",
        "STOP_LOSS": "stop loss", "STOP_LIMIT": "stop limit", "TAKE_PROFIT": "take profit", "TRAIL": "trailing stop",
        "DOWN": "falls to", "UP": "rises to", "REACH": "hits", "EXTENDED": "after hours", "PER_SHARE": "per share",
        "OR_BETTER": "or better", "OR_LESS": "or less", "OR_MORE": "or more", "CAP": "at most", "FLOOR": "at least",
        "BUYING_POWER": "buying power", "EQUITY": "portfolio", "BREAK": ";", "OPG": "at the open",
        "CLS": "at the close", "RAISE": "increase", "ADJUST": "bring", "ROTATE": "swap",
        "PLACE": "place an", "MORE": "more",
    }  # fmt: skip
    return spoken.get(kind, kind.lower())


PLAIN_NUMBER = re.compile(r"[$]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+|\d*\.\d+)(k|m|mm|b|bn)?", re.IGNORECASE)
SCALES = {"": 1, "k": 10**3, "m": 10**6, "mm": 10**6, "b": 10**9, "bn": 10**9}


@settings(parent=FUZZ, max_examples=1500)
@given(st.sampled_from(["buy {} AAPL", "sell {} AAPL", "buy {} shares of AAPL"]),
       st.text(alphabet="0123456789.,kmb-+$'_ex~()", min_size=1, max_size=6))  # fmt: skip
@example("buy {} AAPL", "-5")
@example("buy {} AAPL", "- 5")
@example("buy {} AAPL", ",5")
@example("buy {} AAPL", "5+")
@example("sell {} AAPL", "06/20")
@example("buy {} AAPL", "$5%")
@example("buy {} AAPL", "1e3")
@example("buy {} AAPL", "me.1")
def test_an_amount_is_what_is_written_or_is_asked_about(form: str, written: str) -> None:
    reading = read_command(form.format(written))

    if reading.kind is Kind.ORDER:
        size = reading.orders[0].size
        # "buy me .1 AAPL" is said as well.
        number = PLAIN_NUMBER.fullmatch(written.removeprefix("me").lstrip("+").rstrip(".,+"))
        assert number
        said = Decimal(number[1].replace(",", "")) * SCALES[(number[2] or "").lower()]
        assert said == (size.qty or size.notional)
