"""What the governed client adds to the bare SDK, against a server on loopback; one table, no files left behind.

python benchmarks/bench_client.py [--calls N] [--chunks N]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from jupyter_autocoder.events import TextDelta
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.llm.providers import OpenAIProvider
from jupyter_autocoder.settings import ModelSettings, Settings
from jupyter_autocoder.store import Store
from jupyter_autocoder.testing import FakeOpenAI, Reply

MESSAGES = [{"role": "user", "content": "Plot the closing price of ABC by month. " * 20}]


def milliseconds(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered) * 1e3:8.2f} {ordered[int(len(ordered) * 0.9)] * 1e3:8.2f}"


async def time_calls(client: GovernedClient, sdk: object, calls: int) -> tuple[list[float], list[float]]:
    """Time whole answers, ours and the SDK's in turn, so that the machine's moods hit both."""
    ours, bare = [], []
    for _ in range(calls):
        began = time.perf_counter()
        await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES, max_completion_tokens=100)  # type: ignore[attr-defined]
        bare.append(time.perf_counter() - began)
        began = time.perf_counter()
        await client.complete(MESSAGES)
        ours.append(time.perf_counter() - began)
    return ours, bare


async def spend_cpu(client: GovernedClient, sdk: object, calls: int) -> tuple[float, float]:
    """Give the processor's seconds a call, ours and the SDK's, the server's part included in both."""
    began = time.process_time()
    for _ in range(calls):
        await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES, max_completion_tokens=100)  # type: ignore[attr-defined]
    middle = time.process_time()
    for _ in range(calls):
        await client.complete(MESSAGES)
    return (time.process_time() - middle) / calls, (middle - began) / calls


async def time_stream(client: GovernedClient, sdk: object) -> tuple[float, float]:
    """Time one whole stream, ours and the SDK's."""
    began = time.perf_counter()
    stream = await sdk.chat.completions.create(  # type: ignore[attr-defined]
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    async for _ in stream:
        pass
    bare = time.perf_counter() - began
    began = time.perf_counter()
    async for _ in client.stream(MESSAGES):
        pass
    return time.perf_counter() - began, bare


async def time_first_text(client: GovernedClient, sent: list[float]) -> float:
    """Time from the moment the server hands the first text to its socket until the caller has it."""
    sent.clear()
    first = 0.0
    async for event in client.stream(MESSAGES):
        if isinstance(event, TextDelta) and not first:
            first = time.perf_counter()
    return first - sent[0]


class Stamped(str):
    """A text that notes when it is cut into pieces: the instant before the first one is sent."""

    sent: list[float]

    def __getitem__(self, key: object) -> str:
        if not self.sent:
            self.sent.append(time.perf_counter())
        return super().__getitem__(key)  # type: ignore[index]


async def run(calls: int, chunks: int) -> None:
    sent: list[float] = []
    stamped = Stamped("x" * 64)
    stamped.sent = sent
    answers = {
        "whole": Reply(text="Hello"),
        "chunks": Reply(text="word " * chunks, chunk=5),
        "first": Reply(text=stamped),
    }
    mode = "whole"
    with FakeOpenAI(lambda body: answers[mode]) as server, tempfile.TemporaryDirectory() as folder:
        settings = Settings().replace("benchmark", model__base_url=server.base_url)
        sdk = OpenAIProvider(ModelSettings(base_url=server.base_url), environ={}).connect(timeout=30.0)
        store = Store(f"{folder}/store.db")
        async with GovernedClient(settings, store=store) as client:
            await time_calls(client, sdk, 5)
            ours, bare = await time_calls(client, sdk, calls)
            our_cpu, bare_cpu = await spend_cpu(client, sdk, calls)
            mode = "chunks"
            pairs = [await time_stream(client, sdk) for _ in range(5)]
            mode = "first"
            firsts = [await time_first_text(client, sent) for _ in range(calls)]
        await sdk.close()
        store.close()
    over = [(a - b) / chunks * 1e3 for a, b in pairs]
    added = statistics.median(ours) - statistics.median(bare)
    print(f"{'ms':34} {'median':>8} {'p90':>8}   goal")
    print(f"{'whole answer, bare SDK':34} {milliseconds(bare)}")
    print(f"{'whole answer, governed':34} {milliseconds(ours)}")
    print(f"{'  added':34} {added * 1e3:8.2f} {'':8}   < 5")
    print(f"{'  added, of processor time alone':34} {(our_cpu - bare_cpu) * 1e3:8.2f}")
    print(f"{f'stream of {chunks} chunks, bare SDK':34} {milliseconds([b for _, b in pairs])}")
    print(f"{f'stream of {chunks} chunks, governed':34} {milliseconds([a for a, _ in pairs])}")
    print(f"{'  added per chunk':34} {statistics.median(over):8.4f} {'':8}   < 0.1")
    print(f"{'first text, from socket to caller':34} {milliseconds(firsts)}   < 10")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--chunks", type=int, default=2000)
    options = parser.parse_args()
    asyncio.run(run(options.calls, options.chunks))
