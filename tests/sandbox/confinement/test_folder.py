from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import folder as module
from jupyter_autocoder.sandbox import janitor
from jupyter_autocoder.sandbox.folder import LONGEST_BASE, UNLOCKED_GRACE, Folder, runtime_base, sweep


def test_a_folder_is_private_and_goes_with_close(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    written = folder.write("plan.json", "{}")

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder.path, folder.inbox)}
    assert modes == {0o700}
    assert stat.S_IMODE(written.stat().st_mode) == 0o600

    folder.close()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_the_socket_path_of_every_usable_base_fits_a_unix_socket() -> None:
    base = "/" + "b" * (LONGEST_BASE - 1)

    assert len(f"{base}/autocoder-12345678/sockets/s-65535") <= 107


def test_a_folder_in_use_survives_the_janitor(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    assert sweep(tmp_path) == 0
    assert folder.path.exists()
    folder.close()


def test_a_folder_that_is_just_being_made_survives_the_janitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[int] = []
    lock = module.fcntl.flock

    def lock_late(file: int, operation: int) -> None:
        if not operation & module.fcntl.LOCK_NB:  # the owner's own, not the janitor's look
            swept.append(sweep(tmp_path))
        lock(file, operation)

    monkeypatch.setattr(module.fcntl, "flock", lock_late)
    folder = Folder(tmp_path)

    assert swept == [0]
    assert folder.path.exists()
    folder.close()


def leave_a_folder_in(base: Path) -> None:
    """Let a process make a folder in `base` and be killed."""
    code = (
        "import os, signal, sys; from pathlib import Path; from jupyter_autocoder.sandbox.folder import Folder\n"
        "f = Folder(Path(sys.argv[1])); (f.inbox / 'x').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = str(Path(module.__file__).parents[2])
    ended = subprocess.run([sys.executable, "-c", code, str(base)], env={"PYTHONPATH": root}, timeout=60)
    assert ended.returncode == -signal.SIGKILL


def test_the_folder_of_a_killed_owner_is_swept(tmp_path: Path) -> None:
    leave_a_folder_in(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1

    removed = sweep(tmp_path)

    assert removed == 1
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_lives_on_sweeps_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Path(tempfile.mkdtemp(prefix="act-", dir="/tmp"))  # pytest's own folders are too long for sockets
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    monkeypatch.setattr(janitor, "EVERY", 0.02)
    monkeypatch.setattr(janitor, "_attended", None)
    own = Folder()
    try:
        janitor.attend()
        for name in ("first", "second"):
            abandoned = base / f"autocoder-{name}"
            abandoned.mkdir()
            (abandoned / "lock").touch()
            deadline = time.monotonic() + 10
            while abandoned.exists() and time.monotonic() < deadline:
                time.sleep(0.01)

            assert list(base.iterdir()) == [own.path]
    finally:
        own.close()
        base.rmdir()


def test_a_base_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0


def test_a_folder_without_a_lock_is_left_alone_while_it_is_young(tmp_path: Path) -> None:
    young, old = tmp_path / "autocoder-young", tmp_path / "autocoder-old"
    for path in (young, old):
        path.mkdir()
    past = time.time() - UNLOCKED_GRACE - 60
    os.utime(old, (past, past))

    sweep(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["autocoder-young"]


def test_what_is_not_a_sandboxs_folder_is_never_swept(tmp_path: Path) -> None:
    (tmp_path / "autocoder-file").write_text("a file")
    (tmp_path / "other").mkdir()
    (tmp_path / "autocoder-link").symlink_to(tmp_path / "other")

    sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["autocoder-file", "autocoder-link", "other"]


def test_the_runtime_folder_is_preferred_unless_its_path_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Path("/tmp") / f"act-base-{os.getpid()}"
    short.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    try:
        assert runtime_base() == short
    finally:
        short.rmdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 100)))
    assert runtime_base() != tmp_path / ("x" * 100)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_base_that_cannot_be_written_is_told_with_its_mend(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(SandboxUnavailable) as caught:
        Folder(tmp_path)

    assert caught.value.facility == "temporary folder"


def test_a_full_disk_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.tempfile, "mkdtemp", full)

    with pytest.raises(SandboxUnavailable) as caught:
        Folder(tmp_path)

    assert caught.value.facility == "temporary folder"
    assert "No space left" in caught.value.why
    assert str(tmp_path) in caught.value.mend


def test_a_folder_that_filled_up_midway_is_removed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.fcntl, "flock", full)

    with pytest.raises(SandboxUnavailable):
        Folder(tmp_path)

    assert list(tmp_path.iterdir()) == []
