"""`jupyter autocoder run` that is ended from outside: by a key, a signal, or for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
RUN = [str(Path(sys.executable).parent / "jupyter-autocoder"), "run", "n.ipynb"]


def write(folder: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_autocoder", *sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "n.ipynb")


def run(folder: Path, *sources: str) -> subprocess.CompletedProcess[str]:
    write(folder, *sources)
    return subprocess.run(RUN, cwd=folder, capture_output=True, text=True, timeout=120)


def sleeping(house: Path, *options: str) -> subprocess.Popen[str]:
    """A run that is in its second cell, which sleeps, and whose kernel's id stands in the file ``pid``."""
    source = "import time, os\nopen('made', 'w').write(str(os.getpid()))\nos.rename('made', 'pid')\ntime.sleep(600)"
    write(house, "print('first')", source)
    process = subprocess.Popen([*RUN, *options], cwd=house, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (house / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    # The kernel's life is looked at once a second: something is then under way.
    time.sleep(1.2)
    return process


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGINT, signal.SIGTERM]],
    ids=["key", "signal", "key twice", "key and signal"],
)
def test_an_interrupted_run_says_so_ends_its_kernel_and_keeps_what_there_is(
    house: Path, signals: list[signal.Signals]
) -> None:
    process = sleeping(house, "-o", "out.ipynb", "--junit", "r.xml")

    for one in signals:
        process.send_signal(one)
        # The kernel is still being ended when the next one comes.
        time.sleep(0.003)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert errors == "Interrupted: the run was interrupted\n"
    assert "first" in (house / "out.ipynb").read_text()
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "1"
    assert not Path(f"/proc/{(house / 'pid').read_text()}").exists()


def test_what_a_killed_run_leaves_is_in_one_folder_and_goes_with_the_next_run(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = house.parent / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = sleeping(house)
    folders = folders_of_runs()
    key = next(iter(folders)) / "kernel.json"
    written = key.exists()

    process.kill()
    process.communicate(timeout=60)
    await_end(int((house / "pid").read_text()))
    left = key.parent.exists()
    done = run(house, "1")

    assert (len(folders), written, left) == (1, True, True)
    assert done.returncode == 0, done.stderr
    assert (key.parent.exists(), folders_of_runs()) == (False, set())
    assert list(temporary.iterdir()) == []


def test_a_running_runs_folder_survives_the_next_run(house: Path) -> None:
    process = sleeping(house)
    folders = folders_of_runs()

    done = run(house, "1")
    after = folders_of_runs()
    process.terminate()
    process.communicate(timeout=60)

    assert done.returncode == 0, done.stderr
    assert len(folders) == 1
    assert after == folders
    assert folders_of_runs() == set()


def folders_of_runs() -> set[Path]:
    """The private folders that hold the sockets of a notebook's kernel; a sandbox's lie elsewhere in its own."""
    return {socket.parent for socket in Path(os.environ["XDG_RUNTIME_DIR"]).glob("autocoder-*/k-*")}


def await_end(process: int) -> None:
    """Wait until a kernel has noticed that its parent is gone; kill it where it does not."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process}").exists():
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
