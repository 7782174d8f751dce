"""What a caller holds between ``with store.write() as tx`` and the end of the block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_autocoder.store.driver import Row, Session


class Reading:
    """A consistent view of the store; ``?`` stands for a parameter in every statement, on both databases."""

    def __init__(self, session: Session, now: Callable[[], float]) -> None:
        self._session = session
        self._now = now

    def rows(self, sql: str, *params: Any) -> list[Row]:
        """Return every row as a mapping by column name."""
        return self._session.execute(sql, params)

    def row(self, sql: str, *params: Any) -> Row | None:
        """Return the first row, None when there is none."""
        rows = self._session.execute(sql, params)
        return rows[0] if rows else None

    def now(self) -> float:
        """Read the store's clock, in seconds since 1970; in a writing transaction that is inside the lock."""
        return self._now()


class Writing(Reading):
    """The one writer's transaction: what it reads cannot change before it ends, and all of it happens or nothing."""

    def run(self, sql: str, *params: Any) -> int:
        """Run one changing statement and return how many rows it touched."""
        return self._session.change(sql, params)
