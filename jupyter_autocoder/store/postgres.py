"""The store on a PostgreSQL server: one ledger and one set of limits for all machines of a hub.

Writers take one advisory lock for the length of their transaction, so that a block under `Store.write` means here what
it means on SQLite: nothing it read can change before it ends. Nobody deadlocks, and nobody can hold the lock for long:
the server ends a transaction that sits idle, and gives up on waiting for the lock, both after `WAIT_SECONDS`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from jupyter_autocoder.errors import StoreConflict, StoreError, StoreUnavailable
from jupyter_autocoder.store.driver import Dialect, Row

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

WAIT_SECONDS: Final = 10
# Any number does, as long as every version of this package takes the same one.
WRITER_LOCK: Final = 0x6A61_7574_6F63_6F64

_BEGIN_WRITE: Final = (
    "BEGIN; SELECT pg_advisory_xact_lock(7665500104497883236); SELECT extract(epoch FROM clock_timestamp())"
)
_BEGIN_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT extract(epoch FROM clock_timestamp())"

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
    """One connection in autocommit mode, whose transactions are begun and ended by the words of SQL."""

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
        self._psycopg = psycopg
        self._connection = self._connect(url)

    def _connect(self, url: str) -> psycopg.Connection[DictRow]:
        from psycopg.rows import dict_row

        defaults: dict[str, Any] = {"connect_timeout": 5, "keepalives_idle": 30, "tcp_user_timeout": 30_000}
        try:
            given = self._psycopg.conninfo.conninfo_to_dict(url)
            options = {key: value for key, value in defaults.items() if key not in given}
            connection = self._psycopg.connect(url, autocommit=True, row_factory=dict_row, **options)
            connection.execute(
                f"SET lock_timeout = '{WAIT_SECONDS}s'; "
                f"SET idle_in_transaction_session_timeout = '{WAIT_SECONDS}s'; SET client_min_messages = warning"
            )
        except self._psycopg.Error as error:
            # The driver's own text may quote the URL, and with it the password.
            raise self._explain(error) from None
        return connection

    def begin(self, *, write: bool) -> None:
        try:
            cursor = self._connection.execute(_BEGIN_WRITE if write else _BEGIN_READ)
            while cursor.nextset():
                pass
            row = cursor.fetchone()
            self._clock = float(next(iter(row.values()))) if row else None
        except self._psycopg.Error as error:
            self.rollback()
            raise self._explain(error) from error

    def execute(self, sql: str, params: Sequence[Any]) -> list[Row]:
        try:
            cursor = self._connection.execute(_translated(sql), params)
            return list(cursor.fetchall()) if cursor.description else []
        except self._psycopg.Error as error:
            raise self._explain(error) from error

    def change(self, sql: str, params: Sequence[Any]) -> int:
        try:
            return max(self._connection.execute(_translated(sql), params).rowcount, 0)
        except self._psycopg.Error as error:
            raise self._explain(error) from error

    def commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except self._psycopg.Error as error:
            self.rollback()
            raise self._explain(error) from error

    def rollback(self) -> None:
        with suppress(self._psycopg.Error):
            self._connection.execute("ROLLBACK")

    def clock(self) -> float | None:
        return self._clock

    def usable(self) -> bool:
        return not (self._connection.closed or self._connection.broken)

    def close(self) -> None:
        with suppress(self._psycopg.Error):
            self._connection.close()

    def _explain(self, error: psycopg.Error) -> StoreError:
        state = error.sqlstate or "08000"
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        text = re.sub(r"(://[^:@/\s]*):[^@\s]*@", r"\1@", text)
        if state.startswith("23"):
            return StoreConflict(f"the store refused a row: {text}", why="a rule of its tables forbids it")
        why, do = _EXPLAINED.get(state) or _EXPLAINED.get(state[:2]) or (text, "see the server's log")
        detail = why if text == why else f"{why} ({text})"
        return StoreUnavailable(f"the store {self._where} cannot be used", why=detail, do=do)


@functools.lru_cache(maxsize=512)
def _translated(sql: str) -> str:
    """Give psycopg's placeholders for ``?``, leaving quoted texts alone; a literal ``%`` is doubled."""
    parts = re.split(r"('(?:[^']|'')*')", sql.replace("%", "%%"))
    return "".join(p if p.startswith("'") else p.replace("?", "%s") for p in parts)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "postgresql://(not a valid URL)"
    return f"postgresql://{f'{parts.username}@' if parts.username else ''}{host}{parts.path}"
