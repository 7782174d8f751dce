"""Streams that end well even when nobody ends them.

A loop that is left by ``break`` or an exception drops its iterator without closing it, and Python then closes the
generators inside one another in any order, or never when the loop is over. Here an iterator that is dropped has its
generators closed as one, and closing the client closes what is still open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Self

from jupyter_autocoder.events import Completion, Progress, TextDelta

Event = TextDelta | Progress | Completion
Events = AsyncGenerator[Event, None]


class Streams:
    """The streams of one client that have begun and not ended."""

    def __init__(self) -> None:
        # Held strongly: what Python does with a forgotten generator is what this file is there to avoid.
        self._open: dict[int, Events] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def begin(self, events: Events) -> None:
        self._open[id(events)] = events

    def end(self, events: Events) -> None:
        self._open.pop(id(events), None)

    def abandon(self, events: Events) -> None:
        """Close a dropped stream as soon as the loop gets to it."""
        if id(events) not in self._open:
            return
        with contextlib.suppress(RuntimeError):  # No loop runs any more: closing the client, or the lease, settles it.
            task = asyncio.get_running_loop().create_task(self._close(events))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close every stream; one that another task is reading at this moment is that task's to end."""
        for events in list(self._open.values()):
            await self._close(events)
        await asyncio.gather(*self._closing)

    async def _close(self, events: Events) -> None:
        self.end(events)
        with contextlib.suppress(RuntimeError):
            await events.aclose()


class AnswerStream:
    """The events of one answer; leave the loop over it when you like."""

    def __init__(self, events: Events, streams: Streams) -> None:
        self._events = events
        self._streams = streams

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        self._streams.begin(self._events)
        try:
            return await self._events.__anext__()
        except BaseException:
            self._streams.end(self._events)
            raise

    async def aclose(self) -> None:
        """Stop the request at the provider and settle what came."""
        self._streams.end(self._events)
        await self._events.aclose()

    def __del__(self) -> None:
        self._streams.abandon(self._events)
