"""The examples are executed: from their lock, and live against a server that gives the locked answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_autocoder.lock import Lock
from jupyter_autocoder.testing import FakeOpenAI

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
NOTEBOOKS = ["01-quickstart.ipynb"]


@pytest.fixture
def examples(house: Path) -> Path:
    """A copy of the examples, so that a test cannot change them."""
    return Path(shutil.copytree(ROOT / "examples", house / "examples"))


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **env}
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_its_lock_without_asking_anybody(examples: Path, name: str) -> None:
    with FakeOpenAI([]) as server:
        done = run(examples, "jupyter", "autocoder", "run", name, "--locked", "-v", OPENAI_BASE_URL=server.base_url)

    assert done.returncode == 0, done.stderr
    assert "5 of 5 prompts done, 5 from the lock" in done.stdout
    assert server.requests == []
    assert (examples / "autocode.lock").read_bytes() == (ROOT / "examples" / "autocode.lock").read_bytes()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_live_and_locks_the_same_answers(examples: Path, name: str) -> None:
    entries = [entry for entry in Lock(examples / "autocode.lock").entries().values() if entry.notebook == name]
    answers = {entry.prompt: f"```python\n{entry.code}```" for entry in entries}
    (examples / "autocode.lock").unlink()

    with FakeOpenAI(answers, validate=True) as server:
        done = run(examples, "jupyter", "autocoder", "run", name, "--live", OPENAI_BASE_URL=server.base_url)

    assert done.returncode == 0, done.stderr
    assert server.problems == []
    made = [entry.code for entry in Lock(examples / "autocode.lock").entries().values()]
    assert made == [entry.code for entry in entries]


def test_the_adopted_function_is_the_checked_one() -> None:
    entries = Lock(ROOT / "examples" / "autocode.lock").entries().values()
    code = next(entry.code for entry in entries if "max_drawdown(values)" in entry.prompt)
    cells = json.loads((ROOT / "examples" / "01-quickstart.ipynb").read_text())["cells"]

    assert code.rstrip() in ["".join(cell["source"]) for cell in cells]


def test_the_script_for_ci_is_green_on_the_quickstart_and_red_after_an_edit(examples: Path) -> None:
    green = run(examples, "bash", "02-in-ci.sh", CI="true")
    path = examples / "01-quickstart.ipynb"
    path.write_text(path.read_text().replace("show how many rows", "tell how many rows"))
    red = run(examples, "bash", "02-in-ci.sh", CI="true")

    assert green.returncode == 0, green.stderr
    assert (examples / "build" / "report.json").exists()
    assert red.returncode == 7, (red.stdout, red.stderr)


def test_the_prices_are_what_their_script_makes(examples: Path) -> None:
    made = run(examples, sys.executable, "make_prices.py")

    assert made.returncode == 0, made.stderr
    assert (examples / "prices.csv").read_bytes() == (ROOT / "examples" / "prices.csv").read_bytes()
