"""What can happen to a server: each time a typed error without the password, and the next action works."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_autocoder.errors import StoreConflict, StoreUnavailable
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.store.postgres import _LOCK, _translated

pytestmark = pytest.mark.server
ASK = Ask(model="m", key="k", input_tokens=1, cost=1)
KILL_ALL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '{}'"
)


@pytest.fixture
def database(postgres_server: Any) -> str:
    url: str = postgres_server.new_database()
    return url


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    touch(store)
    yield store
    store.close()


def touch(store: Store) -> None:
    with store.write() as tx:
        tx.run("UPDATE breakers SET failures = failures")


def kill_sessions(server: Any, database: str) -> None:
    server.sql(KILL_ALL.format(database.rpartition("/")[2]))


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("SELECT ?, ?", "SELECT $1, $2"),
        ("SELECT '?', ?", "SELECT '?', $1"),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_placeholders_become_the_servers_own(sql: str, translated: str) -> None:
    assert _translated(sql) == translated


def test_the_address_shown_has_no_password(store: Store, postgres_server: Any) -> None:
    assert postgres_server.password not in store.where
    assert store.where.startswith(f"postgresql://autocoder@127.0.0.1:{postgres_server.port}/")


def test_a_server_gone_in_the_middle_of_a_block_undoes_it_and_the_next_works(
    store: Store, database: str, postgres_server: Any
) -> None:
    def write_and_lose() -> None:
        with store.write() as tx:
            tx.run("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)")
            kill_sessions(postgres_server, database)
            tx.run("INSERT INTO breakers VALUES ('b', 'b', 1, 0, 0, 0)")

    with pytest.raises(StoreUnavailable) as lost:
        write_and_lose()

    assert lost.value.do
    with store.write() as tx:
        assert tx.rows("SELECT scope FROM breakers") == []


def test_a_server_gone_before_the_commit_is_a_typed_error(store: Store, database: str, postgres_server: Any) -> None:
    def write_and_lose() -> None:
        with store.write() as tx:
            tx.run("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)")
            kill_sessions(postgres_server, database)

    with pytest.raises(StoreUnavailable):
        write_and_lose()

    with store.read() as tx:
        assert tx.rows("SELECT scope FROM breakers") == []


def test_a_connection_that_died_while_idle_is_replaced_unseen(
    store: Store, database: str, postgres_server: Any
) -> None:
    governor = Governor(store, LimitSettings(profile="local"), user="ada")
    for action in (lambda: touch(store), lambda: governor.release(governor.reserve(ASK)), governor.verify):
        kill_sessions(postgres_server, database)

        action()


def test_a_server_that_is_down_closes_the_governor_until_it_is_back(store: Store, postgres_server: Any) -> None:
    governor = Governor(store, LimitSettings(profile="local"), user="ada")
    reservation = governor.reserve(ASK)
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as refused:
                governor.reserve(ASK)
            assert postgres_server.password not in str(refused.value)
            with pytest.raises(StoreUnavailable):
                governor.settle(reservation, Usage())
    finally:
        postgres_server.start()

    assert governor.settle(reservation, Usage(input_tokens=1, cost=1))
    assert governor.verify().ok


def test_what_was_done_at_once_outlives_a_crash_of_the_server(store: Store, postgres_server: Any) -> None:
    governor = Governor(store, LimitSettings(profile="local"), user="ada")
    for _ in range(3):
        governor.reserve(ASK)
        settled = governor.reserve(ASK)
        assert governor.settle(settled, Usage(input_tokens=1, cost=1))
    postgres_server.stop()
    postgres_server.start()

    verification = governor.verify()

    assert verification.ok
    assert (verification.entries, verification.open_reservations) == (3, 3)


def test_a_rule_broken_at_once_is_a_conflict_and_the_next_works(store: Store) -> None:
    with pytest.raises(StoreConflict):
        store.atomically(
            ("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)", ()),
            ("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)", ()),
        )

    assert store.atomically(("SELECT scope FROM breakers", ())) == [[]]


@pytest.mark.parametrize("part", ["password", "database", "port"])
def test_a_wrong_address_is_explained_without_the_password(postgres_server: Any, part: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = {
            "password": f"postgresql://autocoder:wrong-secret@127.0.0.1:{postgres_server.port}/postgres",
            "database": postgres_server.url("nowhere"),
            "port": f"postgresql://autocoder:wrong-secret@127.0.0.1:{unused.getsockname()[1]}/postgres",
        }[part]

        with pytest.raises(StoreUnavailable) as refused:
            touch(Store(url))

    said = f"{refused.value!r} {refused.value} {refused.value.__cause__!r}"
    assert "wrong-secret" not in said
    assert postgres_server.password not in said
    assert refused.value.do


def test_a_writer_that_never_ends_is_not_waited_for_forever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    monkeypatch.setattr("jupyter_autocoder.store.postgres.WAIT_SECONDS", 1)
    store.close()
    with psycopg.connect(store._url) as other:
        other.execute(_LOCK.encode())

        with pytest.raises(StoreUnavailable, match="another process has been writing"):
            touch(store)
        with pytest.raises(StoreUnavailable, match="another process has been writing"):
            store.atomically(("DELETE FROM breakers", ()))

    touch(store)


def test_a_holder_that_fell_asleep_loses_the_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.store.postgres.WAIT_SECONDS", 1)
    sleeper = Store(store._url)

    def fall_asleep() -> None:
        with sleeper.write() as tx:
            tx.run("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)")
            touch(store)  # waits until the server has thrown the sleeper out

    with pytest.raises(StoreUnavailable):
        fall_asleep()

    with sleeper.read() as tx:
        assert tx.rows("SELECT scope FROM breakers") == []
    sleeper.close()


def test_a_server_that_does_not_answer_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.store.postgres.ANSWER_SECONDS", 0.5)
    slow = Store(store._url)

    with pytest.raises(StoreUnavailable, match="not answered"), slow.read() as tx:
        tx.rows("SELECT pg_sleep(5)")

    touch(slow)
    slow.close()


def test_a_table_changed_meanwhile_is_noticed_and_the_next_works(store: Store) -> None:
    with store.read() as tx:
        tx.rows("SELECT * FROM breakers")
    other = Store(store._url)
    with other.write() as tx:
        tx.run("ALTER TABLE breakers ADD COLUMN colour TEXT")
    other.close()

    with pytest.raises(StoreUnavailable, match="try again"), store.read() as tx:
        tx.rows("SELECT * FROM breakers")

    with store.read() as tx:
        assert tx.rows("SELECT * FROM breakers") == []


def test_many_different_statements_do_not_fill_the_server(store: Store) -> None:
    with store.read() as tx:
        for number in range(700):
            assert tx.row(f"SELECT {number} AS n") == {"n": number}


def test_a_text_with_a_nul_is_refused_instead_of_cut(store: Store) -> None:
    with pytest.raises(ValueError, match="NUL"), store.write() as tx:
        tx.run("INSERT INTO breakers VALUES (?, 'b', 1, 0, 0, 0)", "a\0b")


def test_bytes_survive(store: Store) -> None:
    with store.write() as tx:
        tx.run("CREATE TABLE blobs (b BYTEA)")
        tx.run("INSERT INTO blobs VALUES (?)", bytes(range(256)))
        assert tx.row("SELECT b FROM blobs") == {"b": bytes(range(256))}
