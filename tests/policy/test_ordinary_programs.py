"""Correct code runs unchanged: ordinary programs and two public collections of solutions are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_autocoder.policy import check

PROGRAMS = sorted((Path(__file__).parent / "ordinary").glob("*.py"))
# Solutions that a correct policy refuses, with the rule that does.
REFUSED = {
    "HumanEval-160": "dynamic-code",  # it builds an expression as text and calls eval on it
}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_an_ordinary_program_is_accepted(path: Path) -> None:
    verdict = check(path.read_text(encoding="utf-8"))

    assert verdict.findings == ()


def test_solutions_of_two_collections_are_accepted_but_for_the_named(benign: dict[str, str]) -> None:
    verdicts = {name: check(code) for name, code in benign.items()}

    refused = {name: verdict.findings[0].rule for name, verdict in verdicts.items() if not verdict.allowed}
    assert len(verdicts) == 1136
    assert refused == REFUSED


@pytest.mark.parametrize(
    ("program", "capabilities"),
    [
        ("load_and_clean_prices", ("files-read", "files-written")),
        ("moving_averages_plot", ("files-read", "files-written", "plotting")),
        ("numpy_finance", ("files-read", "files-written", "randomness")),
        ("async_and_errors", ("threads",)),
        ("dashboards", ("display", "files-written", "plotting")),
        ("matching_and_text", ()),
    ],
)
def test_the_verdict_lists_what_a_program_uses(program: str, capabilities: tuple[str, ...]) -> None:
    source = next(path for path in PROGRAMS if path.stem == program).read_text(encoding="utf-8")

    assert check(source).capabilities == capabilities
