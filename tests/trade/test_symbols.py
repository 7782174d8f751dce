"""The symbol table, the vocabulary and the figures: exact, or asked about."""

from __future__ import annotations

from decimal import Decimal

import pytest

from jupyter_autocoder.trade import numbers, vocabulary
from jupyter_autocoder.trade.symbols import ordinary, table, words_of
from jupyter_autocoder.trade.text import cleaned


def test_the_table_is_shipped_with_its_date() -> None:
    symbols = table()

    assert symbols.as_of.startswith("20")
    assert len(symbols.listings) > 10_000
    assert symbols.name("AAPL") == "Apple Inc."


def test_every_alias_leads_to_a_listed_symbol() -> None:
    symbols = table()

    lost = [s for words in symbols.said for s in symbols.names[words] if s not in symbols and not s.endswith("/USD")]

    assert not lost


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Apple", ("AAPL",)),
        ("apple inc", ("AAPL",)),
        ("AT&T", ("T",)),
        ("Johnson and Johnson", ("JNJ",)),
        ("McDonald's", ("MCD",)),
        ("Facebook", ("META",)),
        ("Google", ("GOOGL", "GOOG")),
        ("Berkshire Hathaway", ("BRK.A", "BRK.B")),
        ("Five Below", ("FIVE",)),
        ("3M", ("MMM",)),
        ("Telsa", ()),
        ("American", ()),
    ],
)
def test_a_name_is_found_whole_or_not_at_all(name: str, found: tuple[str, ...]) -> None:
    words = words_of(name)

    assert table().longest_name(words) == (len(words) if found else 0, found)


@pytest.mark.parametrize(
    ("word", "candidate"),
    [("Telsa", "TSLA"), ("APPL", "AAPL"), ("Gogle", "GOOGL"), ("American", "AAL"), ("NVIDA", "NVDA")],
)
def test_likeness_only_suggests(word: str, candidate: str) -> None:
    symbols = table()

    assert candidate in symbols.candidates(word)
    assert word.upper() not in symbols


def test_ordinary_words_are_tickers_that_need_capitals() -> None:
    assert {"now", "all", "love", "gold"} <= ordinary()["tickers"]
    assert not [word for word in ordinary()["tickers"] if word.upper() not in table()]


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("byu", "buy"),
        ("sel", "sell"),
        ("purchse", "purchase"),
        ("shaers", "shares"),
        ("limt", "limit"),
        ("markt", "market"),
        ("cancle", "cancel"),
        ("liquidte", "liquidate"),
        ("trailng", "trailing"),
        ("telsa", None),
        ("sold", None),
        ("bought", None),
        ("not", None),
        ("never", None),
        ("xx", None),
        ("supercalifragilistic", None),
    ],
)
def test_a_keyword_is_forgiven_and_nothing_else(misspelt: str, meant: str | None) -> None:
    assert vocabulary.forgiven(misspelt) == meant


@pytest.mark.parametrize(
    ("phrase", "terminal", "words"),
    [
        ("buy 10", "BUY", 1),
        ("buy to cover 10", "COVER", 3),
        ("sell short 5", "SHORT", 2),
        ("at the close now", "CLS", 3),
        ("close my", "CLOSE", 1),
        ("good til cancelled", "GTC", 3),
        ("with a stop loss at 140", "STOP_LOSS", 5),
        ("no more than 150", "CAP", 3),
    ],
)
def test_the_longest_phrase_wins(phrase: str, terminal: str, words: int) -> None:
    assert vocabulary.match(phrase.split()) == (terminal, words)


def test_no_phrase_begins_with_a_word_that_forbids_an_order_but_the_price_limits() -> None:
    starts = {
        word: node for word, node in vocabulary.phrases().following.items() if word in {"not", "never", "dont", "no"}
    }

    terminals = set()
    for node in starts.values():
        terminals |= _terminals(node)

    assert terminals <= {"CAP", "FLOOR", "UNASKED", "UNTOUCHED"}


def _terminals(node: vocabulary.Node) -> set[str]:
    below = [_terminals(following) for following in node.following.values()]
    return set().union({node.terminal} if node.terminal else set(), *below)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", "10"),
        ("1,000", "1000"),
        ("1.5k", "1500"),
        (".5", "0.5"),
        ("1,250.50", "1250.5"),
        ("2m", "2000000"),
        ("0.125", "0.125"),
        ("1/2", "0.5"),
        ("1/3", "0.3333"),
    ],
)
def test_digits_are_read_as_they_are_written_in_english(text: str, value: str) -> None:
    written = numbers.written_at(text, 0)

    assert written
    assert written.value == Decimal(value)


@pytest.mark.parametrize(
    "text", ["1.000", "12.500", "10-12", "1,5", "1,00", "1.000.000", "1.234,56", "1,0000", "$5-$6"]
)
def test_digits_with_two_readings_have_no_value(text: str) -> None:
    written = numbers.written_at(text, 0)

    assert written
    assert written.value is None


@pytest.mark.parametrize("text", ["", "a", "-1", " 1", "x10"])
def test_what_begins_otherwise_is_no_number(text: str) -> None:
    assert numbers.written_at(text, 0) is None


@pytest.mark.parametrize(
    ("words", "value", "count"),
    [
        ("ten shares", "10", 1),
        ("twenty five", "25", 2),
        ("one hundred and fifty shares", "150", 4),
        ("a hundred", "100", 2),
        ("twelve hundred", "1200", 2),
        ("two thousand five hundred", "2500", 4),
        ("three million", "3000000", 2),
        ("a dozen", "12", 2),
        ("half a dozen", "6", 3),
        ("two and a half", "2.5", 4),
        ("three point one four", "3.14", 4),
        ("half", "0.5", 1),
        ("a third", "0.3333", 2),
        ("three quarters", "0.75", 2),
        ("five twenty", "5", 1),
        ("ten five", "10", 1),
        ("five and msft", "5", 1),
    ],
)
def test_a_number_in_words_takes_only_its_own_words(words: str, value: str, count: int) -> None:
    number = numbers.spelled(words.split())

    assert number
    assert (number.value, number.count) == (Decimal(value), count)


@pytest.mark.parametrize("words", ["", "a", "a share", "hundred", "point five", "and", "msft"])
def test_other_words_are_no_number(words: str) -> None:
    assert numbers.spelled(words.split()) is None


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("A\u0410PL", "lookalike_character"),
        ("AA\u200bPL", "hidden_character"),
        ("\u202eLPAA", "hidden_character"),
        ("\uff21APL", "lookalike_character"),
        ("a\u0301", "hidden_character"),
        ("\x00", "control_character"),
        ("\u8cb7\u3044", "unsupported_language"),
        ("caf\u00e9", None),
        ("don\u2019t \u2014 1\u00a0000", None),
    ],
)
def test_characters_that_deceive_are_found(raw: str, problem: str | None) -> None:
    assert cleaned(raw).problem == problem
