"""What is written down: every attempt in full, for good, and never a key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import StoreConflict
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]
MakeAsk = Callable[..., Ask]
ReadLedger = Callable[[Store], list[dict[str, Any]]]
USED = Usage(input_tokens=90, cached_tokens=30, output_tokens=60, cost=900, requests=1)


def test_a_ledger_row_says_who_what_and_how_much(
    make_governor: MakeGovernor, ledger_store: Store, clock: Any, ledger: ReadLedger, ask: MakeAsk
) -> None:
    governor = make_governor(user="ada")
    reservation = governor.reserve(ask(face="magic", notebook="a.ipynb"))
    clock.advance(2)

    governor.settle(reservation, USED, "length", 1.5)

    (row,) = ledger(ledger_store)
    assert row["process"].rpartition(":")[2].isdigit()
    del row["process"]
    assert row == {
        "id": reservation.id, "entry": "charge", "at": clock.now, "reserved_at": clock.now - 2,
        "day": int(clock.now // 86_400), "month": 202609, "who": "ada", "face": "magic", "notebook": "a.ipynb",
        "model": "gpt-4o", "fingerprint": ask().key, "requests": 1, "failed": 0, "estimated": 0, "input_tokens": 90,
        "cached_tokens": 30, "output_tokens": 60, "total_tokens": 150, "cost": 900, "latency": 1.5,
        "outcome": "length",
    }  # fmt: skip


def test_old_windows_are_forgotten(make_governor: MakeGovernor, ledger_store: Store, clock: Any, ask: MakeAsk) -> None:
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


def test_the_ledger_cannot_be_rewritten(make_governor: MakeGovernor, ledger_store: Store, ask: MakeAsk) -> None:
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
    make_governor: MakeGovernor, ledger_store: Store, damage: str, ask: MakeAsk
) -> None:
    governor = make_governor()
    governor.settle(governor.reserve(ask()), USED)
    assert governor.verify().ok

    with ledger_store.write() as tx:
        tx.run(damage)

    assert not governor.verify().ok


def test_no_key_is_ever_in_the_database(
    make_governor: MakeGovernor, ledger_store: Store, store_url: str, ask: MakeAsk
) -> None:
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
