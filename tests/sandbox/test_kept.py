"""The whole text of a run that was cut, kept in a file where that is asked for."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from jupyter_autocoder.events import Run
from jupyter_autocoder.sandbox import Sandbox, SandboxSettings

pytestmark = pytest.mark.sandbox
PRINT = "for n in range(300_000):\n    print('line', n)"


def run(source: str, folder: str) -> Run:
    async def work() -> Run:
        async with Sandbox(SandboxSettings(output=1, keep_output=folder)) as box:
            return await box.run(source)

    return asyncio.run(work())


def test_cut_output_is_whole_in_a_private_file_that_the_run_names(tmp_path: Path) -> None:
    done = run(PRINT, str(tmp_path / "kept"))

    (file,) = (tmp_path / "kept").iterdir()
    assert done.truncated
    assert len(done.stdout) < 1_100_000
    assert any(str(file) in note for note in done.notes)
    assert file.read_text().splitlines()[-1] == "line 299999"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_run_that_was_not_cut_leaves_no_file(tmp_path: Path) -> None:
    run("print('short')", str(tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    done = run(PRINT, str(tmp_path / "file"))

    assert done.ok
    assert any("could not be kept" in note for note in done.notes)


def test_terminal_tricks_are_not_kept(tmp_path: Path) -> None:
    run(PRINT + "\nprint('\\x1b]0;title\\x07\\x1b[2Jend')", str(tmp_path))

    (file,) = tmp_path.iterdir()
    assert "\x1b" not in file.read_text()
