"""Money: held from the reservation on, refused where it does not fit or nobody knows the price."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import BudgetExceeded, PriceUnknown
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import LARGEST, Ask
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]
MakeAsk = Callable[..., Ask]
ReadLedger = Callable[[Store], list[dict[str, Any]]]
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def test_money_is_held_from_the_reservation_on(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(usd_per_day=0.01, requests_per_minute=9)
    first = governor.reserve(ask(cost=6000))

    with pytest.raises(BudgetExceeded) as refused:
        governor.reserve(ask(cost=4001))
    governor.settle(first, USED)
    governor.reserve(ask(cost=9100))

    error = refused.value
    assert (error.limit, error.budget, error.spent, error.asked) == ("usd_per_day", 10_000, 6000, 4001)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [("usd_per_day", 86_400), ("usd_per_month", 31 * 86_400)],
)
def test_a_budget_begins_anew_with_its_period(
    make_governor: MakeGovernor, clock: Any, limit: str, seconds: int, ask: MakeAsk
) -> None:
    governor = make_governor(**{limit: 0.01})
    governor.settle(governor.reserve(ask(cost=9000)), Usage(cost=9000))
    with pytest.raises(BudgetExceeded):
        governor.reserve(ask(cost=9000))

    clock.advance(seconds)

    governor.reserve(ask(cost=9000))


def test_a_request_dearer_than_one_may_be_is_refused(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    governor = make_governor(usd_per_request=0.004)

    with pytest.raises(BudgetExceeded) as refused:
        governor.reserve(ask(cost=4001))
    governor.reserve(ask(cost=4000))

    assert refused.value.limit == "usd_per_request"


@pytest.mark.parametrize("limit", ["usd_per_request", "usd_per_day", "usd_per_month"])
def test_an_unknown_price_under_a_budget_is_refused(make_governor: MakeGovernor, limit: str, ask: MakeAsk) -> None:
    with pytest.raises(PriceUnknown) as refused:
        make_governor(**{limit: 100.0}).reserve(ask(cost=None))

    assert refused.value.model == "gpt-4o"


def test_an_unknown_price_without_a_budget_is_let_through_and_stays_unknown(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor()

    governor.settle(governor.reserve(ask(cost=None)), Usage(input_tokens=1, cost=None))

    assert ledger(ledger_store)[0]["cost"] is None
    assert governor.verify().ok


def test_limits_beyond_what_a_database_counts_are_as_good_as_the_largest(
    make_governor: MakeGovernor, ask: MakeAsk
) -> None:
    governor = make_governor(
        requests_per_minute=2**63, requests_per_day=10**30, tokens_per_minute=2**64, usd_per_day=1e300
    )

    governor.settle(governor.reserve(ask()), Usage(input_tokens=1, cost=1))

    assert {left.left for left in governor.remaining()} <= set(range(LARGEST - 500, LARGEST))


def test_an_infinite_budget_is_none(make_governor: MakeGovernor, ask: MakeAsk) -> None:
    make_governor(profile="tier-1", usd_per_month=math.inf).reserve(ask(cost=None))
