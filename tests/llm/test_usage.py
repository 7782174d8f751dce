"""Reports: the same numbers as the ledger, by what they are grouped by, since when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from jupyter_autocoder.errors import StoreReadOnly, UsageError
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.llm.usage import By, as_json, as_table, since, total, usage_report
from jupyter_autocoder.store import Store, sqlite

MakeGovernor = Callable[..., Governor]
DAY = 86_400
NOON = 20_717 * DAY + DAY / 2  # 2026-09-21, 12:00 UTC


@pytest.fixture
def used(make_governor: MakeGovernor, ledger_store: Store, clock: Any) -> Store:
    """Three days of two users: ada's answers and one failure, bob's answer without a price."""
    clock.now = NOON - 2 * DAY
    ada, bob = make_governor(user="ada", local=True), make_governor(user="bob", local=True)
    spend(ada, "gpt-4o", "magic", Usage(input_tokens=100, cached_tokens=40, output_tokens=50, cost=750))
    clock.advance(DAY)
    ada.release(ada.reserve(Ask(model="gpt-4o", key="k", cost=900, face="chat")), "overloaded")
    spend(ada, "gpt-4-turbo", "chat", Usage(input_tokens=10, output_tokens=5, cost=250, estimated=True))
    clock.advance(DAY)
    spend(bob, "mystery", "magic", Usage(input_tokens=7, output_tokens=7, cost=None), cost=None)
    clock.advance(60)
    return ledger_store


def spend(governor: Governor, model: str, face: str, usage: Usage, cost: int | None = 10**6) -> None:
    governor.settle(governor.reserve(Ask(model=model, key="k", cost=cost, face=face, notebook="a.ipynb")), usage)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("model", [("gpt-4o", 2, 750), ("gpt-4-turbo", 1, 250), ("mystery", 1, 0)]),
        ("day", [("2026-09-19", 1, 750), ("2026-09-20", 2, 250), ("2026-09-21", 1, 0)]),
        ("source", [("magic", 2, 750), ("chat", 2, 250)]),
        ("user", [("ada", 3, 1000), ("bob", 1, 0)]),
        ("notebook", [("a.ipynb", 3, 1000), ("unknown", 1, 0)]),
    ],
)
def test_a_report_sums_by_what_was_asked_for(used: Store, by: Any, rows: list[tuple[str, int, int]]) -> None:
    report = usage_report(used, since=0.0, by=by)

    assert [(row.name, row.requests, row.cost) for row in report] == rows


def test_failures_estimates_and_unknown_prices_are_told_apart(used: Store) -> None:
    rows = {row.name: row for row in usage_report(used, since=0.0, by="model")}

    assert (rows["gpt-4o"].failed, rows["gpt-4o"].cached_tokens, rows["gpt-4o"].total_tokens) == (1, 40, 150)
    assert rows["gpt-4-turbo"].estimated == 1
    assert (rows["mystery"].unpriced, rows["mystery"].cost) == (1, 0)


def test_one_users_report_leaves_the_others_out(used: Store) -> None:
    assert [row.name for row in usage_report(used, since=0.0, by="model", user="bob")] == ["mystery"]


@pytest.mark.parametrize(
    ("begin", "requests"),
    [
        (NOON - 3 * DAY, 4),
        (NOON - 2 * DAY, 4),  # the very moment of the first attempt
        (NOON - 2 * DAY + 1, 3),  # in the middle of a day: that day is read from the ledger
        (NOON - DAY - DAY / 2, 3),  # where a day begins
        (NOON + 1, 0),
    ],
)
def test_a_report_begins_exactly_when_it_is_told_to(used: Store, begin: float, requests: int) -> None:
    assert total(usage_report(used, since=begin, by="day")).requests == requests


def test_an_unknown_grouping_names_the_known_ones(used: Store) -> None:
    with pytest.raises(UsageError, match="model, day, source, user"):
        usage_report(used, since=0.0, by="colour")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1d", NOON - DAY / 2),
        ("7d", NOON - DAY / 2 - 6 * DAY),
        ("2w", NOON - DAY / 2 - 13 * DAY),
        ("24h", NOON - DAY),
        ("30m", NOON - 1800),
        ("2026-09-01", (20_717 - 20) * DAY),
    ],
)
def test_a_span_of_time_is_read(text: str, moment: float) -> None:
    assert since(text, NOON) == moment


@pytest.mark.parametrize("text", ["", "d", "0d", "-1d", "1.5d", "yesterday", "2026-13-01", "7 d", "1y"])
def test_a_span_of_time_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="7d"):
        since(text, NOON)


def test_the_table_is_aligned_and_ends_with_the_total(used: Store) -> None:
    table = as_table(usage_report(used, since=0.0, by="model"), by="model")

    assert table.splitlines() == [
        "model        requests  failed  input  cached  output      cost",
        "gpt-4o              2       1    100      40      50  $0.00075",
        "gpt-4-turbo         1       0     10       0       5  $0.00025  1 estimated",
        "mystery             1       0      7       0       7     $0.00  1 without a price",
        "total               4       1    117      40      62    $0.001  1 estimated, 1 without a price",
    ]


def test_an_empty_report_says_so(used: Store) -> None:
    assert as_table((), by="model") == "nothing was used in this time"


def test_the_json_has_rows_and_their_total(used: Store) -> None:
    report = json.loads(as_json(usage_report(used, since=0.0, by="user"), by="user"))

    assert report["by"] == "user"
    assert [row["user"] for row in report["rows"]] == ["ada", "bob"]
    assert report["total"] == {
        "requests": 4, "failed": 1, "estimated": 1, "unpriced": 1, "input_tokens": 117, "cached_tokens": 40,
        "output_tokens": 62, "cost": 1000, "overdue": 0, "total_tokens": 179,
    }  # fmt: skip


def test_a_report_charges_first_what_nobody_ended(used: Store, make_governor: MakeGovernor, clock: Any) -> None:
    lost = Ask(model="lost", key="k", input_tokens=10, max_output_tokens=20, cost=300)
    make_governor(user="ada", local=True, lease_seconds=5).reserve(lost)
    clock.advance(6)

    (row,) = [row for row in usage_report(used, since=0.0) if row.name == "lost"]

    assert (row.requests, row.failed, row.estimated, row.total_tokens, row.cost) == (1, 1, 1, 30, 300)
    assert row.overdue == 0
    assert make_governor(local=True).verify().open_reservations == 0


@pytest.fixture
def read_only(store_url: str, ledger_store: Store, clock: Any) -> Callable[[], AbstractContextManager[Store]]:
    """Open the test's store where it may only be read."""

    @contextmanager
    def open_it() -> Iterator[Store]:
        ledger_store.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite, "_is_read_only", lambda path: True)
            option = "options=-c%20default_transaction_read_only%3Don"
            store = Store(f"{store_url}?{option}" if store_url.startswith("postgresql:") else store_url, clock=clock)
            yield store
            store.close()

    return open_it


@pytest.mark.usefixtures("used")
def test_where_nothing_may_be_written_an_overdue_lease_is_told_as_it_will_be_charged(
    ledger_store: Store, make_governor: MakeGovernor, read_only: Callable[..., Any], clock: Any
) -> None:
    ada, bob = (make_governor(user=user, local=True, lease_seconds=5) for user in ("ada", "bob"))
    ada.reserve(Ask(model="gpt-4o", key="k", input_tokens=10, max_output_tokens=20, cost=300, face="chat"))
    bob.reserve(Ask(model="lost", key="k", input_tokens=1, max_output_tokens=2, cost=None, face="chat"))
    clock.advance(6)
    groups: tuple[By, ...] = ("model", "day", "user", "source")

    with read_only() as store:
        told = {by: usage_report(store, since=0.0, by=by) for by in groups}
        of_ada = usage_report(store, since=0.0, user="ada")
        later = usage_report(store, since=clock.now + 1)
        with pytest.raises(StoreReadOnly):
            Governor(store, user="ada", local=True).expire()
    charged = {by: usage_report(ledger_store, since=0.0, by=by) for by in groups}

    assert {by: tuple(replace(row, overdue=0) for row in rows) for by, rows in told.items()} == charged
    assert {by: [(row.name, row.overdue) for row in rows if row.overdue] for by, rows in told.items()} == {
        "model": [("gpt-4o", 1), ("lost", 1)],
        "day": [("2026-09-21", 2)],
        "user": [("ada", 1), ("bob", 1)],
        "source": [("chat", 2)],
    }
    assert (total(of_ada).overdue, total(of_ada).cost, later) == (1, 1300, ())
    assert "1 overdue" in as_table(told["model"], by="model").splitlines()[1]
