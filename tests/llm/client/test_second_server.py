"""The happy paths against a server that others wrote: ``@copilotkit/aimock``, installed where ``AIMOCK_HOME`` says.

npm install --prefix DIR @copilotkit/aimock && AIMOCK_HOME=DIR python -m pytest tests/llm/client/test_second_server.py
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.events import TextDelta
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

HOME = Path(os.environ.get("AIMOCK_HOME", "/nowhere")) / "node_modules" / "@copilotkit" / "aimock"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
SCRIPT = """
import { LLMock } from "@copilotkit/aimock";
const mock = new LLMock({ port: 0 });
mock.onMessage("hello", { content: "Grüße, 世界" });
mock.onMessage("weather", { toolCalls: [{ name: "weather", arguments: { city: "Rom" } }] });
mock.onEmbedding("embed me", { embedding: [0.5, 0.25] });
await mock.start();
console.log(mock.url);
process.stdin.on("end", () => process.exit(0)).resume();
"""

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not HOME.exists() or shutil.which("node") is None, reason="AIMOCK_HOME names no installed @copilotkit/aimock"
    ),
]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = ["node", "--input-type=module", "--eval", SCRIPT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOME.parents[2]
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip() + "/v1"
        finally:
            process.kill()


@pytest.fixture
def ask(base_url: str, tmp_path: Path) -> Any:
    store = Store(str(tmp_path / "store.db"))

    def run(work: Any) -> Any:
        async def main() -> Any:
            settings = Settings().replace("test", model__base_url=base_url)
            async with GovernedClient(settings, store=store) as client:
                return await work(client)

        return asyncio.run(main())

    yield run
    store.close()


def test_whole_answer(ask: Any) -> None:
    answer = ask(lambda client: client.complete("say hello"))

    assert answer.text == "Grüße, 世界"
    assert answer.finish_reason == "stop"


def test_streamed_answer(ask: Any) -> None:
    async def stream(client: GovernedClient) -> list[Any]:
        return [event async for event in client.stream("say hello")]

    events = ask(stream)

    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Grüße, 世界"
    assert events[-1].text == "Grüße, 世界"
    assert not events[-1].usage.estimated


@pytest.mark.parametrize("streamed", [True, False])
def test_tool_call(ask: Any, streamed: bool) -> None:
    async def call(client: GovernedClient) -> Any:
        if streamed:
            return [event async for event in client.stream("the weather", tools=[TOOL])][-1]
        return await client.complete("the weather", tools=[TOOL])

    answer = ask(call)

    assert [(one.name, one.arguments) for one in answer.tool_calls] == [("weather", {"city": "Rom"})]


def test_embedding(ask: Any) -> None:
    answer = ask(lambda client: client.embed("embed me"))

    assert answer.vectors == ((0.5, 0.25),)
