"""Requests and tokens by the minute and the day: what fits, what waits, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import BudgetExceeded, RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask

MakeGovernor = Callable[..., Governor]
MakeAsk = Callable[..., Ask]
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def test_the_default_is_three_a_minute_and_200_a_day(make_governor: MakeGovernor, clock: Any, ask: MakeAsk) -> None:
    governor = make_governor()

    granted = 0
    for _ in range(300):
        try:
            governor.release(governor.reserve(ask()))
        except RateLimited:
            clock.advance(60)
        else:
            granted += 1

    assert granted == 200


def test_the_fourth_request_is_told_when_it_fits(make_governor: MakeGovernor, clock: Any, ask: MakeAsk) -> None:
    governor = make_governor()
    for _ in range(3):
        governor.reserve(ask())
        clock.advance(10)

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask())

    assert refused.value.limit == "requests_per_minute"
    assert refused.value.retry_after == 30
    clock.advance(30)
    governor.reserve(ask())


def test_a_refused_request_takes_nothing(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(requests_per_minute=1)
    governor.reserve(ask())

    for _ in range(3):
        with pytest.raises(RateLimited):
            governor.reserve(ask())

    (requests, *_) = governor.remaining()
    assert requests.used == 1
    assert governor.verify().ok


def test_limits_of_zero_let_nothing_through(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    for limit in ("requests_per_minute", "requests_per_day", "tokens_per_minute"):
        with pytest.raises(RateLimited) as refused:
            make_governor(**{limit: 0}).reserve(ask())
        assert (refused.value.limit, refused.value.retry_after) == (limit, math.inf)


def test_a_limit_may_be_reached_but_not_passed(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(tokens_per_minute=1000, requests_per_minute=9)
    governor.reserve(ask(input_tokens=600, max_output_tokens=0))

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask(input_tokens=401, max_output_tokens=0))
    governor.reserve(ask(input_tokens=400, max_output_tokens=0))

    assert (refused.value.limit, refused.value.retry_after) == ("tokens_per_minute", 60)


def test_a_request_larger_than_the_limit_never_fits(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    with pytest.raises(RateLimited, match="waiting would not help") as refused:
        make_governor(tokens_per_minute=100).reserve(ask())

    assert refused.value.retry_after == math.inf


def test_tokens_wait_for_as_many_as_are_needed(make_governor: MakeGovernor, clock: Any, ask: MakeAsk) -> None:
    governor = make_governor(tokens_per_minute=1000, requests_per_minute=9)
    for _ in range(3):
        governor.reserve(ask(input_tokens=300, max_output_tokens=0))
        clock.advance(10)

    waits = {}
    for tokens in (200, 500, 1000):
        with pytest.raises(RateLimited) as refused:
            governor.reserve(ask(input_tokens=tokens, max_output_tokens=0))
        waits[tokens] = refused.value.retry_after

    assert waits == {200: 30, 500: 40, 1000: 50}


def test_settled_tokens_count_as_used_and_not_as_estimated(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(tokens_per_minute=1000, requests_per_minute=9)
    governor.settle(governor.reserve(ask(input_tokens=0, max_output_tokens=1000)), USED)

    governor.reserve(ask(input_tokens=850, max_output_tokens=0))

    assert governor.verify().ok


def test_a_clock_set_back_shuts_no_window_for_longer_than_its_length(
    make_governor: MakeGovernor, clock: Any, ask: MakeAsk
) -> None:
    governor = make_governor(requests_per_minute=3)
    for _ in range(3):
        governor.reserve(ask())
    clock.advance(-7200)

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask())

    assert refused.value.retry_after == 60
    clock.advance(30)
    with pytest.raises(RateLimited) as again:
        governor.reserve(ask())
    assert again.value.retry_after == 30
    clock.advance(30)
    governor.reserve(ask())
    assert governor.verify().ok


def test_a_clock_set_back_over_midnight_does_not_renew_the_budget(
    make_governor: MakeGovernor, clock: Any, ask: MakeAsk
) -> None:
    governor = make_governor(usd_per_day=0.01)
    governor.settle(governor.reserve(ask(cost=9000)), Usage(cost=9000))
    clock.advance(-86_400)

    with pytest.raises(BudgetExceeded):
        governor.reserve(ask(cost=9000))
