"""Drives the agent with the adapters: the only place where logic meets model, checker, sandbox and lock."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_autocoder import lock as locks
from jupyter_autocoder.agent import Ask, Check, Collect, Execute, Request, Solution, solve
from jupyter_autocoder.agent.checks import compile_checks
from jupyter_autocoder.agent.prompt import Context, Step, fit, messages
from jupyter_autocoder.errors import AutocoderError, LockError, ValueCannotCross
from jupyter_autocoder.events import Completion, Outcome, Progress, Prompt, Run, TextDelta, Usage, Verdict
from jupyter_autocoder.lock import Entry, Lock
from jupyter_autocoder.policy import Policy, check

if TYPE_CHECKING:
    from jupyter_autocoder.llm import GovernedClient
    from jupyter_autocoder.sandbox import Sandbox

Mode = Literal["auto", "locked", "refresh"]
Report = Callable[[Progress], None]
Steps = Generator[Request, Any, Solution]


def locked_by_environment(environ: Mapping[str, str]) -> bool:
    """Whether this process only replays: ``AUTOCODER_LOCKED``, or ``CI`` unless ``AUTOCODER_LIVE`` is set."""
    if environ.get("AUTOCODER_LOCKED", "") not in {"", "0", "false"}:
        return True
    return environ.get("CI", "") not in {"", "0", "false"} and environ.get("AUTOCODER_LIVE", "") in {"", "0", "false"}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One prompt with the values it needs and how it is to be answered.

    `values` are the inputs' values by name, `files` paths on this machine by their name inside. Values of the prompt's
    outputs are fetched; one that is `demanded` must be able to cross, and `wished` names are fetched where they exist.
    `cell` identifies the notebook's cell.
    """

    prompt: Prompt
    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    demanded: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()
    mode: Mode = "auto"
    dry_run: bool = False
    fresh: bool = False
    notebook: str = ""
    cell: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a job gave: its outcome, and the values that came back by name."""

    outcome: Outcome
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Past:
    """One answered prompt of a session, as follow-ups and keys see it."""

    cell: str
    key: str
    prompt: Prompt
    source: str


class Session:
    """The life of one sandbox: it keeps its state from prompt to prompt, and so the order of prompts counts.

    `open_sandbox` makes an unstarted sandbox (or takes a warm one); it is called again after `reset`.
    """

    def __init__(self, open_sandbox: Callable[[], Awaitable[Sandbox]]) -> None:
        self._open = open_sandbox
        self._box: Sandbox | None = None
        self._opening = asyncio.Lock()
        self.past: list[Past] = []

    async def box(self) -> Sandbox:
        """The session's sandbox; a cell and a conversation that come at once get the same one."""
        async with self._opening:
            if self._box is None:
                self._box = await self._open()
            return self._box

    @property
    def backend(self) -> str:
        return self._box.backend if self._box is not None else ""

    def before(self, cell: str, prompt: Prompt) -> tuple[Past, ...]:
        """Return the steps that come before this prompt: a cell that runs again keeps its first place."""
        for index, past in enumerate(self.past):
            same_words = (past.prompt.text, past.prompt.checks) == (prompt.text, prompt.checks)
            if past.cell == cell if cell and past.cell else same_words:
                return tuple(self.past[:index])
        return tuple(self.past)

    def places(self, cell: str, prompt: Prompt) -> tuple[tuple[Past, ...], ...]:
        """The steps before this prompt, most likely first.

        Without a cell's id the same words may be a cell that runs again or a second one: only the lock can tell.
        """
        first, end = self.before(cell, prompt), tuple(self.past)
        return (first,) if cell or first == end else (end, first)

    def record(self, place: int, past: Past) -> None:
        self.past[place : place + 1] = [past]

    async def reset(self) -> None:
        """Throw the sandbox and the history away."""
        self.past.clear()
        box, self._box = self._box, None
        if box is not None:
            await box.close()


@dataclass(frozen=True, kw_only=True)
class Window:
    """How many tokens a conversation may have; `count` counts them, `room` None means no limit is known."""

    count: Callable[[Sequence[dict[str, Any]]], int]
    room: int | None = None


class Autocoder:
    """Answers jobs, one at a time, in one session.

    `open_client` is called when a model is really needed, so that replaying needs neither key nor network.
    """

    def __init__(
        self,
        session: Session,
        *,
        open_client: Callable[[], GovernedClient],
        policy: Policy,
        lock: Lock | None,
        redact: Callable[[str], str] = str,
        window: Window | None = None,
    ) -> None:
        self.session = session
        self._open_client = open_client
        self._policy = policy
        self._lock = lock
        self._redact = redact
        self._window = window

    async def ask(self, job: Job, report: Report) -> Result:
        """Take one prompt the whole way.

        Raises NotInLock where only the lock may answer, and every error of the steps; the session's history grows only
        when the job succeeds.
        """
        started = time.monotonic()
        if job.fresh:
            await self.session.reset()
        before, previous, key = self._place(job)
        entry, notes = self._look_up(job, key, previous)
        drive = _Drive(self, job, report)
        prompt, context = job.prompt, Context()
        if entry is None:  # nothing is asked where the lock knows the answer
            prompt, context, left_out = self._fit(job.prompt, before)
            notes += [left_out] if left_out else []
        steps = solve(prompt, context, locked=entry.code if entry else None)
        try:
            solution = await drive.run(steps)
        except AutocoderError as error:
            _explain_replay(error, entry)
            error.usage = drive.usage + (error.usage or Usage())
            raise
        unlocked = self._store(key, job, solution, drive.model, previous)
        notes += [unlocked] if unlocked else []
        if not job.dry_run:
            past = Past(cell=job.cell, key=key, prompt=job.prompt, source=solution.source)
            self.session.record(len(before), past)
        outcome = Outcome(
            prompt=job.prompt,
            source=solution.source,
            verdict=solution.verdict,
            run=None if job.dry_run else solution.run,
            checks_passed=solution.checks_passed,
            checks=compile_checks(job.prompt.checks).count,
            attempts=solution.attempts,
            usage=drive.usage,
            model=drive.model or (entry.model if entry else ""),
            key=key,
            replayed=entry is not None,
            backend=self.session.backend,
            notes=tuple(dict.fromkeys([*notes, *drive.notes, *(() if job.dry_run else solution.run.notes)])),
            unlocked=unlocked,
            seconds=time.monotonic() - started,
        )
        return Result(outcome=outcome, values=drive.values)

    def _place(self, job: Job) -> tuple[tuple[Past, ...], str, str]:
        """Where in the session this job stands: the steps before it, the last one's key, and its own."""
        places = self.session.places(job.cell, job.prompt)
        found = [(before, before[-1].key if before else "") for before in places]
        keyed = [(before, previous, locks.make_key(job.prompt, previous)) for before, previous in found]
        locked = (place for place in keyed if self._lock is not None and self._lock.get(place[2]))
        # Nobody runs a cell twice in a headless run, so a place at the end is the better guess there.
        return next(locked, keyed[0] if job.mode == "locked" else keyed[-1])

    def preview(self, job: Job) -> list[dict[str, Any]]:
        """Return the messages that `ask` would send, without sending anything."""
        prompt, context, _ = self._fit(job.prompt, self.session.before(job.cell, job.prompt))
        return [redact_message(message, self._redact) for message in messages(prompt, context)]

    def _fit(self, prompt: Prompt, before: Sequence[Past]) -> tuple[Prompt, Context, str]:
        steps = tuple(Step(text=past.prompt.text, source=past.source) for past in before)
        context = Context(modules=sorted(self._policy.modules), steps=steps)
        if self._window is None:
            return prompt, context, ""
        return fit(prompt, context, count=self._window.count, room=self._window.room)

    def _look_up(self, job: Job, key: str, previous: str) -> tuple[Entry | None, list[str]]:
        if self._lock is None or job.mode == "refresh":
            return None, []
        entry = self._lock.get(key)
        if entry is None:
            if job.mode == "locked":
                raise self._lock.missing(job.prompt, previous)
            known = any(old.prompt.strip() == job.prompt.text.strip() for old in self._lock.entries().values())
            return None, [f"asked anew: {self._lock.explain(job.prompt, previous)}"] if known else []
        notes = [locks.drift(entry)] if locks.drift(entry) else []
        if entry.edited:
            notes.append("the locked code was edited by hand")
        return entry, notes

    def _store(self, key: str, job: Job, solution: Solution, model: str, previous: str) -> str:
        if self._lock is None or not model or job.dry_run:
            return ""
        entry = Entry(
            prompt=job.prompt.text,
            checks=job.prompt.checks,
            code=solution.source,
            inputs={variable.name: variable.type for variable in job.prompt.inputs},
            outputs=job.prompt.outputs,
            files=job.prompt.files,
            previous=previous,
            notebook=self._lock.name_of(job.notebook),
            cell=job.cell,
            asked=job.prompt.model or "",
            model=model,
            packages=locks.environment(name.partition(".")[0] for name in imported(solution.source)),
        )
        try:
            self._lock.put(key, entry)
        except LockError as error:
            # The answer is there and was paid for: a lock that cannot be written must not take it away.
            return f"the answer is not in the lock: {error.what} ({error.why}); {error.do}"
        return ""


class _Drive:
    """One job's steps on the real parts, with what they cost and brought."""

    def __init__(self, owner: Autocoder, job: Job, report: Report) -> None:
        self._owner = owner
        self._job = job
        self._report = report
        self._attempt = 1
        self.usage = Usage()
        self.model = ""
        self.notes: list[str] = []
        self.values: dict[str, Any] = {}

    async def run(self, steps: Steps) -> Solution:
        verdict = Verdict()
        source = ""
        request = next(steps)
        try:
            while True:
                if isinstance(request, Execute) and self._job.dry_run:
                    return Solution(source=source, verdict=verdict, run=Run(ok=True))
                if isinstance(request, Ask):
                    source = ""  # the first check of each attempt is the code's, a later one its checks'
                result = await self._perform(request)
                if isinstance(request, Check) and not source:
                    source, verdict = request.source, result
                request = steps.send(result)
        except StopIteration as stop:
            solution: Solution = stop.value
            await self._fetch_wished()
            return solution
        finally:
            steps.close()

    async def _perform(self, request: Request) -> Any:
        match request:
            case Ask():
                return await self._ask(request)
            case Check(source=source):
                verdict = check(source, self._owner._policy)
                self._report(Progress(stage="checking", attempt=self._attempt, verdict=verdict, text=source))
                return verdict
            case Execute():
                return await self._execute(request)
            case Collect(names=names):
                return await self._collect(names)

    async def _ask(self, request: Ask) -> str:
        self._attempt = request.attempt
        client = self._owner._open_client()
        self._report(Progress(stage="asking", attempt=self._attempt, model=self._job.prompt.model or ""))
        messages = [redact_message(message, self._owner._redact) for message in request.messages]
        text = ""
        # Closed explicitly: an interrupted cell must end the provider's stream now, not at the next collection.
        async with contextlib.aclosing(client.stream(messages, model=self._job.prompt.model)) as events:
            async for event in events:
                match event:
                    case TextDelta(text=more):
                        self._report(Progress(stage="writing", text=more, attempt=self._attempt))
                    case Progress():
                        self._report(replace(event, attempt=self._attempt))
                    case Completion():
                        text = event.text or event.refusal or ""
                        self.usage += event.usage
                        self.model = event.model
                        self.notes += event.notes
        return text

    async def _execute(self, request: Execute) -> Run:
        box = await self._owner.session.box()
        if request.first:
            self._report(Progress(stage="running", attempt=self._attempt))
            for name, value in self._job.values.items():
                await box.put(name, value)
            for name, path in self._job.files.items():
                await box.add_file(path, name=name)

        def show(output: dict[str, Any]) -> None:
            self._report(Progress(stage="running", attempt=self._attempt, output=output))

        fetched = self._job.prompt.outputs or self._job.wished
        if fetched and "pandas" in request.source and "pandas" not in sys.modules:
            # Frames will come back, and reading them needs it here as well; it takes as long as it does inside.
            asyncio.get_running_loop().run_in_executor(None, _import_pandas)
        run: Run = await box.run(request.source, on_output=show if request.first else None)
        if request.first and not run.ok:
            self._report(Progress(stage="retrying", attempt=self._attempt, text="the code failed"))
        return run

    async def _collect(self, names: Sequence[str]) -> tuple[str, ...]:
        box = await self._owner.session.box()
        missing = []
        for name in names:
            try:
                self.values[name] = await box.get(name)
            except KeyError:
                missing.append(name)
            except ValueCannotCross as error:
                if name in self._job.demanded:
                    raise
                self.notes.append(f"{error.what}: {error.do}" if error.do else error.what)
        return tuple(missing)

    async def _fetch_wished(self) -> None:
        """Fetch what the sentence only mentioned; what does not exist or cannot cross is no failure."""
        box = await self._owner.session.box()
        for name in self._job.wished:
            try:
                self.values[name] = await box.get(name)
            except (KeyError, ValueCannotCross):
                continue


def redact_message(message: dict[str, Any], redact: Callable[[str], str]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": redact(content)} if isinstance(content, str) else message


def cost(usage: Usage) -> dict[str, Any]:
    """Return what a cell's output metadata tells about tokens and money, of a success and of a failure."""
    return {
        "tokens": {"input": usage.input_tokens, "output": usage.output_tokens},
        "cost_micro_usd": usage.cost,
        "estimated": usage.estimated,
    }


def provenance(outcome: Outcome) -> dict[str, Any]:
    """Return what a cell's output metadata tells about how it came to be; JSON-able, without contents of variables."""
    run = outcome.run
    return {
        "model": outcome.model,
        "origin": "lock" if outcome.replayed else "model",
        "key": outcome.key,
        "prompt": locks.digest(outcome.prompt.text),
        "code": locks.digest(outcome.source),
        "source": outcome.source,
        "verdict": "allowed" if outcome.verdict.allowed else "refused",
        "capabilities": list(outcome.verdict.capabilities),
        "checks": {"passed": outcome.checks_passed, "count": outcome.checks},
        "attempts": len(outcome.attempts),
        "inputs": {variable.name: variable.type for variable in outcome.prompt.inputs},
        "outputs": list(outcome.prompt.outputs),
        **cost(outcome.usage),
        "backend": outcome.backend,
        "seconds": round(outcome.seconds, 3),
        "run_seconds": round(run.duration, 3) if run else None,
        "notes": list(outcome.notes),
        **({"unlocked": outcome.unlocked} if outcome.unlocked else {}),
    }


def _explain_replay(error: AutocoderError, entry: Entry | None) -> None:
    if entry is not None and not error.do:
        error.do = f"the code came from the lock ({entry.title}); ask anew with %%autocode --refresh"


def _import_pandas() -> None:
    # Whatever is wrong with it will be told by the code that really needs it.
    with contextlib.suppress(Exception):
        importlib.import_module("pandas")


def imported(source: str) -> list[str]:
    """The modules that `source` imports, by full name, in order; none where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def notebook_name(environ: Mapping[str, str] | None = None) -> str:
    """The notebook this kernel belongs to, as far as a kernel can know: its path, else "unknown"."""
    environ = os.environ if environ is None else environ
    return environ.get("JPY_SESSION_NAME", "") or "unknown"
