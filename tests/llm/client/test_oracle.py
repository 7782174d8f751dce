"""Our requests and the fake server's answers, held against the API's published description."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jupyter_autocoder.llm import image
from jupyter_autocoder.testing import FakeOpenAI, Reply, ScriptedCall, fault
from jupyter_autocoder.testing.accepts import CHAT_KEYS, problems

ORACLE = Path(__file__).parents[4] / "shared" / "schemas" / "openai-chat.schema.json"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}

pytestmark = pytest.mark.skipif(not ORACLE.exists(), reason="the API's description is not beside this checkout")


@pytest.fixture(scope="module")
def oracle() -> Callable[[str], Draft202012Validator]:
    whole = json.loads(ORACLE.read_text())

    def part(name: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": whole["components"]})

    return part


def post(server: FakeOpenAI, path: str, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(
        f"{server.base_url}/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
        content: bytes = response.read()
    return content


def chunks(raw: bytes) -> list[Any]:
    lines = [line[6:] for line in raw.decode().split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


REPLIES = [
    Reply(text="Hello"),
    Reply(calls=(ScriptedCall(name="f", arguments='{"a": 1}'), ScriptedCall(name="g"))),
    Reply(text="and", calls=(ScriptedCall(name="f"),)),
    fault("length"),
    fault("content_filter"),
    fault("refusal"),
    Reply(text="No counts", usage=False),
]


@pytest.mark.parametrize("reply", REPLIES, ids=range(len(REPLIES)))
def test_fake_answers_are_what_the_api_describes(oracle: Any, reply: Reply) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}

    with FakeOpenAI(reply) as server:
        whole = json.loads(post(server, "chat/completions", body))
        streamed = chunks(
            post(server, "chat/completions", {**body, "stream": True, "stream_options": {"include_usage": True}})
        )

    assert [error.message for error in oracle("CreateChatCompletionResponse").iter_errors(whole)] == []
    for chunk in streamed:
        assert [error.message for error in oracle("CreateChatCompletionStreamResponse").iter_errors(chunk)] == []


def test_fake_embeddings_and_models_are_what_the_api_describes(oracle: Any) -> None:
    with FakeOpenAI() as server:
        embeddings = json.loads(post(server, "embeddings", {"model": "m", "input": ["a", "b"]}))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{server.base_url}/models", timeout=10) as response:
            models = json.load(response)

    assert [error.message for error in oracle("CreateEmbeddingResponse").iter_errors(embeddings)] == []
    assert [error.message for error in oracle("ListModelsResponse").iter_errors(models)] == []


@pytest.mark.parametrize(
    "name",
    ["rate_limit", "request_too_large", "quota", "overload", "model_not_found", "context_length_exceeded",
     "bad_request", "unauthorized", "forbidden"],
)  # fmt: skip
def test_fake_errors_are_what_the_api_describes(oracle: Any, name: str) -> None:
    body = json.loads(str(fault(name).body))

    assert [error.message for error in oracle("ErrorResponse").iter_errors(body)] == []


def test_our_requests_are_what_the_api_describes(oracle: Any, world: Any) -> None:
    here = world([Reply(calls=(ScriptedCall(name="f", arguments="["),)), "Hello", "Hello", "Hello"])
    parts = [{"type": "text", "text": "What?"}, image("https://example.org/a.png")]
    picture = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": parts}]

    here.stream("Hi", tools=[TOOL])
    here.complete(picture)
    here.complete("Hi", model="gpt-6-luna", tools=[TOOL])

    async def main() -> None:
        async with here.client() as client:
            await client.embed(["a", "b"])

    asyncio.run(main())

    *chats, embedding = here.server.requests
    assert len(chats) == 4
    for chat in chats:
        assert [error.message for error in oracle("CreateChatCompletionRequest").iter_errors(chat)] == []
        assert set(chat) <= _keys(oracle("CreateChatCompletionRequest").schema)
    assert [error.message for error in oracle("CreateEmbeddingRequest").iter_errors(embedding)] == []


def test_fake_servers_own_rules_know_exactly_the_apis_keys(oracle: Any) -> None:
    assert _keys(oracle("CreateChatCompletionRequest").schema) == CHAT_KEYS


@pytest.mark.parametrize(
    "change",
    [{"temprature": 1}, {"messages": []}, {"messages": "Hi"}, {"max_completion_tokens": 0}, {"n": 0},
     {"stream_options": {"include_usage": True}}, {"tools": [{"type": "function"}]},
     {"messages": [{"role": "tool", "content": "x"}]}, {"messages": [{"role": "user", "text": "x"}]}],
    ids=str,
)  # fmt: skip
def test_fake_servers_own_rules_refuse_what_the_api_refuses(change: dict[str, Any]) -> None:
    good = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}

    assert problems(good, endpoint="completions") == []
    assert problems({**good, **change}, endpoint="completions") != []


def _keys(schema: Any) -> set[str]:
    """Collect the property names of a request, through references and allOf."""
    components = schema["components"]["schemas"]

    def collect(part: Any) -> set[str]:
        found = set(part.get("properties", ()))
        for inner in part.get("allOf", ()):
            found |= collect(inner)
        if "$ref" in part:
            found |= collect(components[part["$ref"].rpartition("/")[2]])
        return found

    return collect(schema)
