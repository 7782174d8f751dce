"""`jupyter autocoder run`, the parts that start no kernel."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from jupyter_autocoder.app import main, report
from jupyter_autocoder.app.execution import environment, exit_code_of
from jupyter_autocoder.app.parameters import inject, parse_value
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
    assert "There is no notebook" in capsys.readouterr().err
