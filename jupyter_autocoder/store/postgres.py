"""The store on a PostgreSQL server: one ledger and one set of limits for all machines of a hub.

Writers take one advisory lock for the length of their transaction, so that a block under `Store.write` means here what
it means on SQLite: nothing it read can change before it ends. Nobody deadlocks, and nobody can hold the lock for long:
the server ends a transaction that sits idle for `WAIT_SECONDS`, and gives up on waiting for the lock a little later.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from jupyter_autocoder.errors import StoreConflict, StoreError, StoreReadOnly, StoreUnavailable
from jupyter_autocoder.store.driver import Dialect, Row, Statement
from jupyter_autocoder.store.wire import ServerError, Wire

if TYPE_CHECKING:
    from types import ModuleType

    import psycopg as psycopg_types

WAIT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 30.0
# Any number does for the lock, as long as every version of this package takes the same one.
_LOCK: Final = "SELECT pg_advisory_xact_lock(7665500104497883236)"
# The server lets go of a lock only after it has waited for the disk, so that all would wait for every disk write of
# each. So a transaction that holds the lock does not wait, and a second one, without the lock, writes a mark into the
# same log and waits for that: a log is on the disk up to where it was flushed, and the server flushes many at once.
_LOCK_UNFLUSHED: Final = f"{_LOCK}, set_config('synchronous_commit', 'off', true)"
_FLUSH: Final = "SELECT pg_logical_emit_message(true, 'jupyter_autocoder', '')"
_SERVER_CLOCK: Final = "extract(epoch FROM clock_timestamp())::float8"
_BEGIN_WRITE: Final = f"BEGIN; {_LOCK}; SELECT {_SERVER_CLOCK} AS now"
_BEGIN_READ: Final = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT {_SERVER_CLOCK} AS now"
_PLAN_IS_OLD: Final = "0A000"
# A standby, and a database user who may not change tables: either may be able to read.
_READ_ONLY: Final = frozenset({"25006", "42501"})

# class or code of an SQLSTATE -> (why, what to do)
_EXPLAINED: Final = {
    "53100": ("the server's disk is full", "free space on the server"),
    "53300": ("the server takes no more connections", "raise max_connections there, or put a pooler before it"),
    "25006": ("the server is read-only (a standby?)", "point [store] url to the primary server"),
    "55P03": ("another process has been writing for too long", "try again"),
    "42501": ("this database user may not do that", "grant it CREATE and USAGE on the schema, and its tables"),
    "28": ("the server does not accept this user", "check user and password in [store] url"),
    "3D000": ("the database does not exist", "create it (createdb), or mend [store] url"),
    "57": ("the server is shutting down or ended our session", "try again when it is back"),
    "0A": ("a table has changed meanwhile", "try again"),
    "08": ("the connection was lost", "check that the server runs and is reachable, then try again"),
}


class PostgresDriver:
    """A PostgreSQL database at a ``postgresql://`` URL; libpq's own options may stand in its query."""

    dialect: Dialect = "postgres"

    def __init__(self, url: str) -> None:
        self._url = url
        self.where = _without_password(url)

    def connect(self) -> PostgresSession:
        return PostgresSession(self._url, self.where)


class PostgresSession:
    """One connection, whose transactions are begun and ended by the words of SQL."""

    def __init__(self, url: str, where: str) -> None:
        self._where = where
        self._clock: float | None = None
        try:
            import psycopg
        except ImportError:
            raise StoreUnavailable(
                f"the store {where} needs the PostgreSQL driver",
                why="psycopg is not installed here",
                do="pip install 'jupyter-autocoder[postgres]'",
            ) from None
        self._connection: psycopg_types.Connection[Any] | None = None
        try:
            self._connection = _connected(psycopg, url)
            self._wire = Wire(self._connection.pgconn, timeout=ANSWER_SECONDS)
            self._wire.simple(
                # Longer than a sleeping writer may keep the lock, so that who waits for it outlasts it.
                f"SET lock_timeout = '{WAIT_SECONDS + 2}s'; "
                f"SET idle_in_transaction_session_timeout = '{WAIT_SECONDS}s'; "
                "SET client_min_messages = warning; SET client_encoding = 'UTF8'; SET synchronous_commit = on"
            )
        except psycopg.Error as error:
            # The driver's own text may quote the URL, and with it the password.
            raise self._explain(str(error), error.sqlstate or "") from None
        except ServerError as error:
            self.close()
            raise self._explain(str(error), error.sqlstate) from None

    def begin(self, *, write: bool) -> None:
        try:
            wire = self._open()
            if not wire.idle():
                wire.simple("ROLLBACK")
            (row,) = wire.simple(_BEGIN_WRITE if write else _BEGIN_READ)
        except ServerError as error:
            self.rollback()
            raise self._explain(str(error), error.sqlstate) from error
        self._clock = float(row["now"])

    def execute(self, sql: str, params: Sequence[Any]) -> list[Row]:
        try:
            return list(self._open().query(_translated(sql), params))
        except ServerError as error:
            raise self._explain(str(error), error.sqlstate) from error

    def change(self, sql: str, params: Sequence[Any]) -> int:
        try:
            return self._open().change(_translated(sql), params)
        except ServerError as error:
            raise self._explain(str(error), error.sqlstate) from error

    def atomically(self, statements: Sequence[Statement], clock: Callable[[], float] | None) -> list[list[Row]]:
        now = _SERVER_CLOCK if clock is None else f"{clock()!r}::float8"
        steps = [
            (_LOCK_UNFLUSHED, ()),
            *((_translated(sql).replace("store_now()", now), params) for sql, params in statements),
        ]
        try:
            answers, _ = self._open().together(steps, [(_FLUSH, ())])
        except ServerError as error:
            self.rollback()
            raise self._explain(str(error), error.sqlstate) from error
        return [list(rows) for rows in answers[1:]]

    def commit(self) -> None:
        try:
            self._open().simple("COMMIT")
        except ServerError as error:
            self.rollback()
            raise self._explain(str(error), error.sqlstate) from error

    def rollback(self) -> None:
        with suppress(ServerError):
            if self.usable() and not self._wire.idle():
                self._wire.simple("ROLLBACK")

    def clock(self) -> float | None:
        return self._clock

    def usable(self) -> bool:
        return self._connection is not None and self._wire.alive()

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def abandon(self) -> object:
        connection, self._connection = self._connection, None
        return connection

    def _open(self) -> Wire:
        if self._connection is None:
            raise ServerError("the connection was closed")
        return self._wire

    def _explain(self, text: str, state: str) -> StoreError:
        first = text.strip().splitlines()[0] if text.strip() else "the connection was lost"
        first = re.sub(r"(://[^:@/\s]*):[^@\s]*@", r"\1@", first)
        if state.startswith("23"):
            return StoreConflict(f"the store refused a row: {first}", why="a rule of its tables forbids it")
        why, do = _EXPLAINED.get(state) or _EXPLAINED.get(state[:2] or "08") or (first, "see the server's log")
        if state == _PLAN_IS_OLD:
            # Another process has changed a table: the statements prepared here are for its old shape.
            self.close()
        detail = why if first == why else f"{why} ({first})"
        kind = StoreReadOnly if state in _READ_ONLY else StoreUnavailable
        return kind(f"the store {self._where} cannot be used", why=detail, do=do)


def _connected(psycopg: ModuleType, url: str) -> psycopg_types.Connection[Any]:
    """Connect by psycopg, which tries every host and address of the URL and keeps the time."""
    defaults: dict[str, Any] = {"connect_timeout": 5, "keepalives_idle": 30, "tcp_user_timeout": 30_000}
    given = psycopg.conninfo.conninfo_to_dict(url)
    options = {key: value for key, value in defaults.items() if key not in given}
    connection: psycopg_types.Connection[Any] = psycopg.connect(url, autocommit=True, **options)
    return connection


@functools.lru_cache(maxsize=512)
def _translated(sql: str) -> str:
    """Give the server's placeholders for ``?``, leaving quoted texts alone."""
    numbers = itertools.count(1)
    parts = re.split(r"('(?:[^']|'')*')", sql)
    return "".join(p if p.startswith("'") else re.sub(r"\?", lambda _: f"${next(numbers)}", p) for p in parts)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "postgresql://(not a valid URL)"
    return f"postgresql://{f'{parts.username}@' if parts.username else ''}{host}{parts.path}"
