"""The price table, a person's own over it, and the arithmetic."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.llm.prices import Model, Tokens, load
from jupyter_autocoder.settings import Settings

CHAIN = ("gpt-4o", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna")


@pytest.mark.parametrize("name", [*CHAIN, Settings().model.embedding])
def test_every_default_model_has_a_price_and_a_window(name: str) -> None:
    model = load().find(name)

    assert model.priced
    assert model.window


def test_table_says_its_date_and_where_it_comes_from() -> None:
    table = load()

    assert isinstance(table.as_of, datetime.date)
    assert "public" in table.source


def test_shutdown_dates_of_the_chain() -> None:
    found = {name: load().find(name).shutdown for name in CHAIN}

    assert found == {
        "gpt-4o": datetime.date(2027, 1, 14),
        "gpt-4-turbo": datetime.date(2026, 10, 23),
        "gpt-3.5-turbo": datetime.date(2026, 10, 23),
        "gpt-6-luna": None,
    }


@pytest.mark.parametrize(
    ("name", "tokens", "cost"),
    [
        ("gpt-4o", Tokens(), 0),
        ("gpt-4o", Tokens(input=1_000_000), 2_500_000),
        ("gpt-4o", Tokens(input=1_000_000, cached=1_000_000), 1_250_000),
        ("gpt-4o", Tokens(output=1_000_000), 10_000_000),
        ("gpt-4o", Tokens(input=1), 3),
        ("gpt-3.5-turbo", Tokens(input=100, cached=100), 50),
        ("gpt-6-luna", Tokens(input=1000, written=1000), 125),
        ("gpt-6-luna", Tokens(input=271_999), 27_200),
        ("gpt-6-luna", Tokens(input=272_000, output=1000), 54_400 + 750),
        ("text-embedding-3-small", Tokens(input=1_000_000), 20_000),
        ("no-such-model", Tokens(input=1), None),
    ],
)
def test_cost_is_in_whole_micro_usd_rounded_up(name: str, tokens: Tokens, cost: int | None) -> None:
    assert load().find(name).cost(tokens) == cost


def test_ceiling_is_never_below_any_bill() -> None:
    model = load().find("gpt-6-luna")
    ceiling = model.ceiling(input_tokens=5000, output_tokens=100)

    for cached, written in [(0, 0), (5000, 0), (0, 5000), (2000, 3000)]:
        bill = model.cost(Tokens(input=5000, cached=cached, written=written, output=100))
        assert bill is not None
        assert ceiling is not None
        assert bill <= ceiling


@pytest.mark.parametrize("snapshot", ["gpt-4o-2024-11-20", "gpt-3.5-turbo-0125", "gpt-6-luna-2026-09-22"])
def test_snapshot_costs_what_its_model_costs(snapshot: str) -> None:
    found = load().find(snapshot)

    assert found.name == snapshot
    assert found.priced


def test_snapshot_with_a_row_of_its_own_has_that_price() -> None:
    assert load().find("gpt-4o-2024-05-13").input == 5_000_000


@pytest.mark.parametrize("name", ["gpt-4o-realtime-preview", "ft:gpt-4o-2024-08-06:me::1", "gpt", ""])
def test_names_that_only_look_alike_have_no_price(name: str) -> None:
    assert not load().find(name).priced


def test_own_file_is_laid_over_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text("[models.gpt-4o]\ninput = 1\n[models.mine]\ninput = 2\noutput = 3\nshutdown = 2030-01-01\n")

    table = load(str(path))

    assert (table.find("gpt-4o").input, table.find("gpt-4o").output) == (1, 10_000_000)
    assert table.find("mine").cost(Tokens(input=1_000_000, output=1_000_000)) == 5
    assert table.own == {"gpt-4o", "mine"}
    assert load().find("gpt-4o").input == 2_500_000


def test_local_model_is_free_unless_its_own_file_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text("[models.llama]\ninput = 2\noutput = 3\n")
    table = load(str(path))

    assert table.find_local("gpt-6-luna").cost(Tokens(input=10**9, output=10**9)) == 0
    assert table.find_local("unheard-of").cost(Tokens(input=10**9)) == 0
    assert table.find_local("llama").cost(Tokens(input=1_000_000)) == 2


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[models.a]\nprice = 1", "'price' is no key"),
        ("[models.a]\ninput = 2.5", "input is 2.5"),
        ("[models.a]\ninput = true", "input is True"),
        ("[models.a]\ninput = -1", "input is -1"),
        ("[models.a]\ninput = 1000000000001", "input is 1000000000001"),
        ('[models.a]\nshutdown = "2026-01-01"', "shutdown is"),
        ("[model.a]\ninput = 1", "'model'|model"),
        ("as_of = 3", "as_of"),
        ("models = 7", "models"),
        ("[models]\na = 7", "models.a"),
        ("[models.a\n", "cannot be read"),
    ],
)
def test_mistake_in_the_own_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)

    with pytest.raises(SettingsError, match=named) as caught:
        load(str(path))

    assert caught.value.source == str(path)


def test_own_file_without_an_end_is_not_read(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe", tmp_path / "large.toml"
    os.mkfifo(pipe)
    large.write_text("#" * 1_000_001)

    for path in (pipe, large, tmp_path):
        with pytest.raises(SettingsError, match="it is no file of at most 1,000,000 bytes"):
            load(str(path))


def test_own_file_that_is_missing_is_an_error_and_not_the_default() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load("/nowhere/prices.toml")


def test_unknown_is_never_zero() -> None:
    assert Model(name="x", input=5).cost(Tokens(input=1)) is None
    assert Model(name="x", output=5).cost(Tokens(output=1)) is None
