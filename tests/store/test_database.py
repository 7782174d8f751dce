"""The store's promises, the same on both databases."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from jupyter_autocoder.errors import StoreConflict, StoreTooNew, StoreUnavailable
from jupyter_autocoder.store import Store
from jupyter_autocoder.store.migration import Migration, append_only
from jupyter_autocoder.store.schema import MIGRATIONS

THINGS = Migration(
    version=MIGRATIONS[-1].version + 1,
    min_reader=1,
    part="things",
    statements=("CREATE TABLE things (name TEXT PRIMARY KEY, n BIGINT, x DOUBLE PRECISION)",),
)
WITH_THINGS = (*MIGRATIONS, THINGS)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url, migrations=WITH_THINGS)
    yield store
    store.close()


def add(store: Store, name: str, n: int = 1) -> None:
    with store.write() as tx:
        tx.run("INSERT INTO things (name, n) VALUES (?, ?)", name, n)


def names(store: Store) -> list[str]:
    with store.read() as tx:
        return [row["name"] for row in tx.rows("SELECT name FROM things ORDER BY name")]


def test_what_is_written_is_read_back_by_column_name(store: Store) -> None:
    with store.write() as tx:
        touched = tx.run("INSERT INTO things VALUES (?, ?, ?)", "a", 2**40, 0.1)

    with store.read() as tx:
        row = tx.row("SELECT * FROM things WHERE name = ?", "a")

    assert touched == 1
    assert row == {"name": "a", "n": 2**40, "x": 0.1}


def test_run_says_how_many_rows_it_touched(store: Store) -> None:
    add(store, "a")
    add(store, "b")

    with store.write() as tx:
        assert tx.run("UPDATE things SET n = 9") == 2
        assert tx.run("DELETE FROM things WHERE name = ?", "nobody") == 0
        assert tx.row("SELECT n FROM things WHERE name = ?", "nobody") is None


@pytest.mark.parametrize("text", ["it's ?", "100 %", "%s", "\\", '"', "ü\U0001f600", "$1", "--", ""])
def test_texts_survive_as_they_are(store: Store, text: str) -> None:
    with store.write() as tx:
        tx.run("INSERT INTO things (name, n) VALUES (?, 1)", text)
        row = tx.row("SELECT name, 'lit ? %' AS lit FROM things WHERE name = ? AND 'a?' <> ?", text, "b")

    assert row == {"name": text, "lit": "lit ? %"}


def test_sums_are_whole_numbers_and_averages_are_not(store: Store) -> None:
    add(store, "a", 1)
    add(store, "b", 2)

    with store.read() as tx:
        row = tx.row("SELECT SUM(n) AS total, COUNT(*) AS rows, SUM(n) / 2.0 AS mean, SUM(x) AS none FROM things")

    assert row == {"total": 3, "rows": 2, "mean": 1.5, "none": None}
    assert [type(value) for value in row.values()] == [int, int, float, type(None)]


def test_an_exception_undoes_the_whole_block(store: Store) -> None:
    def fail_half_way() -> None:
        with store.write() as tx:
            tx.run("INSERT INTO things (name) VALUES ('a')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()

    assert names(store) == []


def test_a_broken_rule_is_a_conflict_and_the_next_block_works(store: Store) -> None:
    add(store, "a")

    with pytest.raises(StoreConflict):
        add(store, "a")
    add(store, "b")

    assert names(store) == ["a", "b"]


def test_a_wrong_statement_is_a_typed_error_and_the_next_block_works(store: Store) -> None:
    with pytest.raises(StoreUnavailable), store.read() as tx:
        tx.rows("SELECT * FROM nothing")

    assert names(store) == []


def test_transactions_do_not_nest(store: Store) -> None:
    with store.write(), pytest.raises(RuntimeError, match="do not nest"), store.read():
        pass

    assert names(store) == []


def test_a_reader_sees_one_moment_while_a_writer_goes_on(store: Store) -> None:
    add(store, "a")

    with store.read() as tx:
        before = tx.rows("SELECT name FROM things")
        writer = threading.Thread(target=add, args=(store, "b"))
        writer.start()
        writer.join(10)
        after = tx.rows("SELECT name FROM things")

    assert before == after
    assert names(store) == ["a", "b"]


def test_only_one_writer_at_a_time(store: Store) -> None:
    add(store, "n", 0)

    def count() -> None:
        for _ in range(25):
            with store.write() as tx:
                row = tx.row("SELECT n FROM things WHERE name = 'n'")
                assert row
                tx.run("UPDATE things SET n = ? WHERE name = 'n'", row["n"] + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with store.read() as tx:
        assert tx.row("SELECT n FROM things") == {"n": 100}


def test_a_forked_child_opens_its_own_connection(store: Store) -> None:
    add(store, "parent")
    with store.read() as tx:
        tx.rows("SELECT 1 AS one")
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                add(store, "child")
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        tx.rows("SELECT name FROM things")

    assert os.waitstatus_to_exitcode(status) == 0
    add(store, "parent again")
    assert names(store) == ["child", "parent", "parent again"]


FORK_AND_EXIT = """
import os, sys
from jupyter_autocoder.store import Store
store = Store(sys.argv[1])
with store.write() as tx:
    tx.run("CREATE TABLE IF NOT EXISTS forked (n BIGINT)")
with store.write() as tx:
    tx.run("INSERT INTO forked VALUES (1)")
    child = os.fork()
    if child == 0:
        sys.exit(0)  # an ordinary end, with every destructor, inside the parent's transaction
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    tx.run("INSERT INTO forked VALUES (2)")
with store.read() as tx:
    print(len(tx.rows("SELECT * FROM forked")))
store.close()
"""


def test_a_childs_ordinary_exit_leaves_the_parents_transaction_alone(
    store_url: str, python: Callable[..., str]
) -> None:
    # A thread's end in the child runs the block's exit too: its rollback must not reach the parent's connection.
    assert python(FORK_AND_EXIT, store_url).split() == ["2"]


def test_a_threads_connection_ends_with_the_thread(store: Store) -> None:
    add(store, "a")
    before = len(store._held)

    threads = [threading.Thread(target=names, args=(store,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(store._held) == before


def test_a_closed_store_opens_again(store: Store) -> None:
    add(store, "a")

    store.close()

    assert names(store) == ["a"]


def test_now_is_the_injected_clock(store_url: str) -> None:
    store = Store(store_url, clock=lambda: 12.5)

    with store.write() as tx:
        assert tx.now() == 12.5
    store.close()


def test_now_is_close_to_the_time_of_day(store: Store) -> None:
    import time

    with store.write() as tx:
        assert abs(tx.now() - time.time()) < 5


MIGRATE = """
import sys
from jupyter_autocoder.store import Store
store = Store(sys.argv[1])
with store.read() as tx:
    print(len(tx.rows("SELECT * FROM schema_version")))
store.close()
"""


def test_processes_that_migrate_at_once_do_it_once(store_url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, store_url]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    printed = [worker.communicate(timeout=60)[0].strip() for worker in workers]

    assert printed == [str(len(MIGRATIONS))] * 4


def test_an_older_store_is_brought_up_to_date_with_its_rows(store_url: str) -> None:
    old = Store(store_url, migrations=WITH_THINGS)
    add(old, "kept")
    old.close()
    newer = replace(
        THINGS,
        version=THINGS.version + 1,
        statements=("ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",),
    )

    new = Store(store_url, migrations=(*WITH_THINGS, newer))

    with new.read() as tx:
        assert tx.rows("SELECT name, colour FROM things") == [{"name": "kept", "colour": "red"}]
    new.close()


def test_a_newer_store_is_used_when_its_min_reader_allows(store_url: str) -> None:
    new = Store(store_url, migrations=WITH_THINGS)
    add(new, "a")

    old = Store(store_url)

    with old.read() as tx:
        assert tx.rows("SELECT name FROM things") == [{"name": "a"}]
    new.close()
    old.close()


def test_a_newer_store_that_we_cannot_read_is_refused_with_a_message(store_url: str) -> None:
    new = Store(store_url, migrations=(*MIGRATIONS, replace(THINGS, min_reader=THINGS.version)))
    add(new, "a")
    old = Store(store_url)

    with pytest.raises(StoreTooNew, match="upgrade jupyter-autocoder"), old.write():
        pass

    assert names(new) == ["a"]
    new.close()
    old.close()


def test_a_store_that_becomes_too_new_under_us_is_noticed(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.store.database._CHECK_SECONDS", 0.0)
    old = Store(store_url)
    with old.read() as tx:
        tx.rows("SELECT 1 AS one")
    new = Store(store_url, migrations=(*MIGRATIONS, replace(THINGS, min_reader=THINGS.version)))
    add(new, "a")

    with pytest.raises(StoreTooNew), old.write():
        pass

    new.close()
    old.close()


def test_append_only_rows_can_be_neither_changed_nor_removed(store_url: str) -> None:
    log = replace(THINGS, statements=("CREATE TABLE log (n BIGINT)", *append_only("log")))
    store = Store(store_url, migrations=(*MIGRATIONS, log))
    with store.write() as tx:
        tx.run("INSERT INTO log VALUES (1)")

    for statement in ("UPDATE log SET n = 2", "DELETE FROM log"):
        with pytest.raises(StoreConflict, match="append-only"), store.write() as tx:
            tx.run(statement)

    with store.read() as tx:
        assert tx.rows("SELECT n FROM log") == [{"n": 1}]
    store.close()


def test_migrations_are_numbered_in_order_and_only_add() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    for migration in MIGRATIONS:
        for dialect in ("sqlite", "postgres"):
            for statement in migration.sql(dialect):
                assert statement.split()[0] in ("CREATE", "ALTER", "INSERT"), statement


@pytest.mark.parametrize("min_reader", [0, 3])
def test_a_migration_that_nobody_could_read_is_refused(min_reader: int) -> None:
    with pytest.raises(ValueError, match="min_reader"):
        Migration(version=2, min_reader=min_reader, part="x", statements=())
