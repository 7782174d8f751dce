"""The store in one SQLite file: WAL, every commit on disk before it returns, one writer at a time.

SQLite's own way to durability (``synchronous=FULL``) waits for the disk while it holds the write lock, so that all
processes wait for every disk write of each. Here the write-ahead log is flushed by the committing process itself, right
after the lock is let go and before `SqliteSession.commit` returns: whoever is told that a block is done can rely on it
as much, since a log is durable up to where it was flushed, and the waits of several processes overlap. Checkpoints are
synchronised by SQLite (``synchronous=NORMAL``), which keeps the file sound through a loss of power at any moment.

A file that may only be read (a snapshot, a read-only mount) is opened for reading: reports work, writers are refused.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jupyter_autocoder.errors import StoreConflict, StoreError, StoreReadOnly, StoreUnavailable
from jupyter_autocoder.store import place
from jupyter_autocoder.store.driver import Dialect, Row, Statement
from jupyter_autocoder.store.turn import NoTurn, Turn, turn_for

BUSY_SECONDS = 10.0
# Longer than any line of writers; who is not let through by then looks after the file's lock himself.
_TURN_SECONDS: Final = 0.25
_CHECKPOINT_PAGES: Final = 4000
_MAGIC: Final = b"SQLite format 3\0"
_sync = getattr(os, "fdatasync", os.fsync)

# primary result code of SQLite -> (why, what to do); "{path}" is the file
_EXPLAINED: Final = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space where {path} lies; nothing was lost"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "give yourself the right to write {path} and its folder"),
    sqlite3.SQLITE_PERM: ("its permissions forbid it", "give yourself the right to write {path} and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check that the folder of {path} exists and is yours"),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "move {path} aside (mv {path} {path}.damaged): a new one is made"),
    sqlite3.SQLITE_NOTADB: (
        "it is not a database",
        "check [store] url; where {path} was a store, move it aside (mv {path} {path}.damaged): a new one is made",
    ),
    sqlite3.SQLITE_IOERR: ("the disk reported an error", "check the disk that holds {path}, its space and your quota"),
    sqlite3.SQLITE_BUSY: (
        f"another process has been writing for over {BUSY_SECONDS:.0f} s",
        "try again; if it stays so, end the process that holds {path} (fuser {path})",
    ),
}
# After these the connection itself may be the trouble, or its file is not the one at the path any more.
_LOST = frozenset({
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
})  # fmt: skip


class SqliteDriver:
    """A SQLite file: `url` is ``sqlite:///path``, a path, or empty for the person's own file."""

    dialect: Dialect = "sqlite"

    def __init__(self, url: str) -> None:
        self._path = _path(url)
        self.where = str(self._path)

    def connect(self) -> SqliteSession:
        place.refuse_network(self._path)
        return SqliteSession(self._path)


class SqliteSession:
    """One connection to the file at `path`, which is made readable by its owner alone where it may be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._log: int | None = None
        self._writing = False
        self._turn: Turn = NoTurn()
        self._read_only = False
        try:
            self._read_only = _is_read_only(path)
            if not self._read_only:
                _create_private(path)
            self._frozen = self._read_only and not _log_of(path).exists()
            self._connection = sqlite3.connect(
                _address(path, read_only=self._read_only, frozen=self._frozen),
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            self._identity = _identity(path)
            if not self._read_only:
                self._turn = turn_for(self._identity or (0, 0))
            self._now = 0.0
            self._connection.create_function("store_now", 0, lambda: self._now)
            self._configure()
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise self._explain(error) from error

    def begin(self, *, write: bool) -> None:
        if not write:
            self.execute("BEGIN", ())
            return
        if self._read_only:
            raise self._explain(OSError(errno.EROFS, os.strerror(errno.EROFS)))
        self._turn.take(_TURN_SECONDS)
        try:
            self.execute("BEGIN IMMEDIATE", ())
        except BaseException:
            self._turn.give()
            raise
        self._writing = True

    def execute(self, sql: str, params: Sequence[Any]) -> list[Row]:
        try:
            cursor = self._patiently(sql, params)
            if cursor.description is None:
                return []
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def change(self, sql: str, params: Sequence[Any]) -> int:
        try:
            return max(self._patiently(sql, params).rowcount, 0)
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def _patiently(self, sql: str, params: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement, waiting for a writer who did not wait in line (see `turn`).

        SQLite's own wait sleeps up to 100 ms between two looks, and does not wait at all where a file is turned to a
        write-ahead log. Only statements that begin something can meet a writer, so to run one again is safe.
        """
        waited = 0.0
        while True:
            try:
                return self._open().execute(sql, params)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or waited > BUSY_SECONDS:
                    raise
            pause = min(0.0001 + waited / 20, 0.005)
            time.sleep(pause)
            waited += pause

    def atomically(self, statements: Sequence[Statement], clock: Callable[[], float] | None) -> list[list[Row]]:
        self.begin(write=True)
        try:
            self._now = (clock or time.time)()
            rows = [self.execute(sql, params) for sql, params in statements]
        except BaseException:
            self.rollback()
            raise
        self.commit()
        return rows

    def commit(self) -> None:
        try:
            self.execute("COMMIT", ())
        except BaseException:  # an interrupt too must not keep the lock, nor the turn
            self.rollback()
            raise
        self._turn.give()
        if self._writing:
            self._writing = False
            self._flush()

    def rollback(self) -> None:
        self._writing = False
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        self._turn.give()

    def clock(self) -> float | None:
        return None

    def usable(self) -> bool:
        # A file that was moved or removed under an open connection would swallow every further row.
        if self._connection is None or _identity(self._path) != self._identity:
            return False
        # So would one that has become writable, or has a writer elsewhere whom SQLite was told not to look for.
        return not self._read_only or (
            _is_read_only(self._path) and not (self._frozen and _log_of(self._path).exists())
        )

    def close(self) -> None:
        self._turn.give()
        self._close_log()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(sqlite3.Error):
                connection.close()

    def abandon(self) -> object:
        self._close_log()
        connection, self._connection = self._connection, None
        return connection

    def _flush(self) -> None:
        """Wait until the write-ahead log is on the disk, and with it everything committed so far."""
        try:
            if self._log is None:
                # It stays the same file for as long as any connection is open, and nobody locks it: to open and to
                # close it takes no lock away, as it would with the database file itself.
                self._log = os.open(_log_of(self._path), os.O_RDWR | os.O_CLOEXEC)
            _sync(self._log)
        except OSError as error:
            raise self._explain(error) from error

    def _close_log(self) -> None:
        if self._log is not None:
            log, self._log = self._log, None
            os.close(log)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the connection was closed")
        return self._connection

    def _configure(self) -> None:
        if self._read_only:
            self._patiently("PRAGMA query_only=ON")
            return
        (mode,) = self._patiently("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            msg = f"the file system allows no write-ahead log (journal mode {mode})"
            raise sqlite3.OperationalError(msg)
        for pragma in (
            *("synchronous=NORMAL", "foreign_keys=ON", "trusted_schema=OFF", "cache_size=-16000"),
            f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        ):
            self._patiently(f"PRAGMA {pragma}")

    def _explain(self, error: Exception) -> StoreError:
        code = _code(error)
        if code == sqlite3.SQLITE_CONSTRAINT:
            return StoreConflict(f"the store refused a row: {error}", why="a rule of its tables forbids it")
        if code in _LOST and not self._read_only:
            self.rollback()
            self.close()
        why, do = _EXPLAINED.get(code, (str(error), "check the file {path} and its folder"))
        detail = f"{why} ({error})" if str(error) not in why else why
        kind = StoreReadOnly if code == sqlite3.SQLITE_READONLY else StoreUnavailable
        return kind(f"the store {self._path} cannot be used", why=detail, do=do.format(path=self._path))


_OF_ERRNO: Final = {
    errno.EACCES: sqlite3.SQLITE_PERM,
    errno.EPERM: sqlite3.SQLITE_PERM,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EIO: sqlite3.SQLITE_IOERR,
}


def _code(error: Exception) -> int:
    if isinstance(error, OSError):
        return _OF_ERRNO.get(error.errno or 0, sqlite3.SQLITE_CANTOPEN)
    # The low byte is the primary code, the rest says where in SQLite it happened.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _path(url: str) -> Path:
    if not url:
        return place.default_file()
    text = url.removeprefix("sqlite:///") if url.startswith("sqlite:") else url
    if "://" in text or text.startswith("sqlite:") or not text:
        raise StoreUnavailable(
            f"the store's address {url.split('@')[-1]!r} is not understood",
            why="it is neither a path nor a sqlite:/// or postgresql:// URL",
            do=f"give a path, or {place.USE_POSTGRES}",
        )
    return Path(text).expanduser().absolute()


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _is_read_only(path: Path) -> bool:
    """Whether there is a file and this process may not write it, or not make the log beside it that writing takes."""
    if not path.exists():
        return False
    return not os.access(path, os.W_OK) or not (_log_of(path).exists() or os.access(path.parent, os.W_OK))


def _address(path: Path, *, read_only: bool, frozen: bool) -> str:
    """The URI of the file; `frozen`, where it has no log, lets SQLite read it without making one."""
    mode = "mode=rw" if not read_only else "mode=ro&immutable=1" if frozen else "mode=ro"
    return f"{path.as_uri()}?{mode}"


def _create_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # SQLite gives its -wal and -shm files the mode of the main file.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_WRONLY, 0o600))
    except FileExistsError:
        _make_private(path)


def _make_private(path: Path) -> None:
    """Take a store's file from others' eyes; raises OSError for what is no file, and leaves alone what is no store.

    The address may be a slip: nobody wants a device, or a file of another kind, made private.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if found.st_uid != os.getuid() or not found.st_mode & 0o077:
        return
    # To close it takes SQLite's locks away, but no connection of this process can have opened it while it was not ours
    # alone.
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.path.samestat(found, os.fstat(file)) and os.read(file, len(_MAGIC)) in (b"", _MAGIC):
            os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
