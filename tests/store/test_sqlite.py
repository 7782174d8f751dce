"""What can happen to a file: each time a typed error that says what to do, and the next action works."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_autocoder.errors import StoreReadOnly, StoreUnavailable
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.store import Store, sqlite
from jupyter_autocoder.store.schema import MIGRATIONS

GOVERN = """
from jupyter_autocoder.errors import StoreUnavailable
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

def pair(governor):
    ask = Ask(model="m", key="k", input_tokens=100, max_output_tokens=100, cost=1000, notebook="n" * 300)
    return governor.settle(governor.reserve(ask), Usage(input_tokens=70, output_tokens=7, cost=77))

def governed(path):
    return Governor(Store(path), LimitSettings(profile="local"), user="ada")
"""


def touch(store: Store) -> None:
    with store.write() as tx:
        tx.run("UPDATE breakers SET failures = failures")


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite"
    store = Store(str(path))

    touch(store)

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    store.close()


def test_a_file_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.touch(mode=0o644)

    touch(Store(str(path)))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no store, by a slip in the address")
    path.chmod(0o644)

    with pytest.raises(StoreUnavailable, match="not a database"):
        touch(Store(str(path)))

    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_no_file_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o666)
    pipe.chmod(0o666)  # such as a device has

    with pytest.raises(StoreUnavailable, match="no regular file"):
        touch(Store(str(pipe)))

    assert stat.S_IMODE(pipe.stat().st_mode) == 0o666
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_a_sqlite_url_names_the_same_file_as_its_path(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"

    assert Store(f"sqlite:///{path}").where == Store(str(path)).where == str(path)


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "sqlite:/x", "sqlite://"])
def test_an_address_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreUnavailable, match="postgresql://") as refused:
        touch(Store(url))

    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_text("my only copy of a poem\n" * 100)
    store = Store(str(path))

    with pytest.raises(StoreUnavailable, match="mv "):
        touch(store)

    assert path.read_text().startswith("my only copy")
    path.rename(tmp_path / "poem")
    touch(store)
    store.close()


def test_a_damaged_file_is_refused_and_works_again_once_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(str(path))
    touch(store)
    store.close()
    blob = bytearray(path.read_bytes())
    blob[4096:] = os.urandom(len(blob) - 4096)
    path.write_bytes(blob)

    with pytest.raises(StoreUnavailable):
        Governor(store, user="ada").verify()

    path.rename(tmp_path / "damaged")
    touch(store)
    assert store.integrity() == ()
    store.close()


def test_a_file_that_vanishes_under_an_open_store_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = Store(str(path))
    touch(store)
    for file in tmp_path.iterdir():
        file.unlink()

    touch(store)

    assert path.exists()
    assert store.integrity() == ()
    store.close()


def test_a_writer_that_never_ends_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.store.sqlite.BUSY_SECONDS", 0.2)
    path = tmp_path / "store.sqlite"
    store = Store(str(path))
    touch(store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="fuser"):
        touch(store)

    other.execute("ROLLBACK")
    other.close()
    touch(store)
    store.close()


# The limit on a file's size stops a write half-way, as a quota does.
FILE_TOO_LARGE = (
    GOVERN
    + """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
governor = governed(sys.argv[1])
pair(governor)
size = os.path.getsize(sys.argv[1] + "-wal")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, hard))
settled, errors = 1, []
for _ in range(200):
    try:
        pair(governor)
        settled += 1
    except StoreUnavailable as error:
        errors.append(error)
assert errors, "the limit was never met"
assert all(error.do and error.why for error in errors)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
for _ in range(5):
    assert pair(governor)
    settled += 1
verification = governor.verify()
assert verification.ok, verification
assert verification.entries == settled, (verification, settled)
assert governor._store.integrity() == ()
print("recovered")
"""
)


def test_a_write_that_is_cut_short_loses_nothing_and_the_next_works(tmp_path: Path, python: Callable[..., str]) -> None:
    assert python(FILE_TOO_LARGE, str(tmp_path / "store.sqlite")).strip() == "recovered"


DISK_FULL = (
    GOVERN
    + """
import os, sys
folder = sys.argv[1]
filler = os.path.join(folder, "filler")
governor = governed(os.path.join(folder, "store.sqlite"))
pair(governor)
settled = 1
file = os.open(filler, os.O_CREAT | os.O_WRONLY)
try:
    while os.write(file, b"x" * 4096) == 4096:
        pass
except OSError:
    pass
os.close(file)
errors = []
for _ in range(300):
    try:
        pair(governor)
        settled += 1
    except StoreUnavailable as error:
        errors.append(str(error))
assert errors, "the disk was never full"
assert "the disk is full" in errors[-1], errors[-1]
os.unlink(filler)
for _ in range(5):
    assert pair(governor)
    settled += 1
verification = governor.verify()
assert verification.ok, verification
assert verification.entries == settled, (verification, settled)
assert governor._store.integrity() == ()
print("recovered")
"""
)


def bubblewrap(*args: str) -> tuple[str, ...]:
    """Return the words that run a command in a view of the file system changed by `args`."""
    path = shutil.which("bwrap")
    if path is None:
        pytest.skip("bubblewrap is not installed")
    prefix = (path, "--dev-bind", "/", "/", *args)
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("bubblewrap may not make a namespace here")
    return prefix


@pytest.mark.sandbox
def test_a_full_disk_is_said_to_be_full_and_works_again_with_space(tmp_path: Path, python: Callable[..., str]) -> None:
    small = bubblewrap("--size", str(1_500_000), "--tmpfs", str(tmp_path))

    assert python(DISK_FULL, str(tmp_path), prefix=small).strip() == "recovered"


READ_ONLY = (
    GOVERN
    + """
import sys
try:
    pair(governed(sys.argv[1]))
except StoreUnavailable as error:
    print(error)
"""
)


@pytest.mark.sandbox
def test_a_read_only_file_is_refused_with_what_to_do(tmp_path: Path, python: Callable[..., str]) -> None:
    path = tmp_path / "store.sqlite"
    touch(Store(str(path)))

    said = python(READ_ONLY, str(path), prefix=bubblewrap("--ro-bind", str(tmp_path), str(tmp_path)))

    assert "cannot be used" in said
    assert "give yourself the right to write" in said or "check that the folder" in said
    touch(Store(str(path)))


READS = """
import sys
from jupyter_autocoder.store import Store
store = Store(sys.argv[1])
with store.read() as tx:
    print(tx.row("SELECT scope FROM breakers")["scope"])
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("in_use", [False, True], ids=["snapshot", "in use elsewhere"])
def test_a_read_only_file_can_be_read(tmp_path: Path, python: Callable[..., str], in_use: bool) -> None:
    path = tmp_path / "odd ?#% name.sqlite"
    store = Store(str(path))
    with store.write() as tx:
        tx.run("INSERT INTO breakers VALUES ('there', 'b', 1, 0, 0, 0)")
    if not in_use:
        store.close()

    said = python(READS, str(path), prefix=bubblewrap("--ro-bind", str(tmp_path), str(tmp_path)))

    assert said == "there\n"
    store.close()


def test_a_file_that_becomes_writable_again_is_written_by_the_same_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.sqlite"
    touch(Store(str(path)))
    store = Store(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_is_read_only", lambda path: True)
        with store.read() as tx:
            tx.rows("SELECT * FROM breakers")
        with pytest.raises(StoreReadOnly, match="the right to write"):
            touch(store)
        with pytest.raises(StoreReadOnly):
            store.atomically(("UPDATE breakers SET failures = 0", ()))

    touch(store)

    store.close()


def test_a_read_only_snapshot_that_gets_a_writer_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.sqlite"
    touch(Store(str(path)))
    reader, writer = Store(str(path)), Store(str(path))
    monkeypatch.setattr(sqlite, "_is_read_only", lambda path: True)
    with reader.read() as tx:
        tx.rows("SELECT * FROM breakers")
    monkeypatch.undo()
    with writer.write() as tx:
        tx.run("INSERT INTO breakers VALUES ('new', 'b', 1, 0, 0, 0)")
    monkeypatch.setattr(sqlite, "_is_read_only", lambda path: True)

    with reader.read() as tx:
        found = [row["scope"] for row in tx.rows("SELECT scope FROM breakers")]

    assert found == ["new"]
    reader.close()
    writer.close()


def test_a_read_only_file_of_an_older_version_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    older = Store(str(path), migrations=MIGRATIONS[:1])
    with older.read() as tx:
        tx.rows("SELECT 1")
    older.close()
    monkeypatch.setattr(sqlite, "_is_read_only", lambda path: True)

    with pytest.raises(StoreReadOnly, match="older version"), Store(str(path)).read():
        pass


def test_every_commit_is_flushed_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("jupyter_autocoder.store.sqlite._sync", lambda log: flushed.append(os.fstat(log).st_size))
    store = Store(str(tmp_path / "store.sqlite"))
    touch(store)
    flushed.clear()

    with store.write() as tx:
        tx.run("INSERT INTO breakers VALUES ('a', 'b', 1, 0, 0, 0)")
        assert not flushed
    (size,) = flushed
    store.atomically(("INSERT INTO breakers VALUES ('b', 'b', 1, 0, 0, 0)", ()))
    with store.read() as tx:
        tx.rows("SELECT * FROM breakers")

    assert size > 0
    assert len(flushed) == 2
    store.close()


def test_closing_leaves_no_descriptor_open(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom jupyter_autocoder.store import Store\n"
        "before = set(os.listdir('/proc/self/fd'))\nstore = Store(sys.argv[1])\n"
        "with store.write() as tx: tx.run('UPDATE breakers SET failures = 0')\nstore.close()\n"
        "print(len(set(os.listdir('/proc/self/fd')) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "0"
