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
NOTEBOOKS = {"01-quickstart.ipynb": 5, "03-report.ipynb": 3}


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
    count = NOTEBOOKS[name]
    assert f"{count} of {count} prompts done, {count} from the lock" in done.stdout
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


def test_papermill_runs_the_report_for_another_symbol(examples: Path) -> None:
    done = run(examples, "bash", "04-papermill.sh")

    assert done.returncode == 0, done.stderr
    assert "DLTA in 2020" in (examples / "build" / "04-DLTA.ipynb").read_text()


def test_reports_are_made_as_notebooks_and_pages(examples: Path) -> None:
    done = run(examples, "bash", "05-reports.sh")

    assert done.returncode == 0, done.stderr
    for year in (2019, 2023):
        assert f"HOTL in {year}" in (examples / "build" / f"05-HOTL-{year}.ipynb").read_text()
        assert "data:image/png;base64," in (examples / "build" / f"05-HOTL-{year}.html").read_text()


def test_a_policy_of_ones_own_holds(examples: Path) -> None:
    done = run(examples, "bash", "06-own-policy.sh")

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "1 refused" in done.stdout


def test_a_local_model_needs_no_key_and_has_a_lock_of_its_own(examples: Path) -> None:
    entries = Lock(examples / "autocode.lock").entries().values()
    with FakeOpenAI({entry.prompt: f"```python\n{entry.code}```" for entry in entries}) as server:
        done = run(examples, "bash", "07-local-model.sh", OPENAI_BASE_URL=server.base_url, AUTOCODER_MODEL_NAME="local")

    assert done.returncode == 0, done.stderr
    assert len(server.requests) == 5
    assert "local" in done.stdout
    assert (examples / "autocode.lock").read_bytes() == (ROOT / "examples" / "autocode.lock").read_bytes()


def test_paper_trading_waits_and_becomes_an_order_only_by_a_hand_on_the_card(examples: Path) -> None:
    done = run(examples, "jupyter", "autocoder", "run", "02-paper-trading.ipynb", "--report", "r.json")
    waiting = json.loads((examples / "r.json").read_text())["tickets"]
    before = json.loads(run(examples, "jupyter", "autocoder", "tickets", "list", "--json").stdout)

    after = run(examples, sys.executable, "-c", CONFIRM, waiting[0])

    assert done.returncode == 3, done.stderr
    assert len(waiting) == 3
    assert {row["state"] for row in before} == {"pending"}
    assert after.stdout.split() == ["filled", "10"], after.stderr


# The test's own hand: what the card sends when a person has ticked the warnings and clicked.
CONFIRM = """
import sys, time
from jupyter_autocoder.desk import CardPort, Desk
desk = Desk()
port = CardPort(desk, sys.argv[1], desk.me)
for _ in range(5):
    reply = port.draw()
    card = reply["card"]
    ticks = [warning["key"] for warning in card["warnings"]]
    time.sleep(1)
    after = port.handle({"kind": "confirm", "hash": card["hash"], "nonce": reply["nonce"], "ticks": ticks,
                         "clicked": time.time()})
    if after["card"]["id"] == card["id"]:
        break
entry = desk.follow(port.ticket, timeout=20)
held = {position.symbol: position.qty for position in desk.broker().positions()}
print(entry.state.value, held["AAPL"])
"""


def test_the_prices_are_what_their_script_makes(examples: Path) -> None:
    made = run(examples, sys.executable, "make_prices.py")

    assert made.returncode == 0, made.stderr
    assert (examples / "prices.csv").read_bytes() == (ROOT / "examples" / "prices.csv").read_bytes()
