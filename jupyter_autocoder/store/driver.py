"""What the store needs from a database: the contract that the SQLite and PostgreSQL files fulfil."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

Row = Mapping[str, Any]
Statement = tuple[str, Sequence[Any]]
Dialect = Literal["sqlite", "postgres"]


class Session(Protocol):
    """One open connection, used by one thread of one process; every failure it raises is a StoreError."""

    def begin(self, *, write: bool) -> None:
        """Start a transaction; a writing one returns only once it is the one writer, having waited its turn."""

    def execute(self, sql: str, params: Sequence[Any]) -> list[Row]:
        """Run one statement with ``?`` placeholders and return its rows (none for a statement that gives none)."""

    def change(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement and return how many rows it touched."""

    def atomically(self, statements: Sequence[Statement], clock: Callable[[], float] | None) -> list[list[Row]]:
        """Run statements as one writing transaction in as few exchanges as can be, and return the rows of each.

        ``store_now()`` in a statement is `clock` read inside the lock; without one it is the database's own clock.
        """

    def commit(self) -> None:
        """End the transaction durably."""

    def rollback(self) -> None:
        """Give the transaction up; must not raise, a connection that is lost has already done it."""

    def clock(self) -> float | None:
        """The database's own clock in seconds, which a hub's machines share; None where it is this machine's."""

    def usable(self) -> bool:
        """Whether the next transaction may be begun here; False makes the store connect anew."""

    def close(self) -> None:
        """Let go of the connection; must not raise."""

    def abandon(self) -> object:
        """Forget the connection without a word to anybody; called in a forked child, where it is still the parent's.

        Returns what must be kept alive for as long as the process lives, because to destroy it would be to close it.
        """


class Driver(Protocol):
    """One kind of database at one address."""

    dialect: Dialect
    where: str
    """The address as people may see it: without a password."""

    def connect(self) -> Session:
        """Open a connection; called by the store once per thread and process."""
