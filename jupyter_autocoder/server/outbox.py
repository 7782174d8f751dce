"""What waits to be sent to one browser tab: bounded, so that a slow reader costs itself and not the server."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from jupyter_autocoder.server import protocol
from jupyter_autocoder.server.protocol import ServerFrame

MAX_FRAMES = 512
MAX_CHARACTERS = 4 * 1024 * 1024
# Seconds one frame may take to leave; after that the reader is taken for gone.
PATIENCE = 60.0


class Outbox:
    """Sends frames in order; when a reader falls behind, a conversation's frames give way to one fresh snapshot.

    `send` writes one text and returns when the socket took it; `resync` is asked for a conversation's snapshot as soon
    as the reader has caught up; `hang_up` closes a socket that takes nothing any more.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        *,
        resync: Callable[[str], Awaitable[None]],
        hang_up: Callable[[], None],
    ) -> None:
        self._send = send
        self._resync = resync
        self._hang_up = hang_up
        self._waiting: deque[tuple[str, str]] = deque()
        self._size = 0
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def size(self) -> int:
        """How many characters wait."""
        return self._size

    def push(self, frame: ServerFrame) -> None:
        """Queue a frame for this reader."""
        self.push_text(str(getattr(frame, "conversation", "")), protocol.write(frame))

    def push_text(self, conversation: str, text: str) -> None:
        """Queue a frame that was already written; an empty conversation is about all of them."""
        if conversation and conversation in self._stale:
            return
        self._waiting.append((conversation, text))
        self._size += len(text)
        if len(self._waiting) > MAX_FRAMES or self._size > MAX_CHARACTERS:
            self._shed()
        self._wake.set()

    def fresh(self, conversation: str) -> None:
        """Take frames of this conversation again: its snapshot comes next."""
        self._stale.discard(conversation)

    def close(self) -> None:
        """Drop what waits and stop sending."""
        self._task.cancel()
        self._waiting.clear()
        self._size = 0

    def _shed(self) -> None:
        """Drop what waits; each conversation in it is owed a snapshot, and the frames about all of them are few."""
        self._stale |= {conversation for conversation, _ in self._waiting if conversation}
        self._waiting.clear()
        self._size = 0

    async def _run(self) -> None:
        while True:
            while self._waiting:
                _, text = self._waiting.popleft()
                self._size -= len(text)
                try:
                    await asyncio.wait_for(self._send(text), PATIENCE)
                except TimeoutError:
                    self._hang_up()
                    return
            if self._stale:
                await self._resync(next(iter(self._stale)))
                continue
            self._wake.clear()
            await self._wake.wait()
