"""The clock that stands still and the model that answers from a script."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from jupyter_autocoder.events import Completion, TextDelta
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.testing import FrozenClock, ScriptedModel
from jupyter_autocoder.testing.doubles import call


def test_clock_moves_only_when_told() -> None:
    clock = FrozenClock(100.0)

    asyncio.run(clock.sleep(5))
    clock.advance(-2)

    assert (clock(), clock.slept) == (103.0, [5])


def test_scripted_model_completes_and_streams() -> None:
    model = ScriptedModel(["first", "second answer, longer"], chunk=7)

    async def main() -> tuple[Completion, list[Any]]:
        async with model:
            return await model.complete("one"), [event async for event in model.stream("two")]

    whole, events = asyncio.run(main())

    assert whole.text == "first"
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "second answer, longer"
    assert events[-1].text == "second answer, longer"
    assert model.asked == [[{"role": "user", "content": "one"}], [{"role": "user", "content": "two"}]]


def test_script_may_raise_call_tools_and_look_at_the_messages() -> None:
    model = ScriptedModel([RuntimeError("no"), call("weather", city="Rom"), lambda messages: messages[-1]["content"]])

    async def main() -> tuple[Completion, Completion]:
        with pytest.raises(RuntimeError):
            await model.complete("x")
        return await model.complete("y"), await model.complete("echo")

    tool, echo = asyncio.run(main())

    assert tool.tool_calls[0].arguments == {"city": "Rom"}
    assert echo.text == "echo"


def test_call_too_many_is_an_error() -> None:
    with pytest.raises(LookupError):
        asyncio.run(ScriptedModel([]).complete("x"))


def test_scripted_vectors_are_stable() -> None:
    first = asyncio.run(ScriptedModel().embed(["a", "b"])).vectors

    assert first == asyncio.run(ScriptedModel().embed(["a", "b"])).vectors
    assert first[0] != first[1]


@pytest.mark.parametrize("name", ["complete", "stream", "embed", "aclose", "__aenter__", "__aexit__"])
def test_scripted_model_takes_what_the_governed_client_takes(name: str) -> None:
    real = inspect.signature(getattr(GovernedClient, name)).parameters
    fake = inspect.signature(getattr(ScriptedModel, name)).parameters

    assert [(p.name, p.kind, p.default) for p in fake.values()] == [(p.name, p.kind, p.default) for p in real.values()]
