"""`jupyter autocoder run` and the other runners on real notebooks: a failure of any kind fails the run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from jupyter_autocoder.testing import FakeOpenAI, fault

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
BIN = Path(sys.executable).parent


def write(folder: Path, *sources: str, tags: Mapping[int, str] | None = None) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_autocoder", *sources)]
    for index, tag in (tags or {}).items():
        cells[index].metadata["tags"] = [tag]
    path = folder / "n.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def command(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


def autocoder(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return command(folder, "jupyter-autocoder", *words, **env)


def python(source: str) -> str:
    return f"```python\n{source}\n```"


def test_a_live_run_fills_the_lock_and_a_locked_one_needs_no_server(house: Path) -> None:
    path = write(house, "n = 2", "n", "%%autocode\nDouble `n` into r.\n---\nassert r == 2 * n", "print('r is', r)")
    with FakeOpenAI({"Double": python("r = 2 * n")}) as server:
        live = autocoder(house, "run", path.name, "--live", CI="true", OPENAI_BASE_URL=server.base_url)

    (house.parent / "elsewhere").mkdir()
    reports = ("-o", f"{house}/out.ipynb", "--report", f"{house}/r.json", "--junit", f"{house}/r.xml")
    locked = autocoder(house.parent / "elsewhere", "run", str(path), "--locked", *reports, "-v")

    assert live.returncode == 0, live.stderr
    assert len(server.requests) == 1
    assert locked.returncode == 0, locked.stderr
    for words in ("Double `n` into r.", "r = 2 * n", "1 of 1 checks passed", "1 from the lock"):
        assert words in locked.stdout
    assert "r is 4" in (house / "out.ipynb").read_text()
    report = json.loads((house / "r.json").read_text())
    assert (report["ok"], report["cost_micro_usd"], report["cells"][3]["provenance"]["origin"]) == (True, 0, "lock")
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "0"


def test_parameters_change_what_is_computed_and_not_what_is_locked(house: Path) -> None:
    path = write(
        house, "n = 2", "%%autocode\nDouble `n` into r.\n---\nassert r", "print('r is', r)", tags={1: "parameters"}
    )
    with FakeOpenAI({"Double": python("r = 2 * n")}) as server:
        autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)

    done = autocoder(house, "run", path.name, "--locked", "-p", "n", "21", "-o", "out.ipynb")

    assert done.returncode == 0, done.stderr
    assert "r is 42" in (house / "out.ipynb").read_text()


@pytest.mark.parametrize(
    ("cell", "answer", "env", "code"),
    [
        ("%%autocode --attempts 1\nGo.", python("1 / 0"), {}, 1),
        ("%%autocode --nothing\nGo.", "", {}, 2),
        ("%%autocode --attempts 1\nGo.", python("import subprocess"), {}, 4),
        ("%%autocode\nGo.", fault("insufficient_quota"), {"AUTOCODER_MODEL_DEADLINE": "3"}, 5),
        ("%%autocode\nGo.", python("1"), {"AUTOCODER_LIMITS_REQUESTS_PER_DAY": "0"}, 5),
        ("%%autocode\nGo.", python("1"), {"AUTOCODER_SANDBOX_BACKEND": "podman", "PATH": "/nowhere"}, 6),
        ("%%autocode\nGo.", python("1"), {"CI": "true"}, 7),
        ("raise ValueError('mine')", "", {}, 1),
    ],
)
def test_the_exit_code_says_what_failed_and_the_outputs_are_saved(
    house: Path, cell: str, answer: Any, env: dict[str, str], code: int
) -> None:
    path = write(house, cell, "print('never')")
    with FakeOpenAI([answer] * 10) as server:
        done = autocoder(
            house, "run", path.name, "-o", "out.ipynb", "--junit", "r.xml", OPENAI_BASE_URL=server.base_url, **env
        )

    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stderr.strip()
    assert "jupyter_autocoder/" not in done.stderr
    saved = nbformat.read(house / "out.ipynb", 4)
    assert any(output.output_type == "error" for output in saved.cells[1].outputs)
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "1"
    assert "never" not in str(saved.cells[2].outputs)


def test_a_cell_that_may_raise_passes_when_it_does(house: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        nbformat.v4.new_code_cell("1"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), house / "n.ipynb")

    done = autocoder(house, "run", "n.ipynb", "--report", "r.json", "--junit", "r.xml")

    assert done.returncode == 0, done.stderr
    told = json.loads((house / "r.json").read_text())["cells"]
    assert [cell["status"] for cell in told] == ["allowed", "ok"]
    assert told[0]["error"] == "ZeroDivisionError: division by zero"
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "0"


def test_a_prompt_that_fails_as_its_tag_allows_ends_with_0_and_is_not_told_as_done(house: Path) -> None:
    path = write(house, "%%autocode --attempts 1\nGo.", "print('later')", tags={1: "raises-exception"})
    with FakeOpenAI([python("1 / 0")]) as server:
        done = autocoder(
            house, "run", path.name, "--live", "--report", "r.json", "--html", "r.html",
            OPENAI_BASE_URL=server.base_url, AUTOCODER_MODEL_PRICES_FILE=str(prices(house)),
        )  # fmt: skip

    report = json.loads((house / "r.json").read_text())
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "! cell 2" in done.stdout
    assert "0 of 1 prompts done" in done.stdout
    assert [row["status"] for row in report["cells"]] == ["ok", "allowed", "ok"]
    assert report["cost_micro_usd"] > 0
    assert report["tokens"] > 0
    assert "allowed by its tag" in (house / "r.html").read_text()


def test_max_cost_bounds_a_live_run(house: Path) -> None:
    path = write(house, "%%autocode\nGo.")
    with FakeOpenAI([python("1")] * 5) as server:
        done = autocoder(
            house, "run", path.name, "--live", "--max-cost", "0.000001", OPENAI_BASE_URL=server.base_url,
            AUTOCODER_MODEL_PRICES_FILE=str(prices(house)),
        )  # fmt: skip

    assert done.returncode == 5, (done.stdout, done.stderr)
    assert server.requests == []


def test_max_cost_bounds_what_one_run_spends_in_all(house: Path) -> None:
    path = write(house, *[f"%%autocode --refresh\nGo {n}." for n in range(4)])
    with FakeOpenAI([python("1")] * 9) as server:
        environ = {"OPENAI_BASE_URL": server.base_url, "AUTOCODER_MODEL_PRICES_FILE": str(prices(house))}
        # One prompt may cost much more than it does: some fit, then no more, and in each run as many.
        words = ["run", path.name, "--live", "--max-cost", "0.045"]
        runs = [autocoder(house, *words, **environ) for _ in range(2)]

    assert [done.returncode for done in runs] == [5, 5]
    assert "this run may cost $0.045 at most" in runs[1].stderr
    assert len(server.requests) in {2, 4, 6}


def test_reloading_the_extension_makes_no_new_purse(house: Path) -> None:
    path = write(house, *["%reload_ext jupyter_autocoder", "%%autocode --refresh\nGo."] * 4)
    with FakeOpenAI([python("1")] * 9) as server:
        done = autocoder(
            house, "run", path.name, "--live", "--max-cost", "0.045", OPENAI_BASE_URL=server.base_url,
            AUTOCODER_MODEL_PRICES_FILE=str(prices(house)),
        )  # fmt: skip

    assert done.returncode == 5, (done.stdout, done.stderr)
    assert len(server.requests) in {1, 2, 3}


def prices(folder: Path) -> Path:
    """A price for the local model, so that money counts."""
    path = folder / "prices.toml"
    path.write_text("as_of = 2026-11-01\n[models.gpt-4o]\ninput = 2500000\noutput = 10000000\nwindow = 128000\n")
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["jupyter", "execute", "n.ipynb"],
        ["jupyter", "nbconvert", "--to", "html", "--execute", "n.ipynb"],
        ["papermill", "n.ipynb", "out.ipynb"],
        ["pytest", "--nbmake", "-p", "no:cacheprovider", "n.ipynb"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("locked", [True, False], ids=["in the lock", "not in the lock"])
def test_every_runner_is_green_when_locked_and_red_in_ci_on_a_miss(house: Path, words: list[str], locked: bool) -> None:
    path = write(house, "%%autocode\nMake r.\n---\nassert r == 1")
    if locked:
        with FakeOpenAI({"Make": python("r = 1")}) as server:
            autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)

    with FakeOpenAI({"Make": python("r = 1")}) as server:
        done = command(house, *words, CI="true", OPENAI_BASE_URL=server.base_url)

    assert (done.returncode == 0) is locked, (done.stdout, done.stderr)
    assert server.requests == []
    assert (house / "autocode.lock").exists() is locked


def test_an_exported_notebook_gives_the_same_outputs_without_the_package(house: Path) -> None:
    path = write(
        house, "n = 2", "%%autocode\nDouble `n` into r and show it.\n---\nassert r == 4", "print('r is', r)", "%usage"
    )
    with FakeOpenAI({"Double": python("r = 2 * n\nprint('doubled')\nr")}) as server:
        autocoder(house, "run", path.name, "--live", "-o", "out.ipynb", OPENAI_BASE_URL=server.base_url)

    exported = autocoder(house, "export", path.name, "-o", "plain.ipynb")
    blocker = "import sys\nsys.modules['jupyter_autocoder'] = None\n"
    plain = nbformat.read(house / "plain.ipynb", 4)
    plain.cells.insert(0, nbformat.v4.new_code_cell(blocker))
    nbformat.write(plain, house / "plain.ipynb")
    done = command(house, "jupyter", "execute", "plain.ipynb", "--output=done.ipynb")

    assert exported.returncode == 0, exported.stderr
    assert done.returncode == 0, done.stderr
    with_us = [text for cell in nbformat.read(house / "out.ipynb", 4).cells for text in _texts(cell)]
    without = [text for cell in nbformat.read(house / "done.ipynb", 4).cells for text in _texts(cell)]
    assert without == ["doubled\n", "4", "r is 4\n"]
    assert [text for text in with_us if text in without] == without


def _texts(cell: Mapping[str, Any]) -> list[str]:
    shown = []
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            shown.append(output.text)
        elif "jupyter_autocoder" not in output.metadata:
            shown.append(output.data["text/plain"])
    return shown


def test_a_kernel_that_does_not_exist_or_start_is_one_clear_message(house: Path) -> None:
    path = write(house, "1")
    node = nbformat.read(path, 4)
    node.metadata["kernelspec"]["name"] = "nothing"
    nbformat.write(node, path)
    dead = house / "share" / "kernels" / "dead"
    dead.mkdir(parents=True)
    (dead / "kernel.json").write_text('{"argv": ["false"], "display_name": "Dead", "language": "python"}')
    gone = house / "share" / "kernels" / "gone"
    gone.mkdir()
    (gone / "kernel.json").write_text('{"argv": ["/no/such/python"], "display_name": "Gone", "language": "python"}')

    absent = autocoder(house, "run", path.name)
    node.metadata["kernelspec"]["name"] = "dead"
    nbformat.write(node, path)
    ended = autocoder(house, "run", path.name, JUPYTER_PATH=str(house / "share"))
    node.metadata["kernelspec"]["name"] = "gone"
    nbformat.write(node, path)
    never = autocoder(house, "run", path.name, JUPYTER_PATH=str(house / "share"))

    assert (absent.returncode, ended.returncode, never.returncode) == (2, 1, 1)
    assert "there is no kernel nothing" in absent.stderr
    assert "kernel did not start" in ended.stderr
    assert "kernel did not start" in never.stderr
    assert "Traceback" not in absent.stderr + ended.stderr + never.stderr


def test_a_cell_that_runs_too_long_is_ended(house: Path) -> None:
    path = write(house, "import time\ntime.sleep(600)")

    done = autocoder(house, "run", path.name, "--timeout", "1")

    assert done.returncode == 1
    assert "longer than 1 s" in done.stderr


def test_a_notebook_edited_after_locking_names_the_cell_that_made_it_stale(house: Path) -> None:
    path = write(house, "%%autocode\nMake a.", "%%autocode\nMake b.")
    with FakeOpenAI({"Make a": python("a = 1"), "Make b": python("b = 2")}) as server:
        autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)
        write(house, "%%autocode\nMake a, but better.", "%%autocode\nMake b.")
        first = autocoder(house, "run", path.name, "--locked")
        autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)

    again = autocoder(house, "run", path.name, "--locked")

    assert first.returncode == 7
    assert "never locked" in first.stderr
    assert again.returncode == 0, again.stderr


def test_several_notebooks_run_at_once_with_one_report_and_the_first_failures_code(house: Path) -> None:
    for name, source in (("a", "print('a')"), ("b", "%%autocode\nNever locked."), ("c", "print('c')")):
        write(house, source).rename(house / f"{name}.ipynb")

    done = autocoder(
        house, "run", "a.ipynb", "b.ipynb", "c.ipynb", "none.ipynb", "--jobs", "2", "--locked",
        "-o", "out", "--html", "out", "--report", "r.json", "--junit", "r.xml",
    )  # fmt: skip

    assert done.returncode == 7, (done.stdout, done.stderr)
    reports = json.loads((house / "r.json").read_text())
    assert [report["exit_code"] for report in reports] == [0, 7, 0, 2]
    assert [suite.get("failures") for suite in ElementTree.parse(house / "r.xml").getroot()] == ["0", "1", "0", "0"]
    assert {path.name for path in (house / "out").iterdir()} == {
        f"{name}.{kind}" for name in "abc" for kind in ("ipynb", "html")
    }


def test_update_lock_mends_what_is_stale_and_drops_what_nobody_uses(house: Path) -> None:
    path = write(house, "%%autocode\nMake a.", "%%autocode\nMake b.")
    answers = {"Make a": python("a = 1"), "Make b": python("b = 2")}
    with FakeOpenAI(answers) as server:
        autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)
        write(house, "%%autocode\nMake a, but better.", "%%autocode\nMake b.")
        done = autocoder(house, "run", path.name, "--update-lock", CI="true", OPENAI_BASE_URL=server.base_url)

    entries = json.loads((house / "autocode.lock").read_text())["entries"].values()
    assert done.returncode == 0, done.stderr
    assert [entry["prompt"] for entry in entries] == [["Make a, but better."], ["Make b."]]
    assert autocoder(house, "run", path.name, "--locked").returncode == 0


def test_the_run_as_a_page_shows_the_picture(house: Path) -> None:
    path = write(house, "%%autocode\nPlot.")
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
    with FakeOpenAI({"Plot": python(source)}) as server:
        done = autocoder(house, "run", path.name, "--live", "--html", "r.html", OPENAI_BASE_URL=server.base_url)

    assert done.returncode == 0, done.stderr
    assert "data:image/png;base64," in (house / "r.html").read_text()


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        ("import time\ntime.sleep(600)", ["--timeout", "0.5"], "Timeout: a cell ran longer than 0.5 s"),
        ("import os\nos._exit(1)", [], "DeadKernel: the notebook's kernel died"),
        (
            "display({'text/plain': ['a', 3]}, raw=True)",
            [],
            "ValidationError: a cell showed what no notebook can hold: "
            "['a', 3] is not valid under any of the given schemas",
        ),
    ],
    ids=["too long", "dead kernel", "no output"],
)
def test_a_cell_that_never_ends_is_red_and_nothing_of_an_earlier_run_is_told(
    house: Path, source: str, options: list[str], error: str
) -> None:
    path = write(house, source, "%%autocode\nLater.")
    node = nbformat.read(path, 4)
    old = {"jupyter_autocoder": {"origin": "model", "cost_micro_usd": 7, "ticket": "T-1"}}
    node.cells[2].outputs = [nbformat.v4.new_output("display_data", data={}, metadata=old)]
    nbformat.write(node, path)

    done = autocoder(house, "run", path.name, *options, "-o", "out.ipynb", "--report", "r.json", "--junit", "r.xml")

    report = json.loads((house / "r.json").read_text())
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert [row["status"] for row in report["cells"]] == ["ok", "failed", "not run"]
    assert report["cells"][1]["error"] == error
    assert (report["cost_micro_usd"], report["tickets"]) == (0, [])
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "1"
    assert nbformat.read(house / "out.ipynb", 4).cells[2].outputs == []


def test_a_cell_that_is_no_unicode_is_one_clear_message(house: Path) -> None:
    path = write(house, "print('half')")
    path.write_text(path.read_text().replace("half", "\\ud800"))

    done = autocoder(house, "run", path.name, "-v")

    assert done.returncode == 1
    assert "UnicodeEncodeError: a cell cannot be sent to the kernel" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kernelspec_of_another_form_means_the_python_kernel(house: Path) -> None:
    path = write(house, "print('ran')")
    path.write_text(json.dumps({**json.loads(path.read_text()), "metadata": {"kernelspec": "python3"}}))

    done = autocoder(house, "run", path.name, "-o", "out.ipynb")

    assert done.returncode == 0, done.stderr
    assert "ran" in str(nbformat.read(house / "out.ipynb", 4).cells[1].outputs)


def test_a_notebook_without_the_extension_is_red_in_every_report(house: Path) -> None:
    path = write(house, "%%autocode\nGo.")
    node = nbformat.read(path, 4)
    node.cells = node.cells[1:]
    nbformat.write(node, path)

    done = autocoder(house, "run", path.name, "--junit", "r.xml", "--report", "r.json")

    assert done.returncode != 0
    assert "0 of 1 prompts done" in done.stdout
    assert ElementTree.parse(house / "r.xml").getroot().get("failures") == "1"
    assert json.loads((house / "r.json").read_text())["cells"][0]["status"] == "failed"


def test_a_relative_lock_and_store_are_one_file_for_the_command_and_its_kernel(house: Path) -> None:
    (house / "sub").mkdir()
    write(house / "sub", "%%autocode\nMake r.\n---\nassert r == 1")
    paths = {"AUTOCODER_LOCK": "ci.lock", "AUTOCODER_STORE_URL": "led.sqlite"}
    with FakeOpenAI({"Make": python("r = 1")}) as server:
        done = autocoder(house, "run", "sub/n.ipynb", "--update-lock", OPENAI_BASE_URL=server.base_url, **paths)
    exported = autocoder(house, "export", "sub/n.ipynb", "-o", "plain.ipynb", **paths)
    used = autocoder(house, "usage", "--json", **paths)

    assert (done.returncode, exported.returncode) == (0, 0), (done.stderr, exported.stderr)
    assert [path.name for path in (house / "sub").iterdir()] == ["n.ipynb"]
    assert json.loads((house / "ci.lock").read_text())["entries"]
    assert json.loads(used.stdout)["rows"]


@pytest.mark.parametrize("several", [False, True], ids=["one notebook", "several"])
@pytest.mark.parametrize(("option", "code"), [("--live", 0), ("--update-lock", 2)])
def test_a_lock_that_cannot_be_written_is_told_and_an_update_has_failed(
    house: Path, option: str, code: int, several: bool
) -> None:
    path = write(house, "%%autocode\nMake r.\n---\nassert r == 1")
    paths = [path.name, *([Path(shutil.copy(path, house / "m.ipynb")).name] if several else [])]
    with FakeOpenAI([python("r = 1")] * 2) as server:
        environ = {"OPENAI_BASE_URL": server.base_url, "AUTOCODER_LOCK": "/proc/nowhere/autocode.lock"}
        done = autocoder(house, "run", *paths, option, "--junit", "r.xml", **environ)

    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout.count("1 of 1 prompts done") == len(paths)
    assert done.stderr.count("cell 2: the answer is not in the lock: ") == len(paths)
    assert ("the lock was not updated" in done.stderr) is bool(code)
    errors = [int(suite.get("errors", "0")) for suite in ElementTree.parse(house / "r.xml").iter("testsuite")]
    assert errors == [int(bool(code))] * len(paths)


def test_an_update_that_cannot_write_drops_no_old_answer(house: Path) -> None:
    path = write(house, "%%autocode\nMake r.")
    with FakeOpenAI([python("r = 1")]) as server:
        autocoder(house, "run", path.name, "--live", OPENAI_BASE_URL=server.base_url)
    before = (house / "autocode.lock").read_bytes()
    nowhere = str(house / "n.ipynb" / "runtime")
    # The kernel alone finds no folder for its guard; the command would, and could drop what is not used any more.
    cell = f"import os\nos.environ['JUPYTER_RUNTIME_DIR'] = {nowhere!r}\nimport tempfile\n"
    write(
        house,
        cell + f"from jupyter_autocoder import folders\nfolders.LASTING = tempfile.tempdir = {nowhere!r}",
        "%%autocode\nMake s.",
    )
    with FakeOpenAI([python("s = 1")]) as server:
        done = autocoder(house, "run", path.name, "--update-lock", OPENAI_BASE_URL=server.base_url)

    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "no folder to keep other writers away" in done.stderr
    assert (house / "autocode.lock").read_bytes() == before
