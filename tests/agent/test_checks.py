"""The person's own checks."""

from __future__ import annotations

import pytest

from jupyter_autocoder.agent.checks import compile_checks, free_names, split


def test_the_last_separator_whose_tail_parses_splits_the_checks_off() -> None:
    text, checks = split("Compute r.\n---\nnot --- code\n---\nassert len(r) == 20\n")

    assert text == "Compute r.\n---\nnot --- code"
    assert checks == "assert len(r) == 20\n"


@pytest.mark.parametrize("cell", ["Just words.", "A list:\n---\nfirst of all, do this", "Words\n---\n", "a --- b"])
def test_a_tail_that_is_no_python_stays_part_of_the_sentence(cell: str) -> None:
    assert split(cell) == (cell.strip(), "")


@pytest.mark.parametrize("text", ["{braces} and %s", "'quotes' \"both\"", "Ünïcode 🎉", "back\\slash"])
def test_a_sentence_is_only_text(text: str) -> None:
    assert split(text)[0] == text


def test_asserts_are_counted_and_a_failing_line_tells_how_many_passed() -> None:
    checks = compile_checks("assert a\nassert b\n\nassert (\n  c\n)\n")

    assert checks.count == 3
    assert [checks.passed_before(line) for line in (1, 2, 4, 5)] == [0, 1, 2, 2]


def test_doctest_lines_become_comparisons() -> None:
    checks = compile_checks(">>> x = 2\n>>> double(x)\n4\n")
    ok: dict[str, object] = {"double": lambda n: n * 2}
    wrong: dict[str, object] = {"double": lambda n: n * 3}

    exec(checks.source, ok)
    with pytest.raises(AssertionError, match="got 6"):
        exec(checks.source, wrong)
    assert checks.count == 1


def test_test_functions_are_called() -> None:
    checks = compile_checks("def test_small():\n    assert x < 3\n\ndef helper(n):\n    return n\n")

    exec(checks.source, {"x": 2})
    with pytest.raises(AssertionError):
        exec(checks.source, {"x": 5})
    assert checks.labels == ("test_small()",)


def test_free_names_are_those_read_and_made_nowhere() -> None:
    source = "import math\nfor i in items:\n    t = f(i)\nassert math.pi < total and len(t)\n"

    assert free_names(source) == {"items", "f", "total"}


def test_free_names_of_no_python_are_none() -> None:
    assert free_names("this is no code") == frozenset()
