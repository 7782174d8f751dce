"""Whose limits count: the user's, the key's, the model's, or none on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]
MakeAsk = Callable[..., Ask]
ReadLedger = Callable[[Store], list[dict[str, Any]]]
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def test_users_are_limited_each_and_share_what_their_key_allows(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    ada, bob = make_governor(user="ada", profile="tier-1", requests_per_minute=2), make_governor(user="bob")

    for _ in range(2):
        ada.reserve(ask(key="sk-shared", cost=1))
    with pytest.raises(RateLimited) as adas:
        ada.reserve(ask(key="sk-other", cost=1))
    bob.reserve(ask(key="sk-shared"))
    with pytest.raises(RateLimited) as bobs:
        bob.reserve(ask(key="sk-shared"))

    assert adas.value.limit == "requests_per_minute"
    assert bobs.value.limit == "key_requests_per_minute"


def test_a_model_has_the_limits_of_its_tier(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(profile="tier-1")

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask(input_tokens=30_001))
    governor.reserve(ask(model="gpt-3.5-turbo", input_tokens=30_001))

    assert refused.value.limit == "model_tokens_per_minute"


def test_a_local_model_is_unlimited_and_still_in_the_ledger(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(local=True)

    for _ in range(10):
        governor.settle(governor.reserve(ask(cost=0, input_tokens=10**6)), Usage(input_tokens=10**6))

    assert len(ledger(ledger_store)) == 10


def test_a_local_model_has_the_limits_that_are_set(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(local=True, requests_per_minute=1)
    governor.reserve(ask())

    with pytest.raises(RateLimited):
        governor.reserve(ask())


def test_remaining_tells_what_is_left_and_when_it_comes_back(
    make_governor: MakeGovernor, clock: Any, ask: MakeAsk
) -> None:
    clock.now = 1_790_000_000.0  # 2026-09-21, 14:13:20 UTC
    governor = make_governor(usd_per_day=1.0)
    governor.settle(governor.reserve(ask()), USED)
    clock.advance(20)
    governor.reserve(ask())

    left = {(item.scope, item.limit): item for item in governor.remaining(key=ask().key, model="gpt-4o")}

    minute, day = left["user", "requests_per_minute"], left["user", "requests_per_day"]
    assert (minute.size, minute.used, minute.left, minute.resets_in) == (3, 2, 1, 40)
    assert (day.left, day.resets_in) == (198, 86_380)
    assert left["user", "tokens_per_minute"].used == 650
    money = left["user", "usd_per_day"]
    assert (money.used, money.left, money.resets_in) == (5900, 994_100, 35_180)
    assert left["key", "requests_per_minute"].used == 2


@pytest.mark.parametrize("field", ["input_tokens", "max_output_tokens", "cost"])
@pytest.mark.parametrize("value", [-1, 0.5, True, 2**53])
def test_an_ask_of_nonsense_is_refused_at_once(field: str, value: object, ask: MakeAsk) -> None:
    with pytest.raises(ValueError, match=field):
        ask(**{field: value})
