"""What the model is told: the rules of the place, the names it may use, the earlier steps, the sentence itself.

Texts are joined, never formatted: a person's braces and percent signs are only text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jupyter_autocoder.events import Finding, Prompt, Variable, Verdict

Message = dict[str, Any]

_RULES = """\
You write Python for one step of a data notebook. Answer with exactly one ```python code block and nothing that must run
outside it.
The code runs at once in a sandboxed IPython kernel that keeps its variables from step to step:
- no network, no child processes, no files except the ones named below and what you write to the working directory;
- no input(), no shell commands or magics, no eval/exec, no underscore attributes, no pickle;
- the variables and files listed below exist already, under these names: do not load, invent or overwrite the inputs;
- define every requested result as a top-level variable; end with an expression or plt.show() to show something.
Prefer pandas, numpy and matplotlib where they fit. Raise an exception rather than guess when the data contradict the
request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An earlier prompt of the same session and the code that answered it."""

    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What surrounds a prompt; `modules` are the importable top-level names, `steps` the earlier ones, oldest first."""

    modules: Sequence[str] = ()
    steps: Sequence[Step] = ()


def messages(prompt: Prompt, context: Context) -> list[Message]:
    """Return the conversation that asks for `prompt`'s code."""
    system = _RULES
    if context.modules:
        system += "\nModules that can be imported: " + ", ".join(context.modules) + "."
    conversation: list[Message] = [{"role": "system", "content": system}]
    for step in context.steps:
        conversation.append({"role": "user", "content": step.text})
        conversation.append({"role": "assistant", "content": _fence(step.source)})
    conversation.append({"role": "user", "content": _request(prompt)})
    return conversation


def fit(
    prompt: Prompt, context: Context, *, count: Callable[[Sequence[Message]], int], room: int | None
) -> tuple[Prompt, Context, str]:
    """Leave out the least useful parts until the conversation has at most `room` tokens by `count`.

    The oldest steps go first, then the sample rows; the sentence, the names and the checks stay whatever they take.
    Returns what is left and one line that says what was left out ("" for nothing).
    """
    dropped = 0
    while room is not None and context.steps and count(messages(prompt, context)) > room:
        context = replace(context, steps=context.steps[1:])
        dropped += 1
    parts = [f"the {dropped} oldest prompts of this session"] if dropped else []
    if room is not None and any(v.sample for v in prompt.inputs) and count(messages(prompt, context)) > room:
        prompt = replace(prompt, inputs=tuple(replace(variable, sample="") for variable in prompt.inputs))
        parts.append("the sample rows")
    note = f"left out to fit the model's window: {' and '.join(parts)}" if parts else ""
    return prompt, context, note


def _request(prompt: Prompt) -> str:
    parts = [prompt.text]
    if prompt.inputs:
        parts.append("Variables:\n" + "\n".join(_variable(v) for v in prompt.inputs))
    if prompt.files:
        parts.append("Files in the working directory (read-only): " + ", ".join(prompt.files))
    if prompt.outputs:
        parts.append("Define these variables: " + ", ".join(prompt.outputs))
    if prompt.checks:
        parts.append("These checks must pass after your code:\n" + _fence(prompt.checks))
    return "\n\n".join(parts)


def _variable(variable: Variable) -> str:
    line = f"- {variable.name}: {variable.type}"
    if variable.summary:
        line += f" ({variable.summary})"
    return line + (f"\n{variable.sample}" if variable.sample else "")


def repair(answer: str, problem: str) -> list[Message]:
    """Return the turn that sends an attempt back with what was wrong with it."""
    request = problem + "\n\nAnswer again with the complete, corrected code in one ```python block."
    return [{"role": "assistant", "content": answer}, {"role": "user", "content": request}]


def describe_refusal(verdict: Verdict) -> str:
    """Say what the checker refused, line by line, with its advice."""
    return "the code was refused before it ran:\n" + list_findings(verdict)


def list_findings(verdict: Verdict) -> str:
    """One line for each thing that the checker refused, with its advice."""
    return "\n".join(f"- line {f.line}, {f.rule}: {advise(f)}" for f in verdict.findings)


def advise(finding: Finding) -> str:
    """What is wrong, and what to do instead, as sentences of their own."""
    return f"{finding.message.rstrip('.')}. {finding.fix}" if finding.fix else finding.message


def describe_missing(names: Iterable[str]) -> str:
    """Say which requested results the code did not define."""
    return "the code ran, but it never defined: " + ", ".join(names)


def _fence(source: str) -> str:
    # A fence longer than any run of backticks inside: the source is only text and must not end its own block.
    ticks = "```"
    while ticks in source:
        ticks += "`"
    return f"{ticks}python\n{source.rstrip()}\n{ticks}"
