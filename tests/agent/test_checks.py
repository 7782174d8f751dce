"""The person's own checks."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import re
import sys

import pytest

from jupyter_autocoder.agent.checks import compile_checks, free_names, split
from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.policy import check


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
    assert [part.label for part in checks.parts] == ["test_small()"]


CASES = """\
import unittest

class Base(unittest.TestCase):
    def setUp(self):
        self.x = x
    def test_inherited(self):
        self.assertEqual(self.x, 2)

class Numbers(Base):
    @classmethod
    def setUpClass(cls):
        cls.most = 3
    def test_most(self):
        self.assertLess(self.x, self.most)
"""


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("async def test_x():\n    assert x == 2\n", ["test_x()"]),
        ("def test_x(n=2, *rest, m=1, **more):\n    assert x == n\n", ["test_x()"]),
        ("class TestX:\n    def test_a(self):\n        assert x == 2\n    def helper(self): ...\n", ["TestX.test_a()"]),
        ("class TestX:\n    async def test_a(self, n=2):\n        assert x == n\n", ["TestX.test_a()"]),
        ("class TestX:\n    @staticmethod\n    def test_a():\n        assert x == 2\n", ["TestX.test_a()"]),
        (CASES, ["Base.test_inherited()", "Numbers.test_inherited()", "Numbers.test_most()"]),
        ("for n in [2]:\n    assert x == n\n", ["for n in [2]:\n    assert x == n"]),
        ("with open_it():\n    if x:\n        assert x == 2\n", ["with open_it():\n    if x:\n        assert x == 2"]),
        ("import unittest\nt = unittest.TestCase()\nt.assertEqual(x, 2)\n", ["t.assertEqual(x, 2)"]),
        ("def check(n):\n    assert n == 2\ncheck(x)\n", ["check(x)"]),
        ("def check(n):\n    assert n == 2\nfor n in [x]:\n    check(n)\n", ["for n in [x]:\n    check(n)"]),
    ],
)  # fmt: skip
def test_all_that_checks_something_runs_and_counts(text: str, labels: list[str]) -> None:
    checks = compile_checks(text)

    assert [part.label for part in checks.parts] == labels
    assert check(checks.source.replace("open_it()", "nullcontext()")).findings == ()
    asyncio.run(_execute(checks.source, 2))
    with pytest.raises(AssertionError):
        asyncio.run(_execute(checks.source, 5))


async def _execute(source: str, x: int) -> None:
    """Run a script as a kernel does, which awaits at the top level."""
    code = compile(source, "<checks>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, {"x": x, "open_it": contextlib.nullcontext})
    if result is not None:
        await result


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def test_f(x):\n    assert x\n", "test_f cannot be run\nWhy: nothing passes x\n"),
        ("@pytest.mark.parametrize('n', [1])\ndef test_f(*, n):\n    assert n\n", "nothing passes n"),
        ("def test_f():\n    for n in r:\n        yield n\n", "it has a yield"),
        ("class TestX:\n    def test_a(self, tmp_path):\n        assert r\n", "TestX.test_a cannot be run"),
        ("class TestX:\n    def setup_method(self): ...\n    def test_a(self): assert r\n", "setup_method"),
        ("class X(IsolatedAsyncioTestCase):\n    async def test_a(self): assert r\n", "second event loop"),
        ("def helper():\n    return 1\n", "checks nothing"),
        ("x = 1\n", "checks nothing"),
        (">>> x = 2\n", "no doctest example says what it should show"),
    ],
)
def test_what_could_not_run_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        compile_checks(text)

    assert told in str(raised.value)


def test_a_line_inside_a_test_function_belongs_to_its_check() -> None:
    checks = compile_checks("def test_a():\n    assert a\n\n@mark\ndef test_b():\n    assert b\n\nassert c\n")

    labels = {line: part.label for line in range(1, 11) if (part := checks.failed_at(line))}

    # The assert at the top runs before both calls, which stand at lines 9 and 10.
    assert labels == {1: "test_a()", 2: "test_a()", 4: "test_b()", 5: "test_b()", 6: "test_b()", 8: "assert c",
                      9: "test_a()", 10: "test_b()"}  # fmt: skip
    assert [checks.passed_before(line) for line in (2, 6, 8, 9, 10)] == [1, 2, 0, 1, 2]


def test_a_line_between_the_checks_belongs_to_none_and_counts_what_came_before() -> None:
    checks = compile_checks("assert a\nx = helper()\nassert x\n")

    assert checks.failed_at(2) is None
    assert checks.passed_before(2) == 1


def test_two_checks_on_one_line_are_told_apart() -> None:
    checks = compile_checks("assert a; assert b\n")

    assert [checks.passed_before(line) for line in (1, 2)] == [0, 1]


DICT = {"a": [1, 2]}
PASSING = [
    ">>> d['a']\n[1, 2]\n",
    ">>> for i in range(2):\n...     print(i)\n...\n0\n1\n",
    ">>> sum([1,\n...      2])\n3\n",
    ">>> 1 + 1  # two\n2\n",
    ">>> 1, 2\n(1, 2)\n",
    ">>> print(2)\n2\n",
    ">>> print('a\\n\\nb')\na\n<BLANKLINE>\nb\n",
    ">>> (n := 3)\n3\n>>> n\n3\n",
    ">>> 'it\\'s \"{x}\"'\n'it\\'s \"{x}\"'\n",
    ">>> f\"{d['a']!r:>8}\"\n'  [1, 2]'\n",
    ">>> d['none']\nTraceback (most recent call last):\n  ...\nKeyError: 'none'\n",
    ">>> list(range(99))  # doctest: +ELLIPSIS\n[0, 1, ..., 98]\n",
    ">>> print('a    b')  # doctest: +NORMALIZE_WHITESPACE\na b\n",
    ">>> broken()  # doctest: +SKIP\n1\n>>> 1\n1\n",
    "Words before.\n\n>>> def f():\n...     'Text.'\n...     return 7\n>>> f()\n7\n",
]


@pytest.mark.parametrize("text", PASSING)
def test_a_doctest_becomes_a_script_that_the_policy_allows_and_that_passes(text: str) -> None:
    checks = compile_checks(split("Words\n---\n" + text)[1])

    exec(checks.source, {"d": DICT})

    assert check(checks.source).findings == ()
    assert checks.count >= 1


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (">>> d['a']\n[1, 3]\n", "got [1, 2]"),
        (">>> print(2)\n3\n", "got 2"),
        (">>> None\n3\n", "got nothing"),
        (">>> d['a']\nTraceback (most recent call last):\nKeyError: 'a'\n", "got no exception"),
        (">>> d['b']\nTraceback (most recent call last):\nValueError: b\n", "got KeyError"),
        (">>> list(range(9))  # doctest: +ELLIPSIS\n[1, ..., 8]\n", "got [0, 1, 2"),
    ],
)
def test_a_doctest_that_fails_tells_what_was_got(text: str, got: str) -> None:
    checks = compile_checks(">>> 0\n0\n" + text)

    with pytest.raises(AssertionError, match=re.escape(got)) as raised:
        exec(checks.source, {"d": DICT})

    assert check(checks.source).findings == ()
    assert checks.passed_before(raised.tb.tb_next.tb_lineno) == 1  # type: ignore[union-attr]


def test_examples_in_a_test_functions_docstring_leave_it_a_test_function() -> None:
    checks = compile_checks('def test_a():\n    """Like\n\n    >>> 1\n    2\n    """\n    assert True\n')

    assert [part.label for part in checks.parts] == ["test_a()"]


def test_free_names_are_those_read_and_made_nowhere() -> None:
    source = "import math\nfor i in items:\n    t = f(i)\nassert math.pi < total and len(t)\n"

    assert free_names(source) == {"items", "f", "total"}


def test_free_names_of_a_doctest_are_those_of_its_examples() -> None:
    source = "The mean:\n\n>>> m = mean(prices)\n>>> m > low\nTrue\n>>> skipped  # doctest: +SKIP\n1\n"

    assert free_names(source) == {"mean", "prices", "low"}


def test_free_names_of_no_python_are_none() -> None:
    assert free_names("this is no code") == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("assert x == 9\n>>> x\n1\n", "half a doctest"),
        (">>> x\n1\n\nassert x == 9\n", "half a doctest"),
        ("if True:\n    def test_a():\n        assert x == 9\n", "not at the top level"),
        ("async def check():\n    assert x == 9\ncheck()\n", "awaits"),
        (
            "class TestA:\n    class TestB:\n        def test_x(self): assert 0\n    def test_y(self): pass\n",
            "not at the top level",
        ),
        ("def test_a(): assert x == 9\ndef test_a(): assert x == 1\n", "later"),
        ("class TestA:\n    def test_a(self): assert 0\n    def test_a(self): pass\n", "later"),
        ("assert (x == 9, 'text')\n", "always true"),
        ("return\nassert x == 9\n", "no Python"),
    ],
)
def test_a_check_that_could_not_fail_is_refused_before_anybody_is_asked(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        compile_checks(text)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("raise SystemExit\nassert r\n", "raise SystemExit"),
        ("import sys\nsys.exit(1)\nassert r\n", "sys.exit(1)"),
        ("assert r; quit()\n", "quit()"),
        ("assert False, 'later'\nassert r\n", "assert False, 'later'"),
        ("def test_a():\n    raise NotImplementedError\n", "raise NotImplementedError"),
        ("class TestA:\n    def test_a(self):\n        assert 0\n", "assert 0"),
        (">>> raise SystemExit\n>>> r\n1\n", "raise SystemExit"),
    ],
)
def test_a_check_that_could_not_pass_is_refused_before_anybody_is_asked(text: str, check: str) -> None:
    with pytest.raises(UsageError) as refused:
        compile_checks(text)

    assert refused.value.what == f"the check {check} cannot pass"


def test_a_test_that_returns_before_its_last_word_may_pass() -> None:
    attempt = "    try:\n        f(1)\n    except ValueError:\n        return\n"
    text = f"def test_refuses():\n{attempt}    assert False, 'no ValueError'"

    assert compile_checks(text)


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\n    assert False, 'no error'\nexcept ValueError:\n    pass\n",
        "if not r:\n    raise SystemExit\nassert r\n",
        "class Base:\n    def test_a(self):\n        raise NotImplementedError\nassert r\n",
        "def fail():\n    raise ValueError\nassert r\n",
        ">>> raise KeyError\nTraceback (most recent call last):\nKeyError\n",
    ],
)
def test_a_raise_that_depends_on_something_is_no_reason_to_refuse(text: str) -> None:
    assert compile_checks(text).count >= 1


def test_a_doctest_may_want_the_end_of_the_script() -> None:
    checks = compile_checks(">>> leave()\nTraceback (most recent call last):\nSystemExit: 3\n")

    exec(checks.source, {"leave": sys.exit})
    with pytest.raises(AssertionError, match="got no exception"):
        exec(checks.source, {"leave": lambda: None})
    assert check(checks.source).findings == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (">>> double(2)\n4\n>>> double(3\n6\n", "'(' was never closed\nWhy: line 3: >>> double(3\n"),
        ("Words.\n\n>>> for n in r:\n...     return n\n1\n", "outside function\nWhy: line 4: ...     return n\n"),
        ("x = 1\nassert x = 9\n", "Why: line 2: assert x = 9\n"),
    ],
)
def test_what_is_no_python_is_told_by_the_line_that_the_person_wrote(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        compile_checks(split(f"Words\n---\n{text}")[1])

    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nassert r\nassert os.sep\n",
        "import os; x = 1\nassert r; assert x\nassert (\n    os.sep\n)\n",
        "def test_a():\n    assert r\n\ndef test_b():\n    import os\n    assert os.sep\n",
        ">>> import os\n>>> sum([1,\n...      2])\n3\n>>> print('a') # doctest: +ELLIPSIS\n...\n>>> os.sep\n'/'\n",
    ],
)
def test_each_line_of_the_script_stands_for_the_line_that_the_person_wrote(text: str) -> None:
    checks = compile_checks(text)

    written, script = text.split("\n"), checks.source.rstrip("\n").split("\n")
    assert len(checks.origins) == len(script)
    for number, line in enumerate(script, 1):
        for word in ("import os", "os.sep", "print('a')", "sum", "test_a", "test_b"):
            if word in line:
                origin = checks.origin(number)
                assert word in "\n".join(written[origin - 1 : origin + 1]), (line, origin)


@pytest.mark.parametrize("tail", [">>>f(1)\n2", ">>> f(1)\n2\n  >>> f(2)\n3", ">>> for n in r:\n...    f(n)\n...1\n"])
def test_a_doctest_with_a_slip_is_not_taken_for_a_part_of_the_sentence(tail: str) -> None:
    with pytest.raises(UsageError, match="no doctest"):
        split(f"Make f.\n---\n{tail}")


@pytest.mark.parametrize("tail", ["assert x = 9", "def test_a()\n    assert x", "assert x ==\n"])
def test_checks_with_a_slip_are_not_taken_for_a_part_of_the_sentence(tail: str) -> None:
    with pytest.raises(UsageError, match="no Python"):
        split(f"Make x.\n---\n{tail}")


def test_a_rule_in_a_sentence_is_no_slip() -> None:
    assert split("Make x.\n---\nThen plot it.") == ("Make x.\n---\nThen plot it.", "")
