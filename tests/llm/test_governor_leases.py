"""How an attempt ends: settled, released, expired or corrected, and each of them once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import BudgetExceeded, RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]
MakeAsk = Callable[..., Ask]
ReadLedger = Callable[[Store], list[dict[str, Any]]]
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def test_ending_twice_does_nothing_the_second_time(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor()
    first, second = governor.reserve(ask()), governor.reserve(ask())

    done = [
        governor.settle(first, USED),
        governor.settle(first, Usage(cost=9)),
        governor.release(first),
        governor.release(second),
        governor.settle(second, USED),
    ]

    assert done == [True, False, False, True, False]
    assert [row["cost"] for row in ledger(ledger_store)] == [900, 0]
    assert governor.verify().ok


def test_a_released_attempt_gives_back_tokens_and_money_but_not_its_request(
    make_governor: MakeGovernor, ask: MakeAsk
) -> None:
    governor = make_governor(requests_per_minute=1, tokens_per_minute=500, usd_per_day=0.005)
    governor.release(governor.reserve(ask()), "overloaded")

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask())

    assert refused.value.limit == "requests_per_minute"


def test_an_attempt_that_was_never_sent_gives_everything_back(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(requests_per_minute=1, requests_per_day=1, tokens_per_minute=500, usd_per_day=0.005)

    for _ in range(3):
        governor.release(governor.reserve(ask()), "cancelled", sent=False)

    assert [row["outcome"] for row in ledger(ledger_store)] == ["cancelled"] * 3
    assert governor.verify().ok


def test_a_crashed_holders_lease_is_charged_at_its_estimate(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(lease_seconds=100, usd_per_day=0.012)
    governor.reserve(ask(face="magic"))
    clock.advance(100)

    governor.reserve(ask())

    (row,) = ledger(ledger_store)
    assert (row["outcome"], row["cost"], row["input_tokens"], row["output_tokens"]) == ("expired", 5000, 100, 400)
    assert (row["estimated"], row["failed"], row["face"]) == (1, 1, "magic")
    with pytest.raises(BudgetExceeded):
        governor.reserve(ask())
    assert governor.verify().ok


def test_an_expired_lease_stays_charged_when_the_next_request_is_refused(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(lease_seconds=100, usd_per_day=0.006)
    governor.reserve(ask())
    clock.advance(100)

    with pytest.raises(BudgetExceeded):
        governor.reserve(ask())

    assert [row["outcome"] for row in ledger(ledger_store)] == ["expired"]


def test_what_is_known_after_the_lease_expired_corrects_the_charge(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(lease_seconds=100)
    slow = governor.reserve(ask())
    clock.advance(100)
    governor.release(governor.reserve(ask()))

    done = [governor.settle(slow, USED, "ok", 100.0), governor.settle(slow, USED)]

    rows = [row for row in ledger(ledger_store) if row["id"] == slow.id]
    assert done == [True, False]
    assert [row["entry"] for row in rows] == ["charge", "correction"]
    for column, truth in {"requests": 1, "failed": 0, "estimated": 0, "total_tokens": 150, "cost": 900}.items():
        assert sum(row[column] for row in rows) == truth, column
    assert governor.verify().ok


def test_a_renewed_lease_does_not_expire(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor(lease_seconds=100)
    reservation = governor.reserve(ask())
    clock.advance(90)

    renewed = governor.renew(reservation)
    clock.advance(90)
    governor.reserve(ask())

    assert renewed.expires_at == reservation.expires_at + 90
    assert ledger(ledger_store) == []


def test_what_was_used_is_written_down_even_when_the_store_was_replaced(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor()
    reservation = governor.reserve(ask())
    with ledger_store.write() as tx:
        tx.run("DELETE FROM reservations")

    done = [governor.settle(reservation, USED), governor.settle(reservation, USED)]

    assert done == [True, False]
    assert [row["cost"] for row in ledger(ledger_store)] == [900]


def test_a_cost_nobody_told_is_the_estimate_and_flagged(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger
) -> None:
    governor = make_governor()

    governor.settle(governor.reserve(ask()), Usage(input_tokens=5, cost=None))

    (row,) = ledger(ledger_store)
    assert (row["cost"], row["estimated"]) == (5000, 1)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=-5, cost=100),
        Usage(output_tokens=-1, cost=100),
        Usage(cached_tokens=-1, cost=100),
        Usage(input_tokens=5, cost=-100),
        Usage(input_tokens=10**30, cost=100),
        Usage(input_tokens=5, cost=2**63),
    ],
    ids=str,
)
def test_counts_that_cannot_be_are_charged_at_the_estimate(
    make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk, ledger: ReadLedger, usage: Usage
) -> None:
    governor = make_governor(usd_per_day=1)

    governor.settle(governor.reserve(ask()), usage)

    (row,) = ledger(ledger_store)
    assert (row["input_tokens"], row["output_tokens"], row["cost"], row["estimated"]) == (100, 400, 5000, 1)
    assert next(left.used for left in governor.remaining() if left.limit == "usd_per_day") == 5000


def test_a_late_second_end_moves_nothing_in_the_windows(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk
) -> None:
    governor = make_governor()
    reservation = governor.reserve(ask())
    governor.release(reservation)
    clock.advance(1.2)

    done = governor.settle(reservation, USED, "ok", 0.1)

    with ledger_store.read() as tx:
        row = tx.row("SELECT at FROM reservations")
    assert not done
    assert row is not None
    assert row["at"] == pytest.approx(reservation.at)
