"""The loop as a generator without I/O: it yields what it wants done and is sent what came of it.

::

    Ask(messages)            -> the answer's text
    Check(source)            -> Verdict
    Execute(source)          -> Run
    Collect(names)           -> tuple of the names that do not exist

A finding, an exception, a failed check or a missing result goes back to the model, at most `prompt.attempts` times. A
locked answer takes the same way without the first step.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Generator
from dataclasses import dataclass, replace

from jupyter_autocoder.agent import prompt as words
from jupyter_autocoder.agent import reply
from jupyter_autocoder.agent.checks import Checks, compile_checks, line_of
from jupyter_autocoder.agent.prompt import Context, Message
from jupyter_autocoder.errors import AnswerError, ChecksFailed, NoCode, PolicyRefused, RunFailed
from jupyter_autocoder.events import Attempt, Prompt, Run, RunError, Verdict

_FRAME = re.compile(r"^  Cell In\[\d+\], line (\d{1,7})\b", re.MULTILINE)

_MISSING = re.compile(r"No module named '(\w+)")
DATA_EXTRA = "jupyter-autocoder[data]"
DATA_MODULES = frozenset({"matplotlib", "numpy", "pandas", "pyarrow"})
"""What the extra `data` installs: the prompt names these, and the environment may lack them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Send `messages` to the model, wants the text of its answer; `attempt` counts from 1."""

    messages: tuple[Message, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class Check:
    """Check `source`, wants a Verdict."""

    source: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Run `source` in the sandbox, wants a Run; `first` asks for the inputs to be put there before."""

    source: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Collect:
    """Fetch the values called `names` from the sandbox, wants the names that are not defined there."""

    names: tuple[str, ...]


Request = Ask | Check | Execute | Collect
Answer = str | Verdict | Run | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The attempt that counted, with all attempts in order and how many of the checks passed."""

    source: str
    verdict: Verdict
    run: Run
    checks_passed: int = 0
    attempts: tuple[Attempt, ...] = ()


def solve(prompt: Prompt, context: Context, *, locked: str | None = None) -> Generator[Request, Answer, Solution]:
    """Drive one prompt to its solution; `locked` is code from the lock, tried once instead of asking.

    Raises NoCode, PolicyRefused, RunFailed or ChecksFailed when the last attempt fails, saying how; UsageError or
    PolicyRefused before anything is asked where the checks themselves cannot run.
    """
    conversation = words.messages(prompt, context)
    checks = compile_checks(prompt.checks)
    if locked is None and checks.source:
        _allow_checks(checks, _verdict((yield Check(checks.source))))
    attempts: list[Attempt] = []
    total = 1 if locked is not None else max(prompt.attempts, 1)
    while True:
        number = len(attempts) + 1
        answer = locked if locked is not None else _text((yield Ask(tuple(conversation), number)))
        attempt, error = yield from _try(prompt, checks, answer, locked=locked is not None)
        attempts.append(attempt)
        if error is None:
            assert attempt.verdict is not None
            assert attempt.run is not None
            return Solution(
                source=attempt.source,
                verdict=attempt.verdict,
                run=attempt.run,
                checks_passed=checks.count,
                attempts=tuple(attempts),
            )
        if number >= total:
            raise _final(error, number)
        conversation += words.repair(answer, attempt.problem)


def _try(
    prompt: Prompt, checks: Checks, answer: str, *, locked: bool
) -> Generator[Request, Answer, tuple[Attempt, AnswerError | None]]:
    found = reply.Reply(source=answer) if locked else reply.read(answer)
    attempt = Attempt(answer=answer, source=found.source)
    if found.problem:
        return replace(attempt, problem=found.problem), NoCode(found.problem, answer=answer)
    verdict = _verdict((yield Check(found.source)))
    attempt = replace(attempt, verdict=verdict)
    if not verdict.allowed:
        what, why = "the code was refused before it ran", words.list_findings(verdict)
        error: AnswerError = PolicyRefused(what, verdict=verdict, source=found.source, why=why)
        return replace(attempt, problem=words.describe_refusal(verdict)), error
    if locked and checks.source:
        _allow_checks(checks, _verdict((yield Check(checks.source))))
    run = _run((yield Execute(found.source, first=True)))
    attempt = replace(attempt, run=run)
    if not run.ok:
        problem = describe_failure(run)
        error = RunFailed(headline(run), run=run, source=found.source, why=_evidence(run), do=_mend(run))
        return replace(attempt, problem=problem), error
    problem = yield from _verify(checks)
    if problem:
        error = ChecksFailed("the code ran, but a check failed", run=run, source=found.source, why=problem)
        return replace(attempt, problem=problem), error
    missing = _names((yield Collect(prompt.outputs))) if prompt.outputs else ()
    if missing:
        problem = words.describe_missing(missing)
        return replace(attempt, problem=problem), RunFailed(problem, run=run, source=found.source)
    return attempt, None


def _allow_checks(checks: Checks, verdict: Verdict) -> None:
    """Raise PolicyRefused where `verdict` does: checks come out of a notebook, maybe a stranger's, like any code."""
    if not verdict.allowed:
        # The script's own lines say nothing to who wrote the checks.
        findings = [replace(finding, line=checks.origin(finding.line)) for finding in verdict.findings]
        why = "\n".join(f"- {line_of(checks.text, one.line)!r}: {words.advise(one)}" for one in findings)
        do = "write them in another way; no model can mend them"
        verdict = replace(verdict, findings=tuple(findings))
        raise PolicyRefused("the checks were refused", verdict=verdict, source=checks.text, why=why, do=do)


def _verify(checks: Checks) -> Generator[Request, Answer, str]:
    """Run the checks; return "" or a sentence with the failing one, what was got, and how many passed."""
    if not checks.source:
        return ""
    run = _run((yield Execute(checks.source)))
    if run.ok:
        return ""
    problem, label = _describe(checks, run)
    for side in _sides(label):
        shown = _run((yield Execute(side)))
        if shown.ok and shown.value is not None:
            problem += f"\n{side} is {shown.value[:500]}"
    return problem


def _describe(checks: Checks, run: Run) -> tuple[str, str]:
    """Say how the checks failed; the second text is the check that did, or "" where the line belongs to none."""
    error = run.error
    line = _reached(error) if error is not None else None
    failed = checks.failed_at(line) if line is not None else None
    passed = checks.passed_before(line) if line is not None else 0
    label = failed.label if failed is not None else ""
    problem = f"{passed} of {checks.count} checks passed; "
    problem += f"this one failed:\n{label}" if label else "then their script failed."
    lines = checks.source.split("\n")
    deepest = lines[error.line - 1].strip() if error and error.line and error.line <= len(lines) else ""
    if deepest and (failed is None or len(failed.ranges) > 1):
        problem += f"\nat: {deepest}"
    if error is None:
        problem += f"\n{headline(run)}"
    elif error.name != "AssertionError":
        problem += f"\n{error.name}: {error.message}"
    elif error.message:
        problem += f"\n{error.message}"
    return problem, label


def _reached(error: RunError) -> int | None:
    """The line of the script itself: the outermost frame, since a helper's line does not tell which check called it."""
    frames = _FRAME.findall(error.traceback.rpartition("Traceback")[2])
    return int(frames[0]) if frames else error.line


def _sides(label: str) -> tuple[str, ...]:
    """The operands of a failed comparison that are worth looking at: names, attributes, calls, not constants."""
    try:
        tree = ast.parse(label)
    except SyntaxError:
        return ()
    match tree.body:
        case [ast.Assert(test=ast.Compare(left=left, comparators=comparators))]:
            return tuple(ast.unparse(node) for node in (left, *comparators) if not isinstance(node, ast.Constant))
    return ()


def headline(run: Run) -> str:
    """One line that says how a run failed."""
    if run.limits_hit:
        return "the code was stopped: it hit the limit on " + ", ".join(run.limits_hit).replace("_", " ")
    if run.error is not None:
        return f"the code raised {run.error.name}: {run.error.message}".splitlines()[0]
    return "the code did not finish"


def _mend(run: Run) -> str:
    """The command that brings a module which is only missing here; no other words can mend that."""
    found = _MISSING.match(run.error.message) if run.error and run.error.name == "ModuleNotFoundError" else None
    return f"pip install {DATA_EXTRA!r}, which brings {found[1]}" if found and found[1] in DATA_MODULES else ""


def describe_failure(run: Run) -> str:
    """Say to the model and the person how the code failed, with the cleaned traceback."""
    return "\n\n".join(part for part in (headline(run), _evidence(run)) if part)


def _evidence(run: Run) -> str:
    parts = []
    if run.error is not None and run.error.traceback:
        parts.append(run.error.traceback[-4000:])
    if run.stderr.strip():
        parts.append("stderr:\n" + run.stderr[-1000:])
    return "\n\n".join(parts)


def _final(error: AnswerError, attempts: int) -> AnswerError:
    if attempts > 1 and not error.do:
        error.do = f"this was attempt {attempts} of {attempts}; say it in other words, add detail, or raise --attempts"
    return error


def _text(answer: Answer) -> str:
    assert isinstance(answer, str)
    return answer


def _verdict(answer: Answer) -> Verdict:
    assert isinstance(answer, Verdict)
    return answer


def _run(answer: Answer) -> Run:
    assert isinstance(answer, Run)
    return answer


def _names(answer: Answer) -> tuple[str, ...]:
    assert isinstance(answer, tuple)
    return answer
