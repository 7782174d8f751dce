"""A bound on what one run may cost: whatever else is spent, it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import BudgetExceeded, PriceUnknown, RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.purse import Purse, purse_of_run
from jupyter_autocoder.llm.reservation import Ask

MakeGovernor = Callable[..., Governor]
DAY = 86_400


def ask(cost: int | None) -> Ask:
    return Ask(model="gpt-4o", key="sk-one", input_tokens=100, max_output_tokens=400, cost=cost)


def used(cost: int | None) -> Usage:
    return Usage(input_tokens=90, output_tokens=60, cost=cost, requests=1)


def test_open_attempts_count_at_their_estimate_and_ended_ones_at_their_cost(make_governor: MakeGovernor) -> None:
    purse = Purse(10_000)
    governor = make_governor(purse=purse)

    first = governor.reserve(ask(6_000))
    with pytest.raises(BudgetExceeded) as refused:
        governor.reserve(ask(4_001))
    governor.settle(first, used(1_000))
    governor.settle(first, used(1_000))

    assert (refused.value.limit, refused.value.budget, refused.value.spent) == ("usd_per_run", 10_000, 6_000)
    assert purse.spent == 1_000
    governor.reserve(ask(9_000))


def test_what_was_released_or_never_granted_is_not_spent(make_governor: MakeGovernor) -> None:
    purse = Purse(10_000)
    governor = make_governor(purse=purse, requests_per_minute=1)

    governor.release(governor.reserve(ask(5_000)), "rate_limited")
    with pytest.raises(RateLimited):
        governor.reserve(ask(5_000))

    assert purse.spent == 0


def test_an_answer_without_a_cost_is_charged_at_its_estimate(make_governor: MakeGovernor) -> None:
    purse = Purse(10_000)
    governor = make_governor(purse=purse)

    governor.settle(governor.reserve(ask(7_000)), used(None))

    assert purse.spent == 7_000


def test_what_others_spend_and_midnight_change_nothing(make_governor: MakeGovernor, clock: Any) -> None:
    mine, others = make_governor(purse=Purse(10_000)), make_governor()

    others.settle(others.reserve(ask(1_000_000)), used(1_000_000))
    mine.settle(mine.reserve(ask(8_000)), used(8_000))
    clock.advance(2 * DAY)

    with pytest.raises(BudgetExceeded):
        mine.reserve(ask(8_000))


def test_a_price_that_nobody_knows_fits_into_no_purse(make_governor: MakeGovernor) -> None:
    with pytest.raises(PriceUnknown):
        make_governor(purse=Purse(10_000)).reserve(ask(None))


def test_a_run_has_one_purse_however_often_it_is_asked_for() -> None:
    assert purse_of_run(10, 1) is purse_of_run(10, 1)
    assert purse_of_run(10, 1) is not purse_of_run(10, 2)
