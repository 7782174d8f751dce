"""The table of tiers, and how the settings change it for a user, a key and a model."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.llm.identity import current_user, fingerprint, is_fingerprint
from jupyter_autocoder.llm.profiles import PROFILES, Limits, effective, tier_seen
from jupyter_autocoder.settings import LimitSettings


def test_the_default_is_the_free_tier() -> None:
    limits = effective(LimitSettings())

    assert (limits.user.requests_per_minute, limits.user.requests_per_day) == (3, 200)
    assert limits.user == limits.key


def test_a_local_model_has_no_limits() -> None:
    limits = effective(LimitSettings(), local=True)

    assert limits.user == limits.key == limits.model("llama") == Limits()


def test_less_for_a_user_leaves_the_account_as_it_is() -> None:
    limits = effective(LimitSettings(profile="tier-1", requests_per_minute=5))

    assert (limits.user.requests_per_minute, limits.key.requests_per_minute) == (5, 3500)


def test_more_for_a_user_widens_the_account_and_its_models() -> None:
    limits = effective(LimitSettings(profile="tier-1", requests_per_minute=9000))

    assert limits.user.requests_per_minute == limits.key.requests_per_minute == 9000
    assert limits.model("gpt-4o").requests_per_minute == 9000


@pytest.mark.parametrize(
    ("name", "tokens"),
    [("gpt-4o", 30_000), ("gpt-4o-2024-08-06", 30_000), ("gpt-4o-mini", 200_000), ("gpt-4o-audio", None)],
)
def test_a_model_is_found_by_its_name_and_its_dated_versions(name: str, tokens: int | None) -> None:
    assert effective(LimitSettings(profile="tier-1")).model(name).tokens_per_minute == tokens


@pytest.mark.parametrize(
    ("dollars", "micro"), [(0.1, 100_000), (0.000001, 1), (29.99, 29_990_000), (0.0, 0), (math.inf, None)]
)
def test_dollars_become_whole_micro_dollars(dollars: float, micro: int | None) -> None:
    assert effective(LimitSettings(usd_per_day=dollars)).user.usd_per_day == micro


@pytest.mark.parametrize("wrong", [{"requests_per_day": -1}, {"usd_per_day": -0.5}, {"usd_per_month": math.nan}])
def test_a_limit_below_nothing_is_a_settings_error_that_names_it(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refused:
        effective(LimitSettings(**wrong))

    assert refused.value.key == f"limits.{next(iter(wrong))}"


@pytest.mark.parametrize(
    ("requests", "tokens", "than", "seen"),
    [
        (500, 30_000, "free", "tier-1"),
        (5000, 450_000, "free", "tier-2"),
        (5000, 800_000, "free", "tier-3"),
        (5000, 800_000, "tier-3", None),
        (500, 30_000, "tier-1", None),
        (3, 40_000, "free", None),
        (None, 30_000, "free", None),
        (500, 30_000, "local", None),
    ],
)
def test_a_wider_tier_is_recognised(requests: int | None, tokens: int, than: str, seen: str | None) -> None:
    assert tier_seen("gpt-4o", requests=requests, tokens=tokens, than=than) == seen


def test_tiers_only_get_wider() -> None:
    tiers = [PROFILES[name].account for name in ("free", "tier-1", "tier-2", "tier-3")]

    for lower, higher in itertools.pairwise(tiers):
        assert (lower.requests_per_minute or 0) <= (higher.requests_per_minute or 0)
        assert (lower.tokens_per_minute or 0) <= (higher.tokens_per_minute or 0)


def test_the_user_is_the_hubs_before_the_operating_systems() -> None:
    assert current_user({"JUPYTERHUB_USER": "ada", "USER": "root"}) == "ada"
    assert current_user({"USER": "somebody-else", "LOGNAME": "somebody-else"}) != "somebody-else"


def test_a_hubs_name_that_no_database_holds_is_made_fit() -> None:
    assert current_user({"JUPYTERHUB_USER": "ada\udce9\0" + "x" * 1000}) == "ada\ufffd" + "x" * 296


def test_a_fingerprint_tells_keys_and_addresses_apart_and_hides_the_key() -> None:
    prints = {fingerprint("sk-a"), fingerprint("sk-b"), fingerprint("sk-a", "https://example.test/v1")}

    assert len(prints) == 3
    assert all(is_fingerprint(text) and "sk-" not in text for text in prints)
    assert fingerprint("") == "none"
    assert is_fingerprint("none")
    assert not is_fingerprint("sk-a")
