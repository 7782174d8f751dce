"""Verdicts as text, JSON and SARIF."""

from __future__ import annotations

import json

import pytest
from sarif_pydantic import Sarif

from jupyter_autocoder.policy import CAPABILITIES, RULES, Checked, Policy, check, render

GOOD = Checked(path="good.py", verdict=check("open('a.csv')"))
BAD = Checked(path="a folder/ü.py", verdict=check("x = 1\neval('1')\nimport os\nos.system('x')"))
CELL = Checked(path="n.ipynb", cell=3, verdict=check("!ls"))
FORBIDDEN = Checked(path="c.py", verdict=check("open('a', 'w')", Policy(forbid=frozenset({"files-written"}))))


def test_text_names_place_message_rule_and_advice() -> None:
    text = render([GOOD, BAD, CELL])

    lines = text.splitlines()
    assert lines[0] == "a folder/ü.py:2:1: 'eval' runs text as code [dynamic-code]"
    assert lines[1].startswith("    Write the code out")
    assert lines[4].startswith("n.ipynb cell 3:1:1: ")
    assert lines[-1] == "3 pieces of code checked, 2 refused"


def test_text_says_so_when_all_is_well() -> None:
    assert render([GOOD]) == "1 piece of code checked, all allowed"


def test_json_holds_findings_and_capabilities() -> None:
    report = json.loads(render([GOOD, BAD], "json"))

    assert report["allowed"] is False
    assert [result["allowed"] for result in report["results"]] == [True, False]
    assert report["results"][0]["capabilities"] == ["files-read"]
    assert report["results"][1]["findings"][0] == {
        "rule": "dynamic-code",
        "line": 2,
        "column": 0,
        "message": "'eval' runs text as code",
        "fix": RULES["dynamic-code"].fix,
    }


def test_sarif_is_a_valid_log() -> None:
    text = render([GOOD, BAD, CELL, FORBIDDEN], "sarif", version="1.2.3")

    log = Sarif.model_validate_json(text)
    (run,) = log.runs
    assert log.version == "2.1.0"
    assert run.tool.driver.name == "jupyter-autocoder"
    assert run.tool.driver.version == "1.2.3"
    assert run.tool.driver.information_uri is None
    assert run.results is not None
    assert [result.rule_id for result in run.results] == ["dynamic-code", "process", "magic", "files-written"]


def test_sarif_results_point_at_their_rule_and_place() -> None:
    run = json.loads(render([BAD, CELL], "sarif"))["runs"][0]

    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
    first, last = run["results"][0]["locations"][0], run["results"][-1]["locations"][0]
    assert first["physicalLocation"]["artifactLocation"]["uri"] == "a%20folder/%C3%BC.py"
    assert first["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 1}
    assert last["logicalLocations"] == [{"name": "cell 3", "kind": "module"}]


def test_sarif_describes_every_rule_and_capability_once() -> None:
    rules = json.loads(render([], "sarif"))["runs"][0]["tool"]["driver"]["rules"]

    ids = [rule["id"] for rule in rules]
    assert sorted(ids) == sorted(set(RULES) | set(CAPABILITIES))
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)


def test_a_fingerprint_survives_a_moved_line() -> None:
    moved = Checked(path=BAD.path, verdict=check("\n\n\neval('1')"))

    prints = [
        json.loads(render([checked], "sarif"))["runs"][0]["results"][0]["partialFingerprints"]
        for checked in (BAD, moved)
    ]

    assert prints[0] == prints[1]


@pytest.mark.parametrize(
    ("path", "uri"),
    [("/a b/c.py", "file:///a%20b/c.py"), ("a/b.py", "a/b.py"), ("C:\\a b\\c.py", "file:///C:/a%20b/c.py")],
)
def test_a_path_becomes_an_address(path: str, uri: str) -> None:
    run = json.loads(render([Checked(path=path, verdict=BAD.verdict)], "sarif"))["runs"][0]

    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_an_unknown_format_is_an_error() -> None:
    with pytest.raises(ValueError, match="choose text, json or sarif"):
        render([], "xml")
