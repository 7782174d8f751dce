"""Governors over an empty store, once on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.purse import Purse
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

MakeGovernor = Callable[..., Governor]


@pytest.fixture
def ledger_store(store_url: str, clock: Callable[[], float]) -> Iterator[Store]:
    store = Store(store_url, clock=clock)
    yield store
    store.close()


@pytest.fixture
def make_governor(ledger_store: Store) -> MakeGovernor:
    """Make a governor for `user` with these limits over the test's one store."""

    def make(
        *,
        user: str = "ada",
        local: bool = False,
        lease_seconds: float = 600.0,
        purse: Purse | None = None,
        **limits: object,
    ) -> Governor:
        settings = LimitSettings(**limits)  # type: ignore[arg-type]
        return Governor(ledger_store, settings, user=user, local=local, lease_seconds=lease_seconds, purse=purse)

    return make


@pytest.fixture
def ask() -> Callable[..., Ask]:
    """Make an Ask of 500 tokens and 5,000 micro-USD, with changes."""

    def make(**changes: Any) -> Ask:
        values = {"model": "gpt-4o", "key": "sk-one", "input_tokens": 100, "max_output_tokens": 400, "cost": 5000}
        return Ask(**{**values, **changes})

    return make


@pytest.fixture
def ledger() -> Callable[[Store], list[dict[str, Any]]]:
    """Read the whole ledger of a store, oldest first."""

    def read(store: Store) -> list[dict[str, Any]]:
        with store.read() as tx:
            return [dict(row) for row in tx.rows("SELECT * FROM ledger ORDER BY at, id, entry")]

    return read
