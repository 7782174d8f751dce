"""Every rule fires where it should and nowhere else; the pairs stand in `pairs/`, one file per rule."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from jupyter_autocoder.policy import RULES, check

PAIRS = Path(__file__).parent / "pairs"
# What cannot be read has its pairs in test_reading.py, what cannot be checked in test_checker.py.
WITHOUT_PAIRS = {rule.id for rule in RULES.values() if not rule.switchable}


def _cases(kind: str) -> list[object]:
    cases = []
    for path in sorted(PAIRS.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))[kind]
        cases += [pytest.param(path.stem, code, id=f"{path.stem}-{name}") for name, code in table.items()]
    return cases


@pytest.mark.parametrize(("rule", "code"), _cases("fires"))
def test_a_rule_fires(rule: str, code: str) -> None:
    verdict = check(code)

    assert rule in {finding.rule for finding in verdict.findings}
    assert not verdict.allowed


@pytest.mark.parametrize(("rule", "code"), _cases("silent"))
def test_a_rule_is_silent_and_so_are_all_others(rule: str, code: str) -> None:
    verdict = check(code)

    assert verdict.findings == ()


def test_every_rule_has_its_pairs() -> None:
    assert {path.stem for path in PAIRS.glob("*.toml")} == set(RULES) - WITHOUT_PAIRS


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_what_to_do(rule: object) -> None:
    for text in (rule.summary, rule.reason, rule.fix):  # type: ignore[attr-defined]
        assert text.endswith(".")
        assert len(text) > 20


@pytest.mark.parametrize(("rule", "code"), _cases("fires"))
def test_a_finding_names_its_place_inside_the_source(rule: str, code: str) -> None:
    lines = code.count("\n") + code.count("\r") + 1

    for finding in check(code).findings:
        assert 1 <= finding.line <= lines
        assert finding.column >= 0
        assert finding.message
        assert finding.fix
        assert finding.message.isprintable()
