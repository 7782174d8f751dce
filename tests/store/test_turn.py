"""The line before the file's lock: in order, bounded, and freed by whoever dies in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_autocoder.errors import StoreUnavailable
from jupyter_autocoder.store import Store, sqlite, turn

HOLD = """
import sys, time
from jupyter_autocoder.store import Store
with Store(sys.argv[1]).write() as tx:
    tx.run("INSERT INTO breakers VALUES ('held', 'b', 1, 0, 0, 0)")
    print("holding", flush=True)
    time.sleep(60)
"""

# The child leaves its copy of the transaction, says so, and lives on until its parent has ended.
FORK = """
import os, sys
from jupyter_autocoder.store import Store
store = Store(sys.argv[1])
(said, say), (wait, keep) = os.pipe(), os.pipe()
try:
    with store.write() as tx:
        if os.fork() == 0:
            os.close(keep)
            raise KeyError
        os.read(said, 1)
        print("forked", flush=True)
        sys.stdin.readline()
except KeyError:
    os.write(say, b".")
    os.read(wait, 1)
    os._exit(0)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    touch(path)
    return path


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a writing transaction."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def touch(path: Path) -> None:
    store = Store(str(path))
    with store.write() as tx:
        tx.run("UPDATE breakers SET failures = failures")
    store.close()


def semaphores(path: Path) -> turn.SemaphoreTurn:
    found = turn.turn_for((path.stat().st_dev, path.stat().st_ino))
    if not isinstance(found, turn.SemaphoreTurn):
        pytest.skip("no System V semaphores here")
    return found


def free(mine: turn.SemaphoreTurn) -> bool:
    mine.take(0.05)
    taken = mine.mine
    mine.give()
    return taken


def test_a_killed_writer_frees_its_turn_at_once(path: Path, holder: subprocess.Popen[str]) -> None:
    mine = semaphores(path)
    assert not free(mine)

    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    mine.take(5)

    assert mine.mine
    mine.give()
    touch(path)


def test_a_writer_that_stands_still_is_a_typed_error_in_time(
    path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.3)
    monkeypatch.setattr(sqlite, "_TURN_SECONDS", 0.2)
    os.kill(holder.pid, signal.SIGSTOP)
    begun = time.monotonic()

    with pytest.raises(StoreUnavailable, match="another process has been writing"):
        touch(path)

    assert time.monotonic() - begun < 5
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    touch(path)


def test_a_turn_is_given_back_after_commit_rollback_and_failure(path: Path) -> None:
    store, mine = Store(str(path)), semaphores(path)

    store.atomically(("UPDATE breakers SET failures = failures", ()))
    assert free(mine)
    with pytest.raises(StoreUnavailable):
        store.atomically(("no statement at all", ()))
    assert free(mine)
    with store.write():
        assert not free(mine)
    assert free(mine)

    store.close()


def test_a_forked_child_does_not_give_its_parents_turn_away(path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "forked\n"

        assert not free(semaphores(path))
        process.communicate("go on\n", timeout=30)

    assert process.returncode == 0
    assert free(semaphores(path))


def test_without_semaphores_the_files_own_lock_is_enough(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "_operate", lambda: None)
    store = Store(str(path))

    for _ in range(2):
        with store.write() as tx:
            tx.run("UPDATE breakers SET failures = failures")

    assert isinstance(turn.turn_for((1, 2)), turn.NoTurn)
    store.close()
