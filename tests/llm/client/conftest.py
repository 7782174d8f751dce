"""A small world for the governed client: a server on a socket, a store in a folder, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.events import Completion, Progress, TextDelta
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.llm.providers import OpenAIProvider
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store
from jupyter_autocoder.testing import FakeOpenAI, FrozenClock

KEY = "sk-test-0123456789abcdefghijklmnop"
CHAIN = ("gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna")


class World:
    """Everything one test needs; by default the server counts as remote, with all limits out of the way.

    The clock stands in November 2023, when every model of the default chain was alive; waits only move it.
    """

    def __init__(self, folder: Path, stack: ExitStack, answers: Any, **options: Any) -> None:
        server = {key: options.pop(key) for key in ("embeddings", "api_key", "validate") if key in options}
        self.server = stack.enter_context(FakeOpenAI(answers, **{"validate": True, **server}))
        self.local: bool = options.pop("local", False)
        self.clock: FrozenClock = options.pop("clock", None) or FrozenClock()
        self.store = Store(str(folder / "store.db"), clock=self.clock)
        stack.callback(self.store.close)
        free = {} if self.local else {"limits__requests_per_minute": 1000, "limits__tokens_per_minute": 10_000_000}
        self.settings = Settings().replace("test", **{"model__base_url": self.server.base_url, **free, **options})

    def client(self, **options: Any) -> GovernedClient:
        provider = OpenAIProvider(self.settings.model, environ={"OPENAI_API_KEY": KEY})
        provider.local = self.local
        provider.dated = not self.local  # it stands for OpenAI's own
        given = {"timer": self.clock, "clock": self.clock, "sleep": self.clock.sleep, "provider": provider}
        return GovernedClient(self.settings, store=self.store, **{**given, **options})

    def complete(self, messages: Any = "Hi", **options: Any) -> Completion:
        async def main() -> Completion:
            async with self.client() as client:
                return await client.complete(messages, **options)

        return asyncio.run(main())

    def stream(self, messages: Any = "Hi", **options: Any) -> list[Any]:
        events: list[Any] = []

        async def main() -> None:
            async with self.client() as client:
                async for event in client.stream(messages, **options):
                    events.append(event)

        self.events = events
        asyncio.run(main())
        return events

    def ask(self, *, streamed: bool, **options: Any) -> Completion:
        if streamed:
            last = self.stream(**options)[-1]
            assert isinstance(last, Completion)
            return last
        return self.complete(**options)

    @property
    def models_asked(self) -> list[str]:
        return [request["model"] for request in self.server.requests]

    def ledger(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return [dict(row) for row in tx.rows("SELECT * FROM ledger ORDER BY reserved_at, id")]

    def open_reservations(self) -> int:
        with self.store.read() as tx:
            return len(tx.rows("SELECT id FROM reservations WHERE state = 'open'"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    with ExitStack() as stack:
        yield lambda answers="Hello", **options: World(tmp_path, stack, answers, **options)


@pytest.fixture(autouse=True)
def _no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def texts_of() -> Callable[[list[Any]], str]:
    return lambda events: "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.fixture
def waits_of() -> Callable[[list[Any]], list[Progress]]:
    return lambda events: [e for e in events if isinstance(e, Progress) and e.stage == "waiting"]
