"""The guard: two writers are kept apart, also where no home can be written."""

from __future__ import annotations

import os
from pathlib import Path

import filelock
import pytest

from jupyter_autocoder.errors import LockError
from jupyter_autocoder.lock.guard import writing


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return tmp_path / "runtime"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our folder in a temporary one, where neither the runtime folder nor /var/tmp can be written."""
    (tmp_path / "home").write_text("a file, so that nothing can be made below it")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "home" / "runtime"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr("jupyter_autocoder.folders.LASTING", str(tmp_path / "home" / "var"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp" / f"jupyter-autocoder-{os.getuid()}"


def test_where_the_runtime_folder_cannot_be_written_the_guard_lies_in_a_private_temporary_one(
    tmp_path: Path, temporary: Path
) -> None:
    with writing(tmp_path / "autocode.lock"):
        assert [path.suffix for path in temporary.iterdir()] == [".lck"]

    assert temporary.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("place", ["link", "file", "foreign"])
def test_a_temporary_folder_that_may_be_somebody_elses_is_not_used_and_the_cause_is_named(
    tmp_path: Path, temporary: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    temporary.parent.chmod(0o1777)
    if place == "link":
        temporary.symlink_to(tmp_path / "elsewhere")
    elif place == "file":
        temporary.write_text("")
    else:
        temporary.mkdir(mode=0o700)
        me = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: me + 1)
        temporary.rename(temporary.with_name(f"jupyter-autocoder-{me + 1}"))

    with pytest.raises(LockError, match="could not be written") as caught, writing(tmp_path / "autocode.lock"):
        pass

    assert "home/runtime: Not a directory" in caught.value.why
    assert "JUPYTER_RUNTIME_DIR" in caught.value.do
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_writer_that_does_not_end_is_named_as_the_cause(
    tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_autocoder.lock.guard._WAIT", 0.1)
    path = tmp_path / "autocode.lock"
    with writing(path):
        pass
    (guard,) = runtime.glob("*.lck")

    with filelock.FileLock(guard), pytest.raises(LockError) as caught, writing(path):
        pass

    assert "another program" in caught.value.why
