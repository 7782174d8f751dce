"""The store itself: connections per thread and process, transactions, and the schema brought up to date."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from jupyter_autocoder import settings
from jupyter_autocoder.errors import StoreReadOnly, StoreTooNew, StoreUnavailable
from jupyter_autocoder.store.driver import Driver, Row, Session, Statement
from jupyter_autocoder.store.migration import Migration
from jupyter_autocoder.store.schema import MIGRATIONS, VERSION_TABLE
from jupyter_autocoder.store.transaction import Reading, Writing

# Connections that a fork copied. To close one here would end its owner's session, so they are kept, unused, for good.
_INHERITED: list[object] = []
_CHECK_SECONDS = 5.0


class Store:
    """One database, opened at first use; safe to share between threads and to carry across a fork.

    `url` is ``postgresql://...``, ``sqlite:///path`` or a path; empty is the person's private file; None takes the
    settings' ``[store] url``. `clock` gives seconds since 1970; left alone, PostgreSQL's own clock is used there, since
    the machines of a hub do not agree on the time.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        migrations: tuple[Migration, ...] = MIGRATIONS,
    ) -> None:
        self._url = settings.current().store.url if url is None else url
        self._clock = clock
        self._migrations = migrations
        self._version = migrations[-1].version if migrations else 0
        self._driver: Driver | None = None
        self._opening = threading.Lock()
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        _STORES.add(self)

    @property
    def where(self) -> str:
        """The database's address as people may see it: a path, or a URL without its password."""
        return self._driven().where

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """Be the one writer until the block ends: committed durably at its end, undone by any exception.

        Raises StoreUnavailable (StoreReadOnly where only `read` works) or StoreTooNew; a StoreUnavailable from the end
        of the block leaves open, as in every database, whether the last moment's commit happened.
        """
        with self._transaction(write=True) as session:
            yield Writing(session, self._now(session))

    def atomically(self, *statements: Statement) -> list[list[Row]]:
        """Run statements, known beforehand, as one writing transaction and return the rows of each.

        On PostgreSQL that is a single exchange with the server, so that the lock is held for no longer than the server
        itself needs. ``store_now()`` in a statement stands for `Writing.now`, the clock read inside the lock.
        """
        held = self._session()
        self._check_version_at_times(held)
        held.busy = True
        try:
            return held.session.atomically(statements, None if self._clock is time.time else self._clock)
        finally:
            held.busy = False

    def about_now(self) -> float:
        """Return this machine's idea of the store's clock, without asking the database."""
        return self._clock()

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """See one consistent snapshot until the block ends, without blocking anybody."""
        with self._transaction(write=False) as session:
            yield Reading(session, self._now(session))

    def integrity(self) -> tuple[str, ...]:
        """Return what is damaged in the file, nothing where all is well; a PostgreSQL server looks after itself."""
        if self._driven().dialect != "sqlite":
            return ()
        with self.read() as tx:
            found = [str(row["integrity_check"]) for row in tx.rows("PRAGMA integrity_check")]
        return tuple(line for line in found if line != "ok")

    def close(self) -> None:
        """Close the connections of all threads; the next use opens them again."""
        for held in list(self._held):
            held.close()
        self._local = threading.local()

    def _driven(self) -> Driver:
        if self._driver is None:
            with self._opening:
                self._driver = self._driver or _driver(self._url)
        return self._driver

    def _now(self, session: Session) -> Callable[[], float]:
        if self._clock is not time.time:
            return self._clock

        def now() -> float:
            theirs = session.clock()
            return self._clock() if theirs is None else theirs

        return now

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Session]:
        held = self._begun(write=write)
        try:
            try:
                self._check_version_at_times(held)
                yield held.session
            except BaseException:
                held.session.rollback()
                raise
            held.session.commit()
        finally:
            held.busy = False

    def _begun(self, *, write: bool) -> _Held:
        """Return this thread's connection inside a fresh transaction, marked busy."""
        held = self._session()
        try:
            held.session.begin(write=write)
        except StoreUnavailable:
            # A server that was restarted shows only now, and nothing has been done yet: one fresh connection may help.
            if held.session.usable():
                raise
            held = self._session()
            held.session.begin(write=write)
        held.busy = True
        return held

    def _session(self) -> _Held:
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None:
            if held.busy:
                msg = "a transaction of this thread is open already; transactions do not nest"
                raise RuntimeError(msg)
            if held.session.usable():
                return held
            held.close()
        held = _Held(self._driven().connect())
        try:
            try:
                self._migrate(held.session)
            except StoreReadOnly:
                self._require_migrated(held.session)
        except BaseException:
            held.close()
            raise
        self._local.held = held
        self._held.add(held)
        return held

    def _migrate(self, session: Session) -> None:
        """Bring the schema up to date; whoever comes second finds the work done."""
        session.begin(write=True)
        try:
            session.change(VERSION_TABLE, ())
            there = self._check_version(session)
            for migration in self._migrations:
                if migration.version > there:
                    self._apply(session, migration)
        except BaseException:
            session.rollback()
            raise
        session.commit()

    def _require_migrated(self, session: Session) -> None:
        """Raise StoreReadOnly where a store that may not be written would have to be brought up to date."""
        session.begin(write=False)
        try:
            there = self._check_version(session)
        finally:
            session.rollback()
        if there < self._version:
            raise StoreReadOnly(
                f"the store {self.where} was written by an older version of jupyter-autocoder and is read-only",
                why=f"it has schema version {there}, this one needs {self._version}",
                do="let somebody who may write it open it once, or read it with the older version",
            )

    def _apply(self, session: Session, migration: Migration) -> None:
        for sql in migration.sql(self._driven().dialect):
            session.change(sql, ())
        row = (migration.version, migration.min_reader, migration.part, self._now(session)())
        session.change("INSERT INTO schema_version (version, min_reader, part, at) VALUES (?, ?, ?, ?)", row)

    def _check_version_at_times(self, held: _Held) -> None:
        # Somebody may install a newer version while this process runs; to ask in every transaction would be dear.
        if time.monotonic() - held.checked > _CHECK_SECONDS:
            self._check_version(held.session)
            held.checked = time.monotonic()

    def _check_version(self, session: Session) -> int:
        (row,) = session.execute("SELECT max(version) AS version, max(min_reader) AS reader FROM schema_version", ())
        if (row["reader"] or 0) > self._version:
            raise StoreTooNew(
                f"the store {self.where} was written by a newer version of jupyter-autocoder",
                why=f"it needs schema version {row['reader']} or newer, this one knows up to {self._version}",
                do="upgrade jupyter-autocoder here, or set [store] url to another store",
            )
        return int(row["version"] or 0)


class _Held:
    """A connection that is closed when its thread ends."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.busy = False
        self.checked = time.monotonic()

    def close(self) -> None:
        self.session.close()

    def __del__(self) -> None:
        # Interpreter shutdown may have taken away what closing needs.
        with suppress(Exception):
            self.close()


_STORES: weakref.WeakSet[Store] = weakref.WeakSet()


def _forget_connections() -> None:
    for store in list(_STORES):
        _INHERITED.extend(held.session.abandon() for held in list(store._held))
        store._held = weakref.WeakSet()
        store._local = threading.local()
        store._opening = threading.Lock()


os.register_at_fork(after_in_child=_forget_connections)


def _driver(url: str) -> Driver:
    if url.startswith(("postgresql://", "postgres://")):
        from jupyter_autocoder.store.postgres import PostgresDriver

        return PostgresDriver(url)
    from jupyter_autocoder.store.sqlite import SqliteDriver

    return SqliteDriver(url)
