"""Azure OpenAI by settings: its paths, its version and its way to send the key; the same answers, rows and errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.events import Completion
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.llm.providers import OpenAIProvider
from jupyter_autocoder.testing import Reply, ScriptedCall, fault
from jupyter_autocoder.testing.replies import failure

KEY = "azure-0123456789abcdef0123456789abcdef"
VERSION = "2024-10-21"
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
}
Azure = Callable[..., Any]


@pytest.fixture
def azure(world: Any) -> Azure:
    """Make a world whose settings name an Azure endpoint; `ask` runs one call of its client."""

    def make(answers: Any = "Hello", **options: Any) -> Any:
        here = world(answers, **options)
        here.settings = here.settings.replace(
            "test",
            model__azure_endpoint=here.server.base_url.removesuffix("/v1"),
            model__azure_api_version=VERSION,
            model__fallback=options.get("model__fallback", ()),
        )

        def ask(call: Callable[[GovernedClient], Any]) -> Any:
            async def main() -> Any:
                provider = OpenAIProvider(here.settings.model, environ={"AZURE_OPENAI_API_KEY": KEY})
                provider.local = False
                async with here.client(provider=provider) as client:
                    return await call(client)

            return asyncio.run(main())

        here.ask = ask
        return here

    return make


async def last_of(events: Any) -> Completion:
    *_, last = [event async for event in events]
    assert isinstance(last, Completion)
    return last


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_deployment_version_and_key_go_where_azure_wants_them(azure: Azure, streamed: bool) -> None:
    here = azure(Reply(text="Grüße", prompt_tokens=10, completion_tokens=2))

    answer = here.ask(lambda client: last_of(client.stream("Hi")) if streamed else client.complete("Hi"))

    assert (answer.text, answer.usage.input_tokens, answer.usage.estimated) == ("Grüße", 10, False)
    (sent,) = here.server.received
    assert sent.path == f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
    assert sent.headers["api-key"] == KEY
    assert "authorization" not in sent.headers
    (row,) = here.ledger()
    assert (row["model"], row["total_tokens"], row["outcome"]) == ("gpt-4o", 12, "stop")
    assert KEY not in str(row)


def test_chunks_that_carry_only_azures_filter_results_are_no_answer_and_no_error(azure: Azure) -> None:
    def chunk(choices: list[Any], **more: Any) -> str:
        whole = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": choices}
        return f"data: {json.dumps({**whole, **more})}\n\n"

    filtered = {"index": 0, "finish_reason": None, "delta": {}, "content_filter_results": {"hate": {"filtered": False}}}
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    body = (
        chunk([], id="", model="", prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}])
        + chunk([{"index": 0, "delta": {"role": "assistant", "content": "Hello"}, "finish_reason": None}])
        + chunk([filtered])
        + chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        + chunk([], usage=usage)
        + "data: [DONE]\n\n"
    )
    here = azure(Reply(content_type="text/event-stream", body=body))

    answer = here.ask(lambda client: last_of(client.stream("Hi")))

    assert (answer.text, answer.usage.total_tokens, answer.usage.estimated) == ("Hello", 10, False)


def test_tool_calls_are_checked_against_their_schema(azure: Azure) -> None:
    here = azure([Reply(calls=(ScriptedCall(name="add", arguments=value),)) for value in ('{"n": "x"}', '{"n": 3}')])

    answer = here.ask(lambda client: client.complete("Add", tools=[TOOL]))

    assert [call.arguments for call in answer.tool_calls] == [{"n": 3}]
    assert len(here.ledger()) == 2


def test_embeddings_use_their_own_deployment(azure: Azure) -> None:
    here = azure()

    found = here.ask(lambda client: client.embed(["one", "two"]))

    assert len(found.vectors) == 2
    (sent,) = here.server.received
    assert sent.path == f"/openai/deployments/text-embedding-3-small/embeddings?api-version={VERSION}"


@pytest.mark.parametrize(
    ("answer", "error", "outcome"),
    [
        # Azure's own words, where they differ from OpenAI's.
        (failure(404, "The API deployment for this resource does not exist.", code="DeploymentNotFound"),
         errors.ModelGone, "model gone"),
        (failure(401, "Access denied due to invalid subscription key.", code="401"), errors.KeyRefused, "key refused"),
        (failure(400, "The response was filtered due to the prompt.", code="content_filter"),
         errors.RequestRefused, "bad request"),
        (failure(429, "You exceeded your current quota.", code="insufficient_quota"),
         errors.QuotaExhausted, "quota exhausted"),
        (fault("stall"), errors.ServerUnreachable, "no answer"),
    ],
)  # fmt: skip
def test_errors_are_told_apart_and_none_names_the_key(
    azure: Azure, answer: Any, error: type[errors.AutocoderError], outcome: str
) -> None:
    here = azure(answer, model__first_byte_timeout=0.2)

    with pytest.raises(error) as raised:
        here.ask(lambda client: client.complete("Hi"))

    assert {row["outcome"] for row in here.ledger()} == {outcome}
    assert KEY not in repr(raised.value) + str(raised.value)


def test_a_rate_limit_in_azures_words_is_waited_for(azure: Azure, waits_of: Callable[[list[Any]], list[Any]]) -> None:
    said = "Requests have exceeded call rate limit of your current tier. Please retry after 7 seconds."
    here = azure([failure(429, said, code="429", headers={"retry-after": "7"}), "Hello"])

    async def events_of(client: GovernedClient) -> list[Any]:
        return [event async for event in client.stream("Hi")]

    events = here.ask(events_of)

    assert events[-1].text == "Hello"
    assert waits_of(events)[0].seconds == pytest.approx(7, abs=1)
    assert [row["outcome"] for row in here.ledger()] == ["rate limit", "stop"]


def test_a_deployment_that_is_missing_leads_to_the_next_one(azure: Azure) -> None:
    missing = failure(404, "The API deployment for this resource does not exist.", code="DeploymentNotFound")
    here = azure([missing, "Hello"], model__fallback=("mine-turbo",))

    answer = here.ask(lambda client: client.complete("Hi"))

    assert answer.text == "Hello"
    assert any("gpt-4o" in note for note in answer.notes)
    assert [sent.path.split("/")[3] for sent in here.server.received] == ["gpt-4o", "mine-turbo"]
