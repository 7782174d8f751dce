"""What the model is told, and what is left out when it does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from jupyter_autocoder.agent.prompt import Context, Step, describe_refusal, fit, messages, repair
from jupyter_autocoder.events import Finding, Prompt, Variable, Verdict

PRICES = Variable(name="prices", type="DataFrame[close: float64]", summary="2.1M rows", sample="close\n1.5")


def words(conversation: Sequence[dict[str, Any]]) -> int:
    return sum(len(message["content"].split()) for message in conversation)


def test_names_types_files_results_and_checks_are_told() -> None:
    prompt = Prompt(text="Sum.", inputs=(PRICES,), outputs=("total",), files=("a.csv",), checks="assert total\n")

    request = messages(prompt, Context())[-1]["content"]

    assert "- prices: DataFrame[close: float64] (2.1M rows)\nclose\n1.5" in request
    assert "a.csv" in request
    assert "Define these variables: total" in request
    assert "```python\nassert total\n```" in request


def test_the_modules_that_may_be_imported_are_told() -> None:
    assert "numpy, pandas" in messages(Prompt(text="x"), Context(modules=["numpy", "pandas"]))[0]["content"]


def test_a_source_with_fences_inside_cannot_end_its_own_block() -> None:
    step = Step(text="p", source='x = """\n```\n"""\n')

    told = messages(Prompt(text="x"), Context(steps=(step,)))[2]["content"]

    assert told.startswith("````python\n")
    assert told.endswith("\n````")


@pytest.mark.parametrize(
    ("room", "steps", "sample"), [(None, 3, True), (10_000, 3, True), (260, 1, True), (1, 0, False)]
)
def test_the_oldest_steps_go_first_then_the_samples(room: int | None, steps: int, sample: bool) -> None:
    long = "word " * 100
    context = Context(steps=tuple(Step(text=f"{number} {long}", source="x\n") for number in range(3)))

    prompt, kept, note = fit(Prompt(text="x", inputs=(PRICES,)), context, count=words, room=room)

    assert len(kept.steps) == steps
    assert bool(prompt.inputs[0].sample) is sample
    assert bool(note) is (steps < 3)
    assert all(step.text.startswith(str(3 - steps + index)) for index, step in enumerate(kept.steps))


def test_a_problem_goes_back_behind_the_answer() -> None:
    verdict = Verdict(
        findings=(Finding(rule="imports", line=2, column=0, message="os is refused", fix="Use pathlib."),)
    )

    turns = repair("the answer", describe_refusal(verdict))

    assert [turn["role"] for turn in turns] == ["assistant", "user"]
    assert "- line 2, imports: os is refused. Use pathlib." in turns[1]["content"]
