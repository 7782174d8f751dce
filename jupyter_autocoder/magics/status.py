"""The live status of one cell: one display that changes in place, and one quiet line when it is done.

Everything is Markdown with a plain-text twin: front-ends colour its code block in the person's theme, nbconvert and a
reader without a kernel see the last state. Texts that a model or its code chose stand in code blocks or are escaped, so
they can neither draw nor fetch anything.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_autocoder.events import Outcome, Progress, Usage, Variable, Verdict

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:/@])")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
# A front-end renders the whole Markdown again at each update: ten a second is as fast as anybody reads.
_INTERVAL = 0.1
_TAIL = 2000
Bundle = dict[str, str]
Publish = Callable[[Bundle, Mapping[str, Any]], None]


def escape(text: str) -> str:
    """Make `text` plain in Markdown: no links, pictures, HTML or line breaks."""
    return _PUNCTUATION.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def fence(text: str, language: str = "") -> str:
    """Put `text` into a code block that it cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{_TERMINAL.sub('', text).rstrip()}\n{ticks}"


def money(micro_usd: int | None) -> str:
    if micro_usd is None:
        return "price unknown"
    if micro_usd == 0:
        return "$0"
    return f"${micro_usd / 1e6:.4f}" if micro_usd < 1e6 else f"${micro_usd / 1e6:.2f}"


def spent(usage: Usage) -> str:
    """Tokens and money in a few words."""
    about = "~" if usage.estimated else ""
    return f"{about}{usage.input_tokens} + {usage.output_tokens} tokens · {about}{money(usage.cost)}"


def flow(inputs: tuple[Variable, ...], outputs: tuple[str, ...]) -> str:
    """``in: prices (2.1M rows) → out: summary``."""
    names = ", ".join(f"{v.name} ({v.summary})" if v.summary else v.name for v in inputs)
    return " → ".join(part for part in (names and f"in: {names}", outputs and "out: " + ", ".join(outputs)) if part)


class Status:
    """Draws Progress events through `publish(bundle, metadata)`; every call comes from the cell's own thread."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._started = time.monotonic()
        self._drawn = self._started  # what is done within the interval is drawn once
        self._event = Progress(stage="asking")
        self._answer = ""
        self._output = ""
        self._history: list[str] = []
        self._dirty = True

    def draw(self, event: Progress | None) -> None:
        """Take one event in, or None when only the clock moved, and draw when it is time."""
        if event is not None:
            self._take(event)
        now = time.monotonic()
        interval = _INTERVAL if self._dirty else 1.0
        if now - self._drawn >= interval:
            self._drawn = now
            self._dirty = False
            self._publish(self._live(), {})

    def finish(self, outcome: Outcome, results: tuple[str, ...], metadata: Mapping[str, Any]) -> None:
        """Draw the last state: one line, the notes, and the code folded away."""
        line = _summary(outcome, results)
        notes = "".join(f"\n\n*{escape(note)}*" for note in outcome.notes)
        shown = outcome.run is None
        body = _folded("code, allowed by the checker", fence(outcome.source, "python"), is_open=shown)
        earlier = _earlier(outcome)
        plain = "\n".join([line, *outcome.notes, *(["", outcome.source] if shown else [])])
        self._publish(_bundle(escape(line) + notes + earlier + "\n\n" + body, plain), metadata)

    def fail(self, title: str, source: str, usage: Usage | None, metadata: Mapping[str, Any]) -> None:
        """Draw that it did not work, with the last code; the error itself follows in the cell."""
        line = f"✗ {title}" + (f" · {spent(usage)}" if usage and usage.requests else "")
        history = "".join(f"\n\n{escape(entry)}" for entry in self._history)
        body = "\n\n" + _folded("the last code", fence(source, "python")) if source else ""
        self._publish(_bundle(escape(line) + history + body, line), metadata)

    def _take(self, event: Progress) -> None:
        if event.stage == "asking":
            self._answer = self._output = ""
        if event.stage == "writing":
            self._answer += event.text
        if event.stage == "checking" and event.verdict is not None:
            if not event.verdict.allowed:
                self._history.append(f"attempt {event.attempt}: {refusal(event.verdict)}")
            self._answer = self._answer or fence(event.text, "python")
        if event.output is not None:
            self._output = (self._output + _text_of(event.output))[-_TAIL:]
        if event.stage == "retrying" and event.text:
            self._history.append(f"attempt {event.attempt}: {event.text}")
        self._dirty = self._dirty or event.stage != self._event.stage or event.stage in {"writing", "waiting"}
        self._dirty = self._dirty or event.output is not None
        self._event = event

    def _live(self) -> Bundle:
        event = self._event
        elapsed = time.monotonic() - self._started
        words = {"waiting": "waiting", "asking": "asking", "writing": "writing", "checking": "checking"}
        line = f"◌ {words.get(event.stage, event.stage)}"
        if event.attempt > 1:
            line += f" (attempt {event.attempt})"
        if event.stage == "waiting" and event.seconds is not None:
            line += f" {event.seconds:.0f} s: {event.text}"
        elif event.model:
            line += f" {event.model}"
        line += f" · {elapsed:.0f} s"
        parts = [escape(line), *(escape(entry) for entry in self._history)]
        if self._answer:
            # The streaming answer is shown as text, whatever it contains.
            parts.append(fence(_unfenced(self._answer), "python"))
        if self._output:
            parts.append(fence(self._output))
        return _bundle("\n\n".join(parts), line)


def refusal(verdict: Verdict) -> str:
    """The first finding in one line."""
    first = verdict.findings[0]
    more = f" (+{len(verdict.findings) - 1} more)" if len(verdict.findings) > 1 else ""
    return f"refused, line {first.line}: {first.message}{more}"


def _summary(outcome: Outcome, results: tuple[str, ...]) -> str:
    parts = ["✓ replayed from autocode.lock" if outcome.replayed else f"✓ {outcome.model}"]
    if outcome.run is None:
        parts[0] += ", not run"
    parts.append(f"{outcome.seconds:.1f} s")
    if not outcome.replayed:
        parts.append(spent(outcome.usage))
    if len(outcome.attempts) > 1:
        parts.append(f"{len(outcome.attempts)} attempts")
    if outcome.run is not None:
        parts.append(_checked(outcome))
    if outcome.verdict.capabilities:
        parts.append("uses " + ", ".join(outcome.verdict.capabilities))
    parts.append(flow(outcome.prompt.inputs, results))
    return " · ".join(part for part in parts if part)


def _checked(outcome: Outcome) -> str:
    if not outcome.prompt.checks:
        return "unchecked"
    return f"{outcome.checks_passed} of {outcome.checks} checks passed"


def _earlier(outcome: Outcome) -> str:
    blocks = [
        _folded(f"attempt {number}: {attempt.problem.splitlines()[0]}", fence(attempt.source or attempt.answer))
        for number, attempt in enumerate(outcome.attempts, 1)
        if attempt.problem
    ]
    return "".join(f"\n\n{block}" for block in blocks)


def _folded(title: str, body: str, *, is_open: bool = False) -> str:
    # Blank lines around the body end the HTML block, so that the code block is Markdown again (CommonMark 4.6).
    # The title stands in HTML, where Markdown's escapes would be seen.
    shown = html.escape(" ".join(title.split()))
    return f"<details{' open' if is_open else ''}><summary>{shown}</summary>\n\n{body}\n\n</details>"


def _bundle(markdown: str, plain: str) -> Bundle:
    return {"text/markdown": markdown, "text/plain": plain}


def _unfenced(answer: str) -> str:
    lines = answer.splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("```", "~~~")))


def _text_of(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "stream":
        return str(output.get("text", ""))
    text = output.get("data", {}).get("text/plain", "")
    return f"{text}\n" if text else ""
