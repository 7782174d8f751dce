"""The governed client for scripts: the same calls, blocking.

::

    with SyncClient() as client:
        print(client.complete("Say hello").text)
        for event in client.stream("Count to ten"):
            ...

It runs an event loop on a thread of its own, so it works inside a notebook's running loop as well.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Self, TypeVar

from jupyter_autocoder.events import Completion, Embeddings, Progress
from jupyter_autocoder.llm.client import GovernedClient, Messages, Tools
from jupyter_autocoder.llm.streams import AnswerStream, Event

T = TypeVar("T")


class SyncClient:
    """Takes what `GovernedClient` takes; an interrupt (Ctrl-C) stops the request at the provider as well."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._client = GovernedClient(*arguments, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="autocoder-client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread; may be called twice."""
        if self._loop.is_closed():
            return
        self._run(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def complete(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Tools | None = None,
        max_output_tokens: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Completion:
        """Ask and give the whole answer; `on_progress` is called on the client's thread."""
        return self._run(
            self._client.complete(
                messages, model=model, tools=tools, max_output_tokens=max_output_tokens, on_progress=on_progress
            )
        )

    def stream(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Tools | None = None,
        max_output_tokens: int | None = None,
    ) -> Iterator[Event]:
        """Ask and give the answer as it comes; leaving the loop early stops the request."""
        events = self._client.stream(messages, model=model, tools=tools, max_output_tokens=max_output_tokens)
        try:
            while (event := self._run(_next(events))) is not None:
                yield event
        finally:
            self._run(events.aclose())

    def embed(self, texts: str | Sequence[str], *, model: str | None = None) -> Embeddings:
        """Give one vector for each text, in their order."""
        return self._run(self._client.embed(texts, model=model))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


async def _next(events: AnswerStream) -> Event | None:
    return await anext(events, None)
