"""Governors over an empty store, once on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.purse import Purse
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
