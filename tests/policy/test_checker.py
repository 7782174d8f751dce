"""The check is bounded, leaves no trace and refuses whatever it cannot read."""

from __future__ import annotations

import ast
import random
import sys
import threading
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_autocoder.policy import Verdict, check, nodes, rules
from jupyter_autocoder.policy.rules.base import Rule

# The answer has to come within a second; twice that is for test machines that are busy.
BUSY = 2.0
LARGE = 1_000_000

HEAVY = {
    "brackets": "(" * LARGE,
    "closed brackets": "[" * 150 + "]" * 150,
    "braces": "{a:" * (LARGE // 3),
    "minus": "-" * LARGE + "1",
    "not": "not " * (LARGE // 4) + "1",
    "lambda": "lambda:" * 30_000 + "1",
    "attributes": "a" + ".b" * 14_000,
    "calls": "a" + "()" * 9_000,
    "statements": "a;" * 14_900,
    "lines": "x.a\n" * 9_900,
    "sum of texts": "x = " + " + ".join(["'a'"] * 14_000),
    "doubled texts": "v0 = 'ab'\n" + "\n".join(f"v{i} = v{i - 1} + v{i - 1}" for i in range(1, 4_000)),
    "chained names": "import os\na0 = os\n"
    + "\n".join(f"a{i} = a{i - 1}" for i in range(1, 5_000))
    + "\na4999.system()",
    "joined texts": "s = 'a' * 2000\nt = [" + "s," * 2_000 + "]\n" + "''.join(t)\n" * 3_000,
    "replaced texts": "s = 'a' * 2000\n" + "s.replace('a', s)\n" * 2_500,
    "wide fields": "'{:>999}{:>999}'.format(1, 2)\n" * 1_200,
    "characters of a loop": "''.join(chr(c) for c in 'a' * 2000)\n" * 1_000,
    "getattr": "getattr(a, b)\n" * 4_500,
    "getattr in loops": "l = ["
    + ",".join(f"'a{i}'" for i in range(4_000))
    + "]\n"
    + "for n in l: getattr(x, n)\n" * 900,
    "interpolations": "f'" + "{a}" * 9_000 + "'",
    "star imports": "".join(f"from numpy.a{i} import *\n" for i in range(900))
    + "\n".join(f"n{i}" for i in range(9_000)),
    "own names": "".join(f"def f{i}(eval):\n return eval(1)\n" for i in range(2_000)),
    "huge number": "x = 0x" + "f" * 300_000,
    "huge decimal": "x = " + "9" * LARGE,
    "huge power": "x = 9 ** 9 ** 9\ny = 'a' * 10 ** 18\nz = 1 << 10 ** 9",
    "dots": "x = '" + "../" * 100_000 + "'",
    "fields": "x = '{" + "a." * 150_000 + "'",
    "markup": "HTML('" + "<" * 100_000 + " " * 100_000 + "')",
    "query": "df.query('" + ". " * 150_000 + "')",
    "annotation": "x: '" + "a[" * 5_000 + "'",
    "backslashes": "\\\n" * 190_000,
    "random": "".join(chr(random.Random(1).randrange(32, 127)) for _ in range(100_000)),
}


@pytest.mark.parametrize("source", HEAVY.values(), ids=HEAVY.keys())
def test_an_answer_comes_in_time_whatever_is_asked(source: str) -> None:
    started = time.perf_counter()

    verdict = check(source)

    assert time.perf_counter() - started < BUSY
    assert "checker-failed" not in {finding.rule for finding in verdict.findings}
    assert len(verdict.findings) <= 100


@pytest.mark.parametrize("source", [b"x = 1", None, 3, ["x = 1"]], ids=repr)
def test_what_is_no_text_is_refused(source: object) -> None:
    verdict = check(source)  # type: ignore[arg-type]

    assert [finding.rule for finding in verdict.findings] == ["encoding"]


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_gets_a_verdict(text: str) -> None:
    verdict = check(text)

    assert isinstance(verdict, Verdict)
    assert "checker-failed" not in {finding.rule for finding in verdict.findings}


def test_a_fault_of_a_rule_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scan: object) -> list[object]:
        raise LookupError

    rule = Rule(id="broken", summary="", reason="", fix="", find=broken)  # type: ignore[arg-type]
    monkeypatch.setitem(rules.RULES, "broken", rule)  # type: ignore[arg-type]

    verdict = check("x = 1")

    assert [finding.rule for finding in verdict.findings] == ["checker-failed"]


@pytest.mark.parametrize("error", [RecursionError, MemoryError])
def test_running_out_of_depth_or_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def broken(scan: object) -> list[object]:
        raise error

    rule = Rule(id="broken", summary="", reason="", fix="", find=broken)  # type: ignore[arg-type]
    monkeypatch.setitem(rules.RULES, "broken", rule)  # type: ignore[arg-type]

    assert [finding.rule for finding in check("x = 1").findings] == ["too-large"]


def test_syntax_that_is_not_in_the_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(nodes.FIELDS, ast.While)  # type: ignore[arg-type]

    verdict = check("while x:\n    pass")

    assert [finding.rule for finding in verdict.findings] == ["unknown-syntax"]


def test_the_table_knows_all_syntax_of_this_python() -> None:
    kinds = {
        kind
        for base in (ast.stmt, ast.expr, ast.pattern)
        for kind in base.__subclasses__()
        if kind.__module__ in ("ast", "_ast") and not issubclass(kind, ast.Constant | ast.slice)
    }

    assert kinds - set(nodes.FIELDS) == set()


def test_no_warning_leaks_even_where_warnings_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert check("x = '\\d'; y = 1if x else 2; assert (x, 'y')").allowed


def test_the_process_is_left_as_it_was() -> None:
    before = (sys.getrecursionlimit(), warnings.filters[:], set(sys.modules))

    check("import subprocess, pickle\nx = '\\d'\neval('1')")

    assert (sys.getrecursionlimit(), warnings.filters[:], set(sys.modules)) == before


def test_checks_in_many_threads_agree() -> None:
    verdicts: list[Verdict] = []

    def work() -> None:
        verdicts.extend(check("import os\nos.system('\\d')") for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(verdicts) == 160
    assert len(set(verdicts)) == 1


def test_findings_come_in_order_of_the_lines_and_once_each() -> None:
    verdict = check("eval('1')\nimport os\nos.system('x'); os.system('x')\neval('2')")

    assert [(finding.line, finding.rule) for finding in verdict.findings] == [
        (1, "dynamic-code"),
        (3, "process"),
        (3, "process"),
        (4, "dynamic-code"),
    ]
    assert len(set(verdict.findings)) == 4


def test_the_place_of_a_syntax_error_is_the_place_in_the_source() -> None:
    (finding,) = check("x = 1\ny = (2\nz = 3").findings

    assert (finding.rule, finding.line, finding.column) == ("syntax", 2, 4)
