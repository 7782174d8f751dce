"""Reserve, settle, release, expire: what is refused, what is charged, and that each happens once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import BudgetExceeded, PriceUnknown, RateLimited, StoreConflict
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]
ASK = Ask(
    model="gpt-4o", key="sk-one", input_tokens=100, max_output_tokens=400, cost=5000, face="magic", notebook="a.ipynb"
)
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def ask(**changes: Any) -> Ask:
    values = {"model": "gpt-4o", "key": "sk-one", "input_tokens": 100, "max_output_tokens": 400, "cost": 5000}
    return Ask(**{**values, **changes})


def ledger(store: Store) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [dict(row) for row in tx.rows("SELECT * FROM ledger ORDER BY at, id, entry")]


def test_the_default_is_three_a_minute_and_200_a_day(make_governor: MakeGovernor, clock: Any) -> None:
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


def test_the_fourth_request_is_told_when_it_fits(make_governor: MakeGovernor, clock: Any) -> None:
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


def test_a_refused_request_takes_nothing(make_governor: MakeGovernor) -> None:
    governor = make_governor(requests_per_minute=1)
    governor.reserve(ask())

    for _ in range(3):
        with pytest.raises(RateLimited):
            governor.reserve(ask())

    (requests, *_) = governor.remaining()
    assert requests.used == 1
    assert governor.verify().ok


def test_limits_of_zero_let_nothing_through(make_governor: MakeGovernor) -> None:
    for limit in ("requests_per_minute", "requests_per_day", "tokens_per_minute"):
        with pytest.raises(RateLimited) as refused:
            make_governor(**{limit: 0}).reserve(ask())
        assert (refused.value.limit, refused.value.retry_after) == (limit, math.inf)


def test_a_limit_may_be_reached_but_not_passed(make_governor: MakeGovernor) -> None:
    governor = make_governor(tokens_per_minute=1000, requests_per_minute=9)
    governor.reserve(ask(input_tokens=600, max_output_tokens=0))

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask(input_tokens=401, max_output_tokens=0))
    governor.reserve(ask(input_tokens=400, max_output_tokens=0))

    assert (refused.value.limit, refused.value.retry_after) == ("tokens_per_minute", 60)


def test_a_request_larger_than_the_limit_never_fits(make_governor: MakeGovernor) -> None:
    with pytest.raises(RateLimited, match="waiting would not help") as refused:
        make_governor(tokens_per_minute=100).reserve(ask())

    assert refused.value.retry_after == math.inf


def test_tokens_wait_for_as_many_as_are_needed(make_governor: MakeGovernor, clock: Any) -> None:
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


def test_settled_tokens_count_as_used_and_not_as_estimated(make_governor: MakeGovernor) -> None:
    governor = make_governor(tokens_per_minute=1000, requests_per_minute=9)
    governor.settle(governor.reserve(ask(input_tokens=0, max_output_tokens=1000)), USED)

    governor.reserve(ask(input_tokens=850, max_output_tokens=0))

    assert governor.verify().ok


def test_money_is_held_from_the_reservation_on(make_governor: MakeGovernor) -> None:
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
    make_governor: MakeGovernor, clock: Any, limit: str, seconds: int
) -> None:
    governor = make_governor(**{limit: 0.01})
    governor.settle(governor.reserve(ask(cost=9000)), Usage(cost=9000))
    with pytest.raises(BudgetExceeded):
        governor.reserve(ask(cost=9000))

    clock.advance(seconds)

    governor.reserve(ask(cost=9000))


def test_a_request_dearer_than_one_may_be_is_refused(make_governor: MakeGovernor) -> None:
    governor = make_governor(usd_per_request=0.004)

    with pytest.raises(BudgetExceeded) as refused:
        governor.reserve(ask(cost=4001))
    governor.reserve(ask(cost=4000))

    assert refused.value.limit == "usd_per_request"


@pytest.mark.parametrize("limit", ["usd_per_request", "usd_per_day", "usd_per_month"])
def test_an_unknown_price_under_a_budget_is_refused(make_governor: MakeGovernor, limit: str) -> None:
    with pytest.raises(PriceUnknown) as refused:
        make_governor(**{limit: 100.0}).reserve(ask(cost=None))

    assert refused.value.model == "gpt-4o"


def test_an_unknown_price_without_a_budget_is_let_through_and_stays_unknown(
    make_governor: MakeGovernor, ledger_store: Store
) -> None:
    governor = make_governor()

    governor.settle(governor.reserve(ask(cost=None)), Usage(input_tokens=1, cost=None))

    assert ledger(ledger_store)[0]["cost"] is None
    assert governor.verify().ok


def test_an_infinite_budget_is_none(make_governor: MakeGovernor) -> None:
    make_governor(profile="tier-1", usd_per_month=math.inf).reserve(ask(cost=None))


def test_a_ledger_row_says_who_what_and_how_much(make_governor: MakeGovernor, ledger_store: Store, clock: Any) -> None:
    governor = make_governor(user="ada")
    reservation = governor.reserve(ASK)
    clock.advance(2)

    governor.settle(reservation, USED, "length", 1.5)

    (row,) = ledger(ledger_store)
    assert row["process"].rpartition(":")[2].isdigit()
    del row["process"]
    assert row == {
        "id": reservation.id, "entry": "charge", "at": clock.now, "reserved_at": clock.now - 2,
        "day": int(clock.now // 86_400), "month": 202609, "who": "ada", "face": "magic", "notebook": "a.ipynb",
        "model": "gpt-4o", "fingerprint": ASK.key, "requests": 1, "failed": 0, "estimated": 0, "input_tokens": 90,
        "cached_tokens": 30, "output_tokens": 60, "total_tokens": 150, "cost": 900, "latency": 1.5,
        "outcome": "length",
    }  # fmt: skip


def test_ending_twice_does_nothing_the_second_time(make_governor: MakeGovernor, ledger_store: Store) -> None:
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


def test_a_released_attempt_gives_back_tokens_and_money_but_not_its_request(make_governor: MakeGovernor) -> None:
    governor = make_governor(requests_per_minute=1, tokens_per_minute=500, usd_per_day=0.005)
    governor.release(governor.reserve(ask()), "overloaded")

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask())

    assert refused.value.limit == "requests_per_minute"


def test_an_attempt_that_was_never_sent_gives_everything_back(make_governor: MakeGovernor, ledger_store: Store) -> None:
    governor = make_governor(requests_per_minute=1, requests_per_day=1, tokens_per_minute=500, usd_per_day=0.005)

    for _ in range(3):
        governor.release(governor.reserve(ask()), "cancelled", sent=False)

    assert [row["outcome"] for row in ledger(ledger_store)] == ["cancelled"] * 3
    assert governor.verify().ok


def test_a_crashed_holders_lease_is_charged_at_its_estimate(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any
) -> None:
    governor = make_governor(lease_seconds=100, usd_per_day=0.012)
    governor.reserve(ASK)
    clock.advance(100)

    governor.reserve(ask())

    (row,) = ledger(ledger_store)
    assert (row["outcome"], row["cost"], row["input_tokens"], row["output_tokens"]) == ("expired", 5000, 100, 400)
    assert (row["estimated"], row["failed"], row["face"]) == (1, 1, "magic")
    with pytest.raises(BudgetExceeded):
        governor.reserve(ask())
    assert governor.verify().ok


def test_an_expired_lease_stays_charged_when_the_next_request_is_refused(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any
) -> None:
    governor = make_governor(lease_seconds=100, usd_per_day=0.006)
    governor.reserve(ask())
    clock.advance(100)

    with pytest.raises(BudgetExceeded):
        governor.reserve(ask())

    assert [row["outcome"] for row in ledger(ledger_store)] == ["expired"]


def test_what_is_known_after_the_lease_expired_corrects_the_charge(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any
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


def test_a_renewed_lease_does_not_expire(make_governor: MakeGovernor, ledger_store: Store, clock: Any) -> None:
    governor = make_governor(lease_seconds=100)
    reservation = governor.reserve(ask())
    clock.advance(90)

    renewed = governor.renew(reservation)
    clock.advance(90)
    governor.reserve(ask())

    assert renewed.expires_at == reservation.expires_at + 90
    assert ledger(ledger_store) == []


def test_what_was_used_is_written_down_even_when_the_store_was_replaced(
    make_governor: MakeGovernor, ledger_store: Store
) -> None:
    governor = make_governor()
    reservation = governor.reserve(ask())
    with ledger_store.write() as tx:
        tx.run("DELETE FROM reservations")

    done = [governor.settle(reservation, USED), governor.settle(reservation, USED)]

    assert done == [True, False]
    assert [row["cost"] for row in ledger(ledger_store)] == [900]


def test_a_cost_nobody_told_is_the_estimate_and_flagged(make_governor: MakeGovernor, ledger_store: Store) -> None:
    governor = make_governor()

    governor.settle(governor.reserve(ask()), Usage(input_tokens=5, cost=None))

    (row,) = ledger(ledger_store)
    assert (row["cost"], row["estimated"]) == (5000, 1)


def test_users_are_limited_each_and_share_what_their_key_allows(make_governor: MakeGovernor) -> None:
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


def test_a_model_has_the_limits_of_its_tier(make_governor: MakeGovernor) -> None:
    governor = make_governor(profile="tier-1")

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ask(input_tokens=30_001))
    governor.reserve(ask(model="gpt-3.5-turbo", input_tokens=30_001))

    assert refused.value.limit == "model_tokens_per_minute"


def test_a_local_model_is_unlimited_and_still_in_the_ledger(make_governor: MakeGovernor, ledger_store: Store) -> None:
    governor = make_governor(local=True)

    for _ in range(10):
        governor.settle(governor.reserve(ask(cost=0, input_tokens=10**6)), Usage(input_tokens=10**6))

    assert len(ledger(ledger_store)) == 10


def test_a_local_model_has_the_limits_that_are_set(make_governor: MakeGovernor) -> None:
    governor = make_governor(local=True, requests_per_minute=1)
    governor.reserve(ask())

    with pytest.raises(RateLimited):
        governor.reserve(ask())


def test_remaining_tells_what_is_left_and_when_it_comes_back(make_governor: MakeGovernor, clock: Any) -> None:
    clock.now = 1_790_000_000.0  # 2026-09-21, 14:13:20 UTC
    governor = make_governor(usd_per_day=1.0)
    governor.settle(governor.reserve(ask()), USED)
    clock.advance(20)
    governor.reserve(ask())

    left = {(item.scope, item.limit): item for item in governor.remaining(key=ASK.key, model="gpt-4o")}

    minute, day = left["user", "requests_per_minute"], left["user", "requests_per_day"]
    assert (minute.size, minute.used, minute.left, minute.resets_in) == (3, 2, 1, 40)
    assert (day.left, day.resets_in) == (198, 86_380)
    assert left["user", "tokens_per_minute"].used == 650
    money = left["user", "usd_per_day"]
    assert (money.used, money.left, money.resets_in) == (5900, 994_100, 35_180)
    assert left["key", "requests_per_minute"].used == 2


@pytest.mark.parametrize("field", ["input_tokens", "max_output_tokens", "cost"])
@pytest.mark.parametrize("value", [-1, 0.5, True])
def test_an_ask_of_nonsense_is_refused_at_once(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        ask(**{field: value})


def test_a_clock_set_back_shuts_no_window_for_longer_than_its_length(make_governor: MakeGovernor, clock: Any) -> None:
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


def test_a_clock_set_back_over_midnight_does_not_renew_the_budget(make_governor: MakeGovernor, clock: Any) -> None:
    governor = make_governor(usd_per_day=0.01)
    governor.settle(governor.reserve(ask(cost=9000)), Usage(cost=9000))
    clock.advance(-86_400)

    with pytest.raises(BudgetExceeded):
        governor.reserve(ask(cost=9000))


def test_old_windows_are_forgotten(make_governor: MakeGovernor, ledger_store: Store, clock: Any) -> None:
    governor = make_governor(local=True)
    for _ in range(130):
        governor.release(governor.reserve(ask()))
        clock.advance(3600)

    with ledger_store.read() as tx:
        kept = tx.row("SELECT COUNT(*) AS n FROM reservations")
        spans = tx.row("SELECT COUNT(*) AS n FROM counters WHERE span IN ('second', 'hour')")

    assert kept is not None
    assert spans is not None
    assert kept["n"] < 100
    assert spans["n"] < 6 * 100
    assert governor.verify().ok
    assert governor.verify().entries == 130


def test_the_ledger_cannot_be_rewritten(make_governor: MakeGovernor, ledger_store: Store) -> None:
    governor = make_governor()
    governor.settle(governor.reserve(ask()), USED)

    for statement in ("UPDATE ledger SET cost = 0", "DELETE FROM ledger"):
        with pytest.raises(StoreConflict, match="append-only"), ledger_store.write() as tx:
            tx.run(statement)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE counters SET cost = cost - 1 WHERE span = 'day'",
        "UPDATE counters SET requests = 0 WHERE span = 'second'",
        "DELETE FROM counters WHERE span = 'hour'",
        "UPDATE usage_daily SET output_tokens = 0",
        "DELETE FROM usage_daily",
        "UPDATE reservations SET state = 'open'",
    ],
)
def test_verify_finds_a_sum_that_was_tampered_with(
    make_governor: MakeGovernor, ledger_store: Store, damage: str
) -> None:
    governor = make_governor()
    governor.settle(governor.reserve(ask()), USED)
    assert governor.verify().ok

    with ledger_store.write() as tx:
        tx.run(damage)

    assert not governor.verify().ok


def test_no_key_is_ever_in_the_database(make_governor: MakeGovernor, ledger_store: Store, store_url: str) -> None:
    planted = "sk-planted-0123456789abcdef"
    governor = make_governor()
    request = ask(key=planted)
    reservation = governor.reserve(request)
    governor.heed(reservation, {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1s"})
    governor.settle(reservation, USED)
    governor.trip(request, "key", reason="quota")

    found = everything_written(ledger_store, store_url)

    assert request.key.encode() in found
    assert planted.encode() not in found
    assert planted not in repr((request, reservation))


def everything_written(store: Store, url: str) -> bytes:
    """The bytes of SQLite's files; the rows of every table on PostgreSQL, whose files are not ours."""
    if not url.startswith("postgresql"):
        return b"".join(path.read_bytes() for path in Path(url).parent.iterdir())
    with store.read() as tx:
        tables = tx.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = [tx.rows(f"SELECT * FROM {table['table_name']}") for table in tables]
    return repr(rows).encode()
