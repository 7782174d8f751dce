"""`jupyter autocoder run`, the parts that start no kernel."""

from __future__ import annotations

import argparse
import io
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from jupyter_autocoder.app import main, report
from jupyter_autocoder.app.bar import Writer
from jupyter_autocoder.app.execution import environment, exit_code_of, kernel_of, whole_seconds
from jupyter_autocoder.app.parameters import inject, parse_value
from jupyter_autocoder.app.report import Watcher
from jupyter_autocoder.errors import ExitCode, UsageError


def options(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(
        **{"locked": False, "live": False, "max_cost": None, "notebook": Path("n.ipynb"), **changes}
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("3.5", 3.5),
        ("true", True),
        ("None", None),
        ("AAPL", "AAPL"),
        ("1e3", 1000.0),
        ("", ""),
        ("[1]", "[1]"),
    ],
)
def test_a_parameters_value_is_read_like_papermill_reads_it(text: str, value: object) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_parameters_come_after_the_tagged_cell_and_replace_earlier_ones() -> None:
    tagged = nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]})
    node = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("first"), tagged, nbformat.v4.new_code_cell("last")]
    )

    inject(node, [("n", "2")])
    inject(node, [("n", "3")])

    assert [cell.source for cell in node.cells] == ["first", "n = 1", "# Parameters\nn = 3", "last"]


def test_a_parameter_that_is_no_name_is_refused() -> None:
    with pytest.raises(UsageError, match="not a variable"):
        inject(nbformat.v4.new_notebook(), [("a b", "1")])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("PolicyRefused", ExitCode.POLICY_REFUSED),
        ("BudgetExceeded", ExitCode.GOVERNOR_REFUSED),
        ("SandboxUnavailable", ExitCode.NO_SANDBOX),
        ("NotInLock", ExitCode.NOT_IN_LOCK),
        ("ZeroDivisionError", ExitCode.CELL_FAILED),
        ("ExitCode", ExitCode.CELL_FAILED),
    ],
)
def test_an_errors_name_gives_the_exit_code(name: str, code: ExitCode) -> None:
    assert exit_code_of(name) is code


def test_locked_and_live_tell_the_kernel_how_to_answer() -> None:
    locked = environment({"AUTOCODER_LIVE": "1"}, options(locked=True))
    live = environment({"AUTOCODER_LOCKED": "1", "CI": "1"}, options(live=True, max_cost=2.0))

    assert (locked.get("AUTOCODER_LOCKED"), locked.get("AUTOCODER_LIVE")) == ("1", None)
    assert (live.get("AUTOCODER_LOCKED"), live["AUTOCODER_LIVE"], live["AUTOCODER_MAX_COST"]) == (None, "1", "2.0")


def test_junit_is_xml_whatever_a_model_wrote() -> None:
    rows = [
        report.CellReport(index=0, status="ok", prompt="Good <&>"),
        report.CellReport(index=1, status="failed", prompt="Bad \x00\x1b[31m", error="KeyError: \x07]]>\nmore"),
        report.CellReport(index=2, prompt="Later"),
    ]
    result = report.RunReport(
        notebook="n.ipynb", ok=False, exit_code=1, seconds=1, cost_micro_usd=0, tokens=0, error="", cells=rows
    )

    suite = ElementTree.fromstring(report.as_junit([result]))

    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert json.loads(report.as_json([result]))["cells"][1]["status"] == "failed"


@pytest.mark.parametrize(
    "words", [[], ["nothing"], ["run"], ["run", "n.ipynb", "--locked", "--live"], ["run", "n.ipynb", "--unknown"]]
)
def test_wrong_words_on_the_command_line_end_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)

    assert caught.value.code == 2


def test_a_missing_notebook_ends_with_2_and_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "no-such.ipynb"]) == 2
    assert "there is no notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        *(["--timeout", value] for value in ("0", "-1", "nan", "inf", "x")),
        *(["--live", "--max-cost", value] for value in ("-1", "nan", "inf", "1e300", "x")),
        *(["--jobs", value] for value in ("0", "-1", "1.5", "nan", "inf", "x")),
    ],
    ids=" ".join,
)
def test_a_number_out_of_its_range_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "n.ipynb", *words])

    assert caught.value.code == 2
    assert f"argument {words[-2]}: {words[-1]} is no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, None), (0.001, 1), (0.5, 1), (1, 1), (1.2, 2), (1e300, 2_000_000)]
)
def test_a_short_timeout_is_never_none_at_all(timeout: float | None, seconds: int | None) -> None:
    assert whole_seconds(timeout) == seconds


@pytest.mark.parametrize(
    ("spec", "name"),
    [({"name": "ir"}, "ir"), ({}, "python3"), ("ir", "python3"), ({"name": 7}, "python3"), ({"name": ""}, "python3")],
)
def test_a_notebook_that_names_no_kernel_gets_pythons(spec: object, name: str) -> None:
    assert kernel_of(nbformat.from_dict({"cells": [], "metadata": {"kernelspec": spec}})) == name


@pytest.mark.parametrize("option", ["-o", "--html"])
def test_two_notebooks_of_one_name_are_not_written_over_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    paths = [tmp_path / folder / "r.ipynb" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        nbformat.write(nbformat.v4.new_notebook(), path)

    code = main(["run", *map(str, paths), option, str(tmp_path / "out")])

    assert code == 2
    assert "would both be written as r" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def watcher(*cells: nbformat.NotebookNode, out: io.StringIO | None = None, verbose: bool = False) -> Watcher:
    notebook = nbformat.v4.new_notebook(cells=cells)
    return Watcher(Path("n.ipynb"), notebook, verbose=verbose, write=Writer(out or io.StringIO(), None))


def told(**metadata: Any) -> list[Any]:
    return [nbformat.v4.new_output("display_data", data={}, metadata={"jupyter_autocoder": metadata})]


def test_a_cell_that_never_ended_has_failed_and_the_later_ones_tell_nothing() -> None:
    first = nbformat.v4.new_code_cell("%%autocode\nDo it.", outputs=told(cost_micro_usd=5))
    later = nbformat.v4.new_code_cell("%%autocode\nThen.", outputs=told(cost_micro_usd=70, ticket="T-1"))
    watch = watcher(first, later)

    watch.starts(first, 0)
    result = watch.result(report.Failure("Timeout", "Too long.", ExitCode.CELL_FAILED), 1.0, pending_ok=False)
    suite = ElementTree.fromstring(report.as_junit([result]))

    assert [(row.status, row.error) for row in result.cells] == [("failed", "Timeout: Too long."), ("not run", "")]
    assert (result.cost_micro_usd, result.tickets) == (5, [])
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "0", "1")


def test_a_run_that_never_began_is_red_in_junit() -> None:
    watch = watcher(nbformat.v4.new_code_cell("%%autocode\nDo it."))

    result = watch.result(report.Failure("NoKernel", "It did not start.", ExitCode.CELL_FAILED), 1.0, pending_ok=False)
    suite = ElementTree.fromstring(report.as_junit([result]))

    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("2", "1", "1")
    assert [error.get("message") for error in suite.iter("error")] == ["NoKernel: It did not start."]


def test_a_prompt_of_blanks_and_strange_metadata_are_counted_as_nothing() -> None:
    cell = nbformat.v4.new_code_cell("%%autocode\n  \n")
    watch = watcher(cell)

    watch.starts(cell, 0)
    cell.outputs = told(cost_micro_usd="much", tokens=[1], ticket=3)
    watch.ended(cell, 0)
    result = watch.result(None, 1.0, pending_ok=False)

    assert (result.ok, result.cost_micro_usd, result.tokens, result.tickets) == (True, 0, 0, [])


FAILED = nbformat.v4.new_output("error", ename="ChecksFailed", evalue="1 of 1 failed", traceback=[])


@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
def test_a_prompt_that_failed_and_may_is_told_as_what_it_is_and_not_as_done(*, verbose: bool) -> None:
    cells = [
        nbformat.v4.new_code_cell("%%autocode\nMay fail.", metadata={"tags": ["raises-exception"]}, outputs=[FAILED]),
        nbformat.v4.new_code_cell("%%autocode\nThen.", metadata={"tags": ["raises-exception"]}),
    ]
    out = io.StringIO()
    watch = watcher(*cells, out=out, verbose=verbose)

    for index, cell in enumerate(cells):
        watch.starts(cell, index)
        watch.ended(cell, index)
    result = watch.result(None, 1.0, pending_ok=False)
    suite = ElementTree.fromstring(report.as_junit([result]))

    assert (result.ok, result.exit_code, [row.status for row in result.cells]) == (True, 0, ["allowed", "ok"])
    assert "ChecksFailed, allowed by its tag" in out.getvalue()
    assert "1 of 2 prompts done, 0 from the lock, 1 failed as allowed by the tag" in report.closing_line(result)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "0", "1")
    assert [case.get("message") for case in suite.iter("skipped")] == ["ChecksFailed, allowed by its tag"]
    assert report.from_json(json.loads(report.as_json([result]))) == result


@pytest.mark.parametrize(("tags", "mark"), [([], "✗ cell 1"), (["raises-exception"], "! cell 1")])
def test_the_mark_of_a_failed_prompt_says_whether_it_may_fail(tags: list[str], mark: str) -> None:
    cell = nbformat.v4.new_code_cell("%%autocode\nGo.", metadata={"tags": tags}, outputs=[FAILED])
    out = io.StringIO()
    watch = watcher(cell, out=out)

    watch.starts(cell, 0)
    watch.ended(cell, 0)

    assert out.getvalue().startswith(mark)


@pytest.mark.parametrize(("tags", "status"), [([], "failed"), (["raises-exception"], "allowed")])
def test_what_a_failed_prompt_cost_is_in_the_total(tags: list[str], status: str) -> None:
    spent = told(error="ChecksFailed", tokens={"input": 30, "output": 12}, cost_micro_usd=2500, estimated=False)
    cells = [
        nbformat.v4.new_code_cell("%%autocode\nDo it.", outputs=told(cost_micro_usd=500)),
        nbformat.v4.new_code_cell("%%autocode\nGo.", metadata={"tags": tags}, outputs=[*spent, FAILED]),
    ]
    watch = watcher(*cells)

    for index, cell in enumerate(cells):
        watch.starts(cell, index)
        watch.ended(cell, index)
    result = watch.result(None, 1.0, pending_ok=False)

    data = json.loads(report.as_json([result]))
    assert (data["cells"][1]["status"], data["cost_micro_usd"], data["tokens"]) == (status, 3000, 42)
    assert data["cells"][1]["provenance"]["cost_micro_usd"] == 2500
    assert report.closing_line(result).endswith("$0.0030")


def test_the_help_says_that_the_cost_counts_for_each_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "-h"])

    assert "what each notebook may cost at most" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "value", "whole"),
    [
        ("LOCK", "ci.lock", "{here}/ci.lock"),
        ("LOCK", "/abs/ci.lock", "/abs/ci.lock"),
        ("STORE_URL", "led.sqlite", "{here}/led.sqlite"),
        ("STORE_URL", "sqlite:///led.sqlite", "sqlite:///{here}/led.sqlite"),
        ("STORE_URL", "sqlite:////abs/led.sqlite", "sqlite:////abs/led.sqlite"),
        ("STORE_URL", "~/led.sqlite", "~/led.sqlite"),
        ("STORE_URL", "postgresql://host/database", "postgresql://host/database"),
        ("STORE_URL", "sqlite:led.sqlite", "sqlite:led.sqlite"),
        ("STORE_URL", "", ""),
        ("MODEL_PRICES_FILE", "prices.toml", "{here}/prices.toml"),
    ],
)
def test_paths_count_from_the_folder_that_the_command_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, whole: str
) -> None:
    monkeypatch.chdir(tmp_path)

    changed = environment({f"AUTOCODER_{name}": value}, options(notebook=Path("sub/n.ipynb")))

    assert changed[f"AUTOCODER_{name}"] == whole.format(here=tmp_path)


def test_an_answer_that_is_not_in_the_lock_is_one_line_and_commands_no_terminal() -> None:
    why = "it could not\nbe written\x1b]0;title\x07\x1b[2J"
    cell = nbformat.v4.new_code_cell("%%autocode\nDo it.", outputs=told(unlocked=why))
    watch = watcher(cell)

    watch.starts(cell, 0)
    watch.ended(cell, 0)
    lines = report.unlocked_lines(watch.result(None, 1.0, pending_ok=False))

    assert lines == ["n.ipynb, cell 1: it could not be written"]


def test_a_device_is_not_replaced_by_the_executed_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "n.ipynb")
    os.mkfifo(tmp_path / "pipe")

    assert main(["run", str(tmp_path / "n.ipynb"), "-o", str(tmp_path / "pipe")]) == 2
    assert "is not a regular file" in capsys.readouterr().err
    assert (tmp_path / "pipe").is_fifo()
