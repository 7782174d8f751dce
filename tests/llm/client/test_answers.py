"""What a good answer becomes: text, tool calls, vectors, and exact rows in the ledger."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.events import Completion, Progress, TextDelta
from jupyter_autocoder.llm import GovernedClient, SyncClient, image
from jupyter_autocoder.store import Store
from jupyter_autocoder.testing import FakeOpenAI, Reply, ScriptedCall, fault

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"]}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
GOOD_CALL = ScriptedCall(name="weather", arguments='{"city": "Köln", "days": 3}')


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_answer_usage_and_ledger_agree_with_the_servers_counts(world: Any, streamed: bool) -> None:
    here = world(Reply(text="Grüße, 世界 👋", prompt_tokens=1000, completion_tokens=200, cached_tokens=400))

    answer = here.ask(streamed=streamed)

    assert answer.text == "Grüße, 世界 👋"
    assert (answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens) == (1000, 400, 200)
    # gpt-4o: $2.50 for a million new input tokens, $1.25 cached, $10 output.
    assert answer.usage.cost == 600 * 2.5 + 400 * 1.25 + 200 * 10
    assert not answer.usage.estimated
    (row,) = here.ledger()
    assert (row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["total_tokens"]) == (
        1000,
        400,
        200,
        1200,
    )
    assert (row["cost"], row["estimated"], row["face"], row["outcome"]) == (answer.usage.cost, 0, "script", "stop")


def test_stream_gives_its_text_in_pieces_and_the_completion_last(world: Any) -> None:
    here = world(Reply(text="one two three four", chunk=4))

    events = here.stream()

    assert [event.text for event in events if isinstance(event, TextDelta)] == ["one ", "two ", "thre", "e fo", "ur"]
    assert isinstance(events[-1], Completion)
    assert [type(event) for event in events].count(Completion) == 1
    assert isinstance(events[0], Progress)


def test_requests_say_what_is_needed_and_nothing_else(world: Any) -> None:
    here = world("Hello")

    here.stream("Hi", max_output_tokens=99)
    here.complete("Hi")

    streamed, whole = here.server.requests
    hi = [{"role": "user", "content": "Hi"}]
    assert streamed == {
        "model": "gpt-4o",
        "messages": hi,
        "max_completion_tokens": 99,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert whole == {"model": "gpt-4o", "messages": hi, "max_completion_tokens": 4096}
    assert here.server.problems == []


def test_answers_limit_is_no_more_than_the_model_can_give(world: Any) -> None:
    here = world("Hello", model__max_output_tokens=50_000)

    here.complete(model="gpt-4o")

    assert here.server.requests[0]["max_completion_tokens"] == 16_384


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_tool_calls_come_back_checked(world: Any, streamed: bool) -> None:
    here = world(Reply(calls=(GOOD_CALL, ScriptedCall(name="weather", arguments='{"city": "Rom", "days": null}'))))

    answer = here.ask(streamed=streamed, tools=[WEATHER])

    assert [(call.name, call.arguments) for call in answer.tool_calls] == [
        ("weather", {"city": "Köln", "days": 3}),
        ("weather", {"city": "Rom", "days": None}),
    ]
    assert answer.finish_reason == "tool_calls"
    assert here.server.requests[0]["tools"] == [WEATHER]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "arguments",
    ['{"city": "Köln", "days"', '{"city": 7, "days": 1}', '{"city": "Köln"}', "[]", '{"city": "K", "days": NaN}'],
)
def test_malformed_arguments_are_asked_for_once_more(world: Any, arguments: str, streamed: bool) -> None:
    bad = Reply(calls=(ScriptedCall(name="weather", arguments=arguments),))
    here = world([bad, Reply(calls=(GOOD_CALL,))])

    answer = here.ask(streamed=streamed, tools=[WEATHER])

    assert answer.tool_calls[0].arguments == {"city": "Köln", "days": 3}
    assert any("once more" in note for note in answer.notes)
    assert answer.usage.requests == 2
    assert [row["outcome"] for row in here.ledger()] == ["tool_calls", "tool_calls"]
    roles = [message["role"] for message in here.server.requests[1]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert here.server.problems == []


def test_arguments_malformed_twice_are_an_error_that_tells_what_was_spent(world: Any) -> None:
    here = world(lambda body: Reply(calls=(ScriptedCall(name="weather", arguments='{"city": 7, "days": 1}'),)))

    with pytest.raises(errors.ToolArgumentsError) as caught:
        here.complete(tools=[WEATHER])

    assert (caught.value.tool, caught.value.path) == ("weather", "/city")
    assert caught.value.usage.requests == len(here.server.requests) == len(here.ledger()) == 2


def test_unknown_tool_is_asked_for_once_more(world: Any) -> None:
    here = world([Reply(calls=(ScriptedCall(name="rm"),)), Reply(text="Sorry")])

    answer = here.complete(tools=[WEATHER])

    assert (answer.text, answer.tool_calls) == ("Sorry", ())


def test_call_cut_off_by_the_length_limit_is_no_call(world: Any) -> None:
    here = world(Reply(calls=(ScriptedCall(name="weather", arguments='{"ci'),), finish_reason="length"))

    answer = here.complete(tools=[WEATHER])

    assert (answer.finish_reason, answer.tool_calls) == ("length", ())
    assert len(here.server.requests) == 1


def test_bad_tool_schema_is_refused_before_anything_is_reserved_or_sent(world: Any) -> None:
    here = world("never")
    wrong = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "propertys": {}}}}

    with pytest.raises(errors.ToolSchemaError) as caught:
        here.complete(tools=[wrong])

    assert caught.value.path == "/0/function/parameters/propertys"
    assert here.server.requests == []
    assert here.ledger() == []


def test_tools_tell_reasoning_models_not_to_reason(world: Any) -> None:
    here = world("Hello")

    here.complete(model="gpt-6-luna", tools=[WEATHER])
    here.complete(model="gpt-6-luna")

    assert here.server.requests[0]["reasoning_effort"] == "none"
    assert "reasoning_effort" not in here.server.requests[1]


def test_picture_goes_to_a_model_that_takes_it(world: Any) -> None:
    here = world("A red dot")
    ask = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image(b"\x89PNG....")]}]

    answer = here.complete(ask, model="gpt-3.5-turbo")

    assert answer.model == "gpt-4-turbo"
    assert any("gpt-3.5-turbo" in note and "images" in note for note in answer.notes)
    assert here.server.requests[0]["messages"] == ask
    assert here.server.problems == []


@pytest.mark.parametrize(
    "messages",
    ["", "  \n", [], [{"content": "no role"}], [{"role": "robot", "content": "x"}], ["text"],
     [{"role": "user", "content": {1, 2}}], [{"role": "user", "content": float("nan")}]],
    ids=repr,
)  # fmt: skip
def test_messages_that_are_none_are_refused_before_anything_is_sent(world: Any, messages: Any) -> None:
    here = world("never")

    with pytest.raises(errors.UsageError):
        here.complete(messages)

    assert here.server.requests == []


@pytest.mark.parametrize("room", [0, -1, True, 2.5, 10**20])
def test_senseless_output_limit_is_refused(world: Any, room: Any) -> None:
    with pytest.raises(errors.UsageError):
        world().complete(max_output_tokens=room)


def test_half_characters_are_replaced_since_they_cannot_be_sent(world: Any) -> None:
    here = world("ok")

    here.complete("broken \ud83d text, whole \U0001f600 one")

    assert here.server.requests[0]["messages"][0]["content"] == "broken � text, whole \U0001f600 one"


def test_embeddings_come_in_order_over_several_requests(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.llm.embedding.MOST_TEXTS", 2)
    here = world()
    texts = ["one", "two", "three", "one", "five"]

    async def main() -> Any:
        async with here.client() as client:
            return await client.embed(texts), await client.embed("two"), await client.embed([])

    many, single, none = asyncio.run(main())

    assert len(many.vectors) == 5
    assert many.vectors[0] == many.vectors[3] != many.vectors[1]
    assert single.vectors == (many.vectors[1],)
    assert none.vectors == ()
    assert [len(request["input"]) for request in here.server.requests] == [2, 2, 1, 1]
    assert [row["model"] for row in here.ledger()] == ["text-embedding-3-small"] * 4
    assert many.usage.requests == 3
    assert many.usage.cost is not None
    assert here.server.problems == []


def test_waits_of_an_embedding_are_announced_as_well(world: Any, waits_of: Any) -> None:
    here = world(limits__requests_per_minute=1, limits__requests_per_day=100)
    seen: list[Progress] = []

    async def main() -> None:
        async with here.client() as client:
            for text in ("one", "two"):
                await client.embed(text, on_progress=seen.append)

    asyncio.run(main())

    waits = waits_of(seen)
    assert len(waits) >= 60
    assert "1 request per minute" in waits[0].text


def test_embedding_retries_and_never_falls_back(world: Any) -> None:
    here = world(embeddings=[fault("overload"), Reply(), fault("quota")])

    async def main() -> None:
        async with here.client() as client:
            assert len((await client.embed("one")).vectors) == 1
            with pytest.raises(errors.QuotaExhausted):
                await client.embed("two")

    asyncio.run(main())

    assert set(here.models_asked) == {"text-embedding-3-small"}
    assert [row["outcome"] for row in here.ledger()] == ["overload", "stop", "quota exhausted"]


@pytest.mark.parametrize("texts", [["a", ""], [" "], ["a", 7]])
def test_text_that_cannot_be_embedded_is_refused(world: Any, texts: Any) -> None:
    here = world()

    async def main() -> None:
        async with here.client() as client:
            with pytest.raises(errors.UsageError):
                await client.embed(texts)

    asyncio.run(main())

    assert here.server.requests == []


def test_local_server_is_told_the_limit_in_both_words_and_costs_nothing(world: Any) -> None:
    here = world("Hello", local=True, model__name="llama3.2")

    answers = [here.complete() for _ in range(5)]

    assert here.server.requests[0]["max_tokens"] == here.server.requests[0]["max_completion_tokens"] == 4096
    assert answers[-1].usage.cost == 0
    assert {row["cost"] for row in here.ledger()} == {0}


def test_sync_client_completes_streams_and_embeds(world: Any) -> None:
    here = world("Hello")

    with SyncClient(here.settings, store=here.store) as client:
        whole = client.complete("Hi")
        streamed = list(client.stream("Hi"))
        vectors = client.embed(["a"]).vectors
        for event in client.stream("Hi"):
            if isinstance(event, TextDelta):
                break

    assert whole.text == streamed[-1].text == "Hello"
    assert len(vectors) == 1
    assert here.open_reservations() == 0


def test_sync_client_works_inside_a_running_loop(world: Any) -> None:
    here = world("Hello")

    async def cell() -> str:
        with SyncClient(here.settings, store=here.store) as client:
            return client.complete("Hi").text

    assert asyncio.run(cell()) == "Hello"


def test_client_finds_server_and_key_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with FakeOpenAI("Hello", api_key="sk-from-the-environment") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
        store = Store(str(tmp_path / "s.db"))

        async def main() -> str:
            async with GovernedClient(store=store) as client:
                return (await client.complete("Hi")).text

        text = asyncio.run(main())
        store.close()

    assert text == "Hello"


def test_one_client_serves_many_questions_at_once(world: Any) -> None:
    here = world(lambda body: Reply(text=body["messages"][0]["content"], pause=0.01, chunk=2))

    async def main() -> list[str]:
        async with here.client() as client:
            answers = await asyncio.gather(*(client.complete(f"question {n}") for n in range(20)))
            return [answer.text for answer in answers]

    assert asyncio.run(main()) == [f"question {n}" for n in range(20)]
    assert len(here.ledger()) == 20
