"""The loop as a generator: what it asks for next, and how it ends."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.agent import Ask, Check, Collect, Execute, Solution, solve
from jupyter_autocoder.agent.loop import DATA_EXTRA, DATA_MODULES
from jupyter_autocoder.agent.prompt import Context, Step
from jupyter_autocoder.errors import ChecksFailed, NoCode, PolicyRefused, RunFailed, UsageError
from jupyter_autocoder.events import Finding, Prompt, Run, RunError, Verdict

GOOD = "```python\nr = 1\n```"
REFUSED = Verdict(findings=(Finding(rule="import", line=1, column=0, message="os is refused", fix="Leave it."),))
RAISED = Run(ok=False, error=RunError(name="KeyError", message="'x'", traceback="KeyError: 'x'", line=1))


def drive(prompt: Prompt, *results: Any, locked: str | None = None) -> tuple[list[Any], Any]:
    """Send `results` in, one a request; return the requests and the solution or error."""
    steps = solve(prompt, Context(), locked=locked)
    asked: list[Any] = [next(steps)]
    try:
        for result in results:
            asked.append(steps.send(result))
    except StopIteration as stop:
        return asked, stop.value
    except Exception as error:
        return asked, error
    raise AssertionError(f"it still wants {asked[-1]}")


def test_an_answer_is_checked_then_run() -> None:
    asked, solution = drive(Prompt(text="one"), GOOD, Verdict(), Run(ok=True, value="1"))

    assert [type(request) for request in asked] == [Ask, Check, Execute]
    assert asked[1].source == asked[2].source == "r = 1\n"
    assert isinstance(solution, Solution)
    assert solution.run.value == "1"


def test_a_refusal_goes_back_to_the_model_with_its_advice() -> None:
    asked, solution = drive(Prompt(text="one"), GOOD, REFUSED, GOOD, Verdict(), Run(ok=True))

    again = asked[2]
    assert isinstance(again, Ask)
    assert again.attempt == 2
    assert "os is refused. Leave it." in again.messages[-1]["content"]
    assert [bool(attempt.problem) for attempt in solution.attempts] == [True, False]


def test_an_exception_goes_back_with_its_traceback() -> None:
    asked, _ = drive(Prompt(text="one"), GOOD, Verdict(), RAISED, GOOD, Verdict(), Run(ok=True))

    assert "KeyError: 'x'" in asked[3].messages[-1]["content"]


def test_a_failed_check_goes_back_with_what_was_got() -> None:
    prompt = Prompt(text="one", checks="assert True\nassert r == 2\n")
    failed = Run(ok=False, error=RunError(name="AssertionError", message="", line=2))

    asked, solution = drive(
        prompt, Verdict(), GOOD, Verdict(), Run(ok=True), failed, Run(ok=True, value="1"), GOOD, Verdict(),
        Run(ok=True), Run(ok=True),
    )  # fmt: skip

    back = asked[6].messages[-1]["content"]
    assert "1 of 2 checks passed" in back
    assert "assert r == 2" in back
    assert "r is 1" in back
    assert solution.checks_passed == 2


TESTS = """\
def helper(n):
    return 1 / n

def test_a():
    assert r

def test_b():
    assert r == 2

x = helper(0)
"""
TRACE = "Traceback (most recent call last)\n  Cell In[4], line {0}\n    x\n  Cell In[4], line {1}, in f()\n    y\n"


@pytest.mark.parametrize(
    ("error", "told", "untold"),
    [
        (RunError(name="AssertionError", message="", line=8),
         ["1 of 2 checks passed", "test_b()", "at: assert r == 2"], "test_a"),
        (RunError(name="AssertionError", message="", line=8, traceback=TRACE.format(12, 8)),
         ["1 of 2 checks passed", "test_b()", "at: assert r == 2"], "test_a"),
        (RunError(name="ZeroDivisionError", message="by zero", line=2, traceback=TRACE.format(12, 2)),
         ["1 of 2 checks passed", "test_b()", "at: return 1 / n", "ZeroDivisionError: by zero"], "test_a"),
        (RunError(name="ZeroDivisionError", message="by zero", line=2, traceback=TRACE.format(10, 2)),
         ["0 of 2 checks passed; then their script failed", "at: return 1 / n", "ZeroDivisionError"], "test_"),
        (RunError(name="SandboxKilled", message="killed: the memory was used up"),
         ["0 of 2 checks passed; then their script failed", "the memory was used up"], "test_"),
        (None, ["0 of 2 checks passed; then their script failed", "did not finish"], "test_"),
    ],
)  # fmt: skip
def test_the_check_that_failed_is_named_and_no_other(error: RunError | None, told: list[str], untold: str) -> None:
    prompt = Prompt(text="one", checks=TESTS, attempts=1)

    _, problem = drive(prompt, Verdict(), GOOD, Verdict(), Run(ok=True), Run(ok=False, error=error))

    assert type(problem) is ChecksFailed
    assert not [words for words in told if words not in str(problem)]
    assert untold not in str(problem)


def test_a_result_that_was_never_defined_goes_back() -> None:
    prompt = Prompt(text="one", outputs=("summary",))

    asked, _ = drive(prompt, GOOD, Verdict(), Run(ok=True), ("summary",), GOOD, Verdict(), Run(ok=True), ())

    assert isinstance(asked[3], Collect)
    assert "never defined: summary" in asked[4].messages[-1]["content"]


@pytest.mark.parametrize(
    ("results", "kind"),
    [
        (["no code here, sorry"], NoCode),
        ([GOOD, REFUSED], PolicyRefused),
        ([GOOD, Verdict(), RAISED], RunFailed),
        ([GOOD, Verdict(), Run(ok=False, limits_hit=("wall_time",))], RunFailed),
    ],
)
def test_the_last_attempt_fails_as_what_it_is(results: list[Any], kind: type[Exception]) -> None:
    _, error = drive(Prompt(text="one", attempts=1), *results)

    assert type(error) is kind


def test_failed_checks_at_the_last_attempt_are_told_apart_from_failing_code() -> None:
    prompt = Prompt(text="one", checks="assert r\n", attempts=1)

    _, error = drive(prompt, Verdict(), GOOD, Verdict(), Run(ok=True), RAISED)

    assert type(error) is ChecksFailed


def test_checks_are_checked_like_the_code_before_a_model_is_asked() -> None:
    prompt = Prompt(text="one", checks="import os\nassert os.sep\n", attempts=3)

    asked, error = drive(prompt, REFUSED)
    replayed, error_of_replay = drive(prompt, Verdict(), REFUSED, locked="r = 1\n")

    assert asked == [Check("import os\nassert os.sep\n")]
    assert replayed[1] == asked[0]
    assert type(error) is type(error_of_replay) is PolicyRefused


def test_refused_checks_are_told_by_the_line_that_the_person_wrote() -> None:
    prompt = Prompt(text="one", checks=">>> double(2)\n4\n>>> os.sep\n'/'\n")
    steps = solve(prompt, Context())
    script = next(steps).source  # type: ignore[union-attr]
    line = next(number for number, text in enumerate(script.split("\n"), 1) if "os.sep" in text)
    finding = replace(REFUSED.findings[0], line=line)

    with pytest.raises(PolicyRefused) as refused:
        steps.send(Verdict(findings=(finding,)))

    assert refused.value.why == "- '>>> os.sep': os is refused. Leave it."
    assert refused.value.verdict.findings[0].line == 3
    assert refused.value.source == prompt.checks


@pytest.mark.parametrize("checks", ["def test_a(n):\n    assert n\n", "def helper():\n    return 1\n"])
def test_checks_that_could_not_run_are_refused_before_anything_is_asked(checks: str) -> None:
    with pytest.raises(UsageError):
        next(solve(Prompt(text="one", checks=checks), Context()))


def test_locked_code_takes_the_same_way_without_asking_and_only_once() -> None:
    asked, solution = drive(Prompt(text="one"), Verdict(), Run(ok=True), locked="r = 1\n")
    refused, error = drive(Prompt(text="one"), REFUSED, locked="import os\n")

    assert [type(request) for request in asked] == [Check, Execute]
    assert solution.source == "r = 1\n"
    assert len(refused) == 1
    assert type(error) is PolicyRefused


def test_attempts_are_bounded() -> None:
    asked, error = drive(Prompt(text="one", attempts=3), "no", "no", "no")

    assert [request.attempt for request in asked] == [1, 2, 3]
    assert "attempt 3 of 3" in str(error)


def test_braces_and_percent_signs_of_a_prompt_reach_the_model_unchanged() -> None:
    text = "Use {x} and {} and %s and {{y}}"

    asked, _ = drive(Prompt(text=text), GOOD, Verdict(), Run(ok=True))

    assert asked[0].messages[-1]["content"] == text


def test_earlier_steps_are_told_in_order() -> None:
    steps = solve(Prompt(text="now"), Context(steps=(Step(text="before", source="a = 1\n"),)))

    request = next(steps)

    assert isinstance(request, Ask)
    assert [message["role"] for message in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[2]["content"] == "```python\na = 1\n```"


def lacking(module: str) -> Run:
    error = RunError(name="ModuleNotFoundError", message=f"No module named {module!r}", traceback="", line=1)
    return Run(ok=False, error=error)


@pytest.mark.parametrize(("module", "named"), [("pandas", True), ("pyarrow.parquet", True), ("scipy", False)])
@pytest.mark.parametrize("attempts", [1, 2])
def test_a_module_that_the_extra_brings_is_advised_by_the_command_that_installs_it(
    module: str, named: bool, attempts: int
) -> None:
    results = [GOOD, Verdict(), lacking(module)] * attempts

    _, error = drive(Prompt(text="one", attempts=attempts), *results)
    _, replayed = drive(Prompt(text="one"), Verdict(), lacking(module), locked="import pandas\n")

    assert isinstance(error, RunFailed)
    assert [("pip install 'jupyter-autocoder[data]'" in one.do) for one in (error, replayed)] == [named, named]


def test_the_modules_of_the_extra_are_those_that_the_package_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["data"]

    assert {requirement.partition(">")[0] for requirement in extra} == DATA_MODULES
    assert f"{project['name']}[data]" == DATA_EXTRA


def test_findings_of_checks_are_told_as_sentences_of_their_own() -> None:
    _, error = drive(Prompt(text="one", checks="assert r == 1\n"), REFUSED)

    assert isinstance(error, PolicyRefused)
    assert error.why.endswith(": os is refused. Leave it.")
