"""Breakers keep new calls away, let the chain that met them go on, and open again through one probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask

MakeGovernor = Callable[..., Governor]
ASK = Ask(model="gpt-4o", key="sk-one", cost=1)
TURBO = Ask(model="gpt-4-turbo", key="sk-one", cost=1)
USED = Usage(input_tokens=1, cost=1)


@pytest.fixture
def governor(make_governor: MakeGovernor) -> Governor:
    return make_governor(requests_per_minute=100)


def refused(governor: Governor, ask: Ask, **options: Any) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        governor.reserve(ask, **options)
    return caught.value


def test_a_models_breaker_keeps_new_calls_to_it_away(governor: Governor, make_governor: MakeGovernor) -> None:
    governor.trip(ASK, "model", reason="overloaded (503)")

    error = refused(make_governor(user="bob", requests_per_minute=100), ASK)

    assert (error.limit, error.retry_after) == ("model_breaker", 30)
    assert "overloaded (503)" in error.why
    governor.reserve(TURBO)


def test_a_keys_breaker_keeps_new_calls_by_it_away(governor: Governor) -> None:
    governor.trip(ASK, "key", reason="insufficient_quota")

    assert refused(governor, TURBO).limit == "key_breaker"
    governor.reserve(Ask(model="gpt-4o", key="sk-two", cost=1))


def test_the_chain_that_met_a_breaker_goes_on(governor: Governor) -> None:
    met = frozenset({governor.trip(ASK, "key", reason="insufficient_quota")})

    governor.reserve(TURBO, met=met)

    governor.trip(TURBO, "model", reason="gone")
    assert refused(governor, TURBO, met=met).limit == "model_breaker"


def test_one_probe_passes_when_the_time_is_over(governor: Governor, clock: Any) -> None:
    governor.trip(ASK, "model", reason="overloaded")
    clock.advance(30)

    probe = governor.reserve(ASK)

    assert probe.probe
    assert refused(governor, ASK).limit == "model_breaker"
    governor.settle(probe, USED)
    assert not governor.reserve(ASK).probe


def test_a_probe_that_fails_opens_the_breaker_for_twice_as_long(governor: Governor, clock: Any) -> None:
    waits = []
    for _ in range(9):
        governor.trip(ASK, "model", reason="overloaded")
        waits.append(refused(governor, ASK).retry_after)
        clock.advance(waits[-1])
        governor.release(governor.reserve(ASK), "overloaded")

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_calls_that_fail_together_are_one_failure(governor: Governor) -> None:
    for _ in range(5):
        governor.trip(ASK, "model", reason="overloaded")

    assert refused(governor, ASK).retry_after == 30


def test_a_probe_that_vanished_is_followed_by_another(governor: Governor, clock: Any) -> None:
    governor.trip(ASK, "model", reason="overloaded")
    clock.advance(30)
    governor.reserve(ASK)

    clock.advance(refused(governor, ASK).retry_after)

    assert governor.reserve(ASK).probe


def test_a_probe_that_was_never_sent_makes_room_for_another(governor: Governor, clock: Any) -> None:
    governor.trip(ASK, "model", reason="overloaded")
    clock.advance(30)

    governor.release(governor.reserve(ASK), "cancelled", sent=False)

    assert governor.reserve(ASK).probe


def test_an_answer_to_an_older_call_does_not_close_a_breaker(governor: Governor, clock: Any) -> None:
    early = governor.reserve(ASK)
    clock.advance(1)
    governor.trip(ASK, "key", reason="insufficient_quota")

    governor.settle(early, USED)

    assert refused(governor, ASK).limit == "key_breaker"


def test_an_answer_in_the_chain_closes_the_keys_breaker(governor: Governor) -> None:
    met = frozenset({governor.trip(ASK, "key", reason="insufficient_quota")})

    governor.settle(governor.reserve(TURBO, met=met), USED)

    governor.reserve(ASK)


def test_a_clock_set_back_keeps_no_breaker_open_for_longer_than_an_hour(governor: Governor, clock: Any) -> None:
    governor.trip(ASK, "model", reason="gone", seconds=3600)
    clock.advance(-86_400)

    assert refused(governor, ASK).retry_after == 3600
