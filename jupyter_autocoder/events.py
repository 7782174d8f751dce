"""The values that cross from one part to another: frozen, complete at construction, free of behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Stage = Literal["waiting", "asking", "writing", "checking", "running", "retrying"]
Origin = Literal["model", "written"]

# Under this key a cell's output metadata tells how the output came to be.
METADATA = "jupyter_autocoder"
# The type of a kernel's message with one output of a run that goes on, and the first part of its topic.
LIVE_OUTPUT = "jupyter_autocoder_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What may be told about one of the person's variables without showing its contents.

    `type` is canonical and stable (``DataFrame[date: datetime64[ns], close: float64]``), it goes into the lock's key;
    `summary` is for people and models (``2.1M rows``), it does not.
    """

    name: str
    type: str
    summary: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A person's request: words, the checks its answer must pass, and what goes in and comes out by name."""

    text: str
    checks: str = ""
    inputs: tuple[Variable, ...] = ()
    outputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    model: str | None = None
    attempts: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the checker refuses: `line` counts from 1, `column` from 0; `fix` is advice to a model and a person."""

    rule: str
    line: int
    column: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The checker's answer; `capabilities` names what the code uses (``files-read``, ``plotting``, ``randomness``)."""

    findings: tuple[Finding, ...] = ()
    capabilities: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """An exception inside the sandbox: class name, message, the cleaned traceback as text, the failing source line."""

    name: str
    message: str
    traceback: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one piece of code did in the sandbox.

    `value` is the repr of the last expression, `outputs` are cleaned nbformat outputs in the order they came,
    `duration` is in seconds, `peak_memory` in bytes. `limits_hit` names limits (``wall_time``, ``cpu_time``,
    ``memory``, ``output``, ``disk``, ``killed``); `truncated` says that output was cut; `notes` are the visible
    remarks of the message gate.
    """

    ok: bool
    stdout: str = ""
    stderr: str = ""
    value: str | None = None
    outputs: tuple[dict[str, Any], ...] = ()
    error: RunError | None = None
    duration: float = 0.0
    limits_hit: tuple[str, ...] = ()
    truncated: bool = False
    peak_memory: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens and money of one or more attempts; `cost` in micro-USD, None where the price is unknown.

    `estimated` is True when any part was not counted by the server itself.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: int | None = 0
    estimated: bool = False
    requests: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
            estimated=self.estimated or other.estimated,
            requests=self.requests + other.requests,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step on a prompt's way, drawn by each face in its own manner.

    `text` is the increment for ``writing`` (more of the answer) and one sentence otherwise; `seconds` is what is left
    of a wait (``waiting``) or has elapsed; `attempt` counts from 1; `output` is one cleaned nbformat output of a
    running cell.
    """

    stage: Stage
    text: str = ""
    attempt: int = 1
    seconds: float | None = None
    output: dict[str, Any] | None = None
    verdict: Verdict | None = None
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One round: what the model wrote, what was made of it and how it went; None means that step was not reached."""

    answer: str
    source: str = ""
    verdict: Verdict | None = None
    run: Run | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a prompt's way: the code that counted, what it did, what it cost and how it was come by.

    `unlocked` says why the answer is not in the lock, where it should be; it stands among the notes as well.
    """

    prompt: Prompt
    source: str
    verdict: Verdict
    run: Run | None
    checks_passed: int = 0
    checks: int = 0
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    key: str = ""
    replayed: bool = False
    backend: str = ""
    notes: tuple[str, ...] = ()
    unlocked: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the model's answer, as it arrives."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A function the model wants called; `arguments` have passed the function's schema."""

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The model's whole answer.

    `finish_reason` is ``stop``, ``length``, ``tool_calls`` or ``content_filter``; `refusal` is the model's own words
    when it declines; `model` is the one that answered, `usage` counts every attempt that was made for it, and `notes`
    are the visible lines about retries, fallbacks and skipped models; `seconds` is the whole wait.
    """

    text: str
    model: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    refusal: str | None = None
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """One vector for each text, in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]
    model: str
    usage: Usage = field(default_factory=Usage)
    notes: tuple[str, ...] = ()
