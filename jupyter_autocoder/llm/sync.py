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
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from jupyter_autocoder.llm.client import GovernedClient
from jupyter_autocoder.llm.streams import AnswerStream, Event

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[GovernedClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncClient, P], T]:
    """Make the same call that returns its result."""

    @functools.wraps(method)
    def call(self: SyncClient, /, *arguments: P.args, **options: P.kwargs) -> T:
        return self.wait_for(method(self.client, *arguments, **options))

    return call


def _blocking_stream(
    method: Callable[Concatenate[GovernedClient, P], AnswerStream],
) -> Callable[Concatenate[SyncClient, P], Iterator[Event]]:
    """Make the same call that gives its events one by one; leaving the loop early stops the request."""

    @functools.wraps(method)
    def call(self: SyncClient, /, *arguments: P.args, **options: P.kwargs) -> Iterator[Event]:
        events = method(self.client, *arguments, **options)
        try:
            while (event := self.wait_for(_next(events))) is not None:
                yield event
        finally:
            self.wait_for(events.aclose())

    return call


async def _next(events: AnswerStream) -> Event | None:
    return await anext(events, None)


class SyncClient:
    """Takes what `GovernedClient` takes, whose calls these are; an interrupt (Ctrl-C) stops the request as well.

    `on_progress` is called on the client's own thread.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.client = GovernedClient(*arguments, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="autocoder-client", daemon=True)
        self._thread.start()

    complete = _blocking(GovernedClient.complete)
    stream = _blocking_stream(GovernedClient.stream)
    embed = _blocking(GovernedClient.embed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread; may be called twice."""
        if self._loop.is_closed():
            return
        self.wait_for(self.client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the client's loop and give its result; whatever interrupts the wait cancels the work."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise
