"""Settings: layers, types, and what an administrator locks."""

from __future__ import annotations

import typing
from dataclasses import fields
from pathlib import Path

import pytest

from jupyter_autocoder.errors import SettingLocked, SettingsError
from jupyter_autocoder.settings import FILE_ONLY, TIGHTEN_ONLY, Settings, TradeSettings, load


@pytest.fixture
def system(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder


@pytest.fixture
def person(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_without_files_the_free_tier_holds() -> None:
    settings = load({}, directories=[], system=[])

    assert settings.limits.profile == "free"
    assert settings.model.name == "gpt-4o"
    assert settings.trade.mode == "paper"


def test_a_later_layer_wins(system: Path, person: Path) -> None:
    (system / "autocoder.toml").write_text('[model]\nname = "a"\ndeadline = 10\n[notebook]\nattempts = 5\n')
    (person / "autocoder.toml").write_text('[model]\nname = "b"\n')

    settings = load({"AUTOCODER_NOTEBOOK_ATTEMPTS": "2"}, directories=[person], system=[system])

    assert (settings.model.name, settings.model.deadline, settings.notebook.attempts) == ("b", 10.0, 2)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[model]\nnmae = 'x'\n", "model.nmae"),
        ("[modle]\nname = 'x'\n", "modle.name"),
        ("[model]\nname = 3\n", "model.name"),
        ("[limits]\nrequests_per_day = true\n", "limits.requests_per_day"),
        ("[limits]\nrequests_per_day = 2.5\n", "limits.requests_per_day"),
        ("[sandbox]\nbackend = 'none'\n", "sandbox.backend"),
        ("[trade]\nmode = 'lvie'\n", "trade.mode"),
        ("[trade]\nmode = 'LIVE'\n", "trade.mode"),
        ("[policy]\nimports = 'os'\n", "policy.imports"),
        ("name = 'x'\n", "name"),
        ("[locked]\nx = 1\n", "locked"),
    ],
)
def test_a_wrong_key_or_type_names_file_and_key(person: Path, text: str, key: str) -> None:
    (person / "autocoder.toml").write_text(text)

    with pytest.raises(SettingsError) as caught:
        load({}, directories=[person], system=[])

    assert caught.value.key == key
    assert str(person / "autocoder.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("AUTOCODER_MODEL_NMAE", "x"), ("AUTOCODER_LIMITS_REQUESTS_PER_DAY", "many"), ("AUTOCODER_X", "")],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value}, directories=[], system=[])


def test_broken_toml_names_the_file_and_is_not_taken_for_absent(person: Path) -> None:
    (person / "autocoder.toml").write_text("[model\n")

    with pytest.raises(SettingsError, match="cannot be read"):
        load({}, directories=[person], system=[])


def test_a_locked_key_cannot_be_changed_by_any_layer_and_the_error_names_the_file(system: Path, person: Path) -> None:
    file = system / "autocoder.toml"
    file.write_text("[locked.limits]\nrequests_per_day = 50\n")
    settings = load({}, directories=[], system=[system])

    (person / "autocoder.toml").write_text("[limits]\nrequests_per_day = 500\n")
    with pytest.raises(SettingLocked, match=str(file)):
        load({}, directories=[person], system=[system])
    with pytest.raises(SettingLocked, match=str(file)):
        load({"AUTOCODER_LIMITS_REQUESTS_PER_DAY": "500"}, directories=[], system=[system])
    with pytest.raises(SettingLocked, match=str(file)):
        settings.replace("%%autocode", limits__requests_per_day=500)
    assert settings.replace("%%autocode", limits__requests_per_day=50) == settings


def test_a_user_cannot_hide_the_system_file_by_a_variable(system: Path) -> None:
    (system / "autocoder.toml").write_text("[locked.limits]\nrequests_per_day = 50\n")

    settings = load({"JUPYTER_NO_CONFIG": "1"}, directories=[], system=[system])

    assert settings.limits.requests_per_day == 50


def test_fallback_false_means_none(person: Path) -> None:
    (person / "autocoder.toml").write_text("[model]\nfallback = false\n")

    assert load({}, directories=[person], system=[]).model.fallback == ()


def test_replace_makes_a_new_object() -> None:
    settings = Settings()

    changed = settings.replace("option", model__name="x")

    assert (settings.model.name, changed.model.name) == ("gpt-4o", "x")


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("sandbox", "wall_time = nan"),
        ("sandbox", "wall_time = inf"),
        ("sandbox", "wall_time = 0"),
        ("sandbox", "memory = -5"),
        ("sandbox", "pool = -1"),
        ("sandbox", "pool_idle = nan"),
        ("notebook", "attempts = 0"),
        ("notebook", "rows_shown = -1"),
        ("model", "deadline = 0"),
        ("model", f"deadline = {10**400}"),
        ("limits", "usd_per_day = nan"),
        ("limits", "requests_per_day = -1"),
        ("chat", "sandboxes = 0"),
        ("trade", "retention_days = -1"),
        ("trade", "retention_days = 1000000000000"),
        ("trade", "market_ttl = 0"),
        ("trade", "limit_ttl = 1e300"),
    ],
)
def test_a_number_out_of_bounds_names_file_and_key(person: Path, section: str, line: str) -> None:
    (person / "autocoder.toml").write_text(f"[{section}]\n{line}\n")

    with pytest.raises(SettingsError, match=str(person / "autocoder.toml")) as caught:
        load({}, directories=[person], system=[])

    assert caught.value.key == f"{section}.{line.split()[0]}"


NUMBERS = [
    f"{section.name}.{name}"
    for section in fields(Settings)
    for name, kind in typing.get_type_hints(type(getattr(Settings(), section.name))).items()
    if {int, float} & {kind, *typing.get_args(kind)}
]


def test_the_walk_over_the_sections_finds_numbers_of_all_kinds() -> None:
    assert {"trade.quote_age", "trade.approve_above", "sandbox.memory", "limits.usd_per_day"} <= set(NUMBERS)


@pytest.mark.parametrize("value", ["nan", "-1", "-0.5", "-inf"])
@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_of_any_section_is_without_bounds(person: Path, key: str, value: str) -> None:
    section, _, name = key.partition(".")
    (person / "autocoder.toml").write_text(f"[{section}]\n{name} = {value}\n")

    with pytest.raises(SettingsError) as caught:
        load({}, directories=[person], system=[])

    assert caught.value.key == key


def test_bounds_hold_for_variables_and_options_too() -> None:
    with pytest.raises(SettingsError, match="AUTOCODER_SANDBOX_WALL_TIME"):
        load({"AUTOCODER_SANDBOX_WALL_TIME": "nan"}, directories=[], system=[])
    with pytest.raises(SettingsError, match=r"notebook\.attempts is 0, wanted a finite number above 0"):
        Settings().replace("option", notebook__attempts=0)


def test_numbers_at_their_bounds_load(person: Path) -> None:
    (person / "autocoder.toml").write_text(
        "[sandbox]\npool = 0\npool_idle = 0\nwall_time = 0.5\n"
        "[limits]\nrequests_per_day = 0\nusd_per_day = inf\n[notebook]\nattempts = 1\nrows_shown = 0\n"
        "[trade]\nretention_days = 0\nmax_order_notional = 0\nduplicate_window = 0\nmode = 'live'\n"
    )

    settings = load({}, directories=[person], system=[])

    assert (settings.sandbox.pool, settings.sandbox.pool_idle, settings.sandbox.wall_time) == (0, 0.0, 0.5)
    assert (settings.limits.requests_per_day, settings.limits.usd_per_day) == (0, float("inf"))
    assert (settings.notebook.attempts, settings.notebook.rows_shown) == (1, 0)
    assert (settings.trade.retention_days, settings.trade.max_order_notional) == (0, 0.0)
    assert (settings.trade.duplicate_window, settings.trade.mode) == (0.0, "live")


@pytest.mark.parametrize(
    ("section", "key", "written", "read"),
    [
        ("store", "url", "ledger.db", "{home}/ledger.db"),
        ("store", "url", "sqlite:///ledger.db", "sqlite:///{home}/ledger.db"),
        ("store", "url", "sqlite:////abs/ledger.db", "sqlite:////abs/ledger.db"),
        ("store", "url", "/abs/ledger.db", "/abs/ledger.db"),
        ("store", "url", "~/ledger.db", "~/ledger.db"),
        ("store", "url", "postgresql://host/database", "postgresql://host/database"),
        ("store", "url", "", ""),
        ("model", "key_file", "key", "{home}/key"),
        ("model", "prices_file", "prices.toml", "{home}/prices.toml"),
        ("sandbox", "keep_output", "kept", "{home}/kept"),
        ("trade", "key_file", "../key", "{home}/../key"),
        ("trade", "prices", "", ""),
    ],
)
def test_a_relative_path_in_a_file_starts_at_the_files_folder(
    person: Path, monkeypatch: pytest.MonkeyPatch, section: str, key: str, written: str, read: str
) -> None:
    (person / "autocoder.toml").write_text(f'[{section}]\n{key} = "{written}"\n')
    monkeypatch.chdir("/")

    settings = load({}, directories=[person], system=[])

    assert getattr(getattr(settings, section), key) == read.format(home=person)


def test_relative_folders_of_modules_and_locked_paths_start_there_too(system: Path) -> None:
    (system / "autocoder.toml").write_text(
        '[sandbox]\nmodules = ["helpers", "/abs", "~/own"]\n[locked.store]\nurl = "ledger.db"\n'
    )

    settings = load({}, directories=[], system=[system])

    assert settings.sandbox.modules == (f"{system}/helpers", "/abs", "~/own")
    assert settings.store.url == f"{system}/ledger.db"


def test_a_relative_path_of_a_variable_is_left_to_the_working_directory() -> None:
    assert load({"AUTOCODER_STORE_URL": "ledger.db"}, directories=[], system=[]).store.url == "ledger.db"


def test_locked_that_is_no_table_is_an_error_of_the_file(system: Path) -> None:
    (system / "autocoder.toml").write_text("locked = true\n")

    with pytest.raises(SettingsError, match=str(system / "autocoder.toml")) as caught:
        load({}, directories=[], system=[system])

    assert caught.value.key == "locked"


def test_every_trade_setting_that_is_not_known_to_be_harmless_can_only_be_tightened() -> None:
    loose = {name for name in vars(TradeSettings()) if f"trade.{name}" not in TIGHTEN_ONLY | FILE_ONLY}

    assert loose == {"prices", "paper_cash", "commission", "commission_per_share", "skip_below"}
