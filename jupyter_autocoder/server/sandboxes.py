"""One sandbox for each conversation that runs code, kept while it is used and closed when it idles.

Everything here is called on the portal's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_autocoder.errors import SandboxDied
from jupyter_autocoder.events import Run
from jupyter_autocoder.server.services import OnOutput

# Seconds between two looks for idle sandboxes.
LOOK = 30.0
SHORTEST_LOOK = 0.1


@dataclass(kw_only=True)
class _Box:
    sandbox: Any
    used: float
    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sandboxes:
    """Opens, keeps and closes sandboxes; `make` gives an unopened one, `most` is how many live at a time."""

    def __init__(
        self, make: Callable[[], Any], *, most: int, idle: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._most = max(1, most)
        self._idle = idle
        self._clock = clock
        self._boxes: dict[str, _Box] = {}
        # Whoever opens holds this: opening takes a while, and two at once would both find room for one.
        self._opening = asyncio.Lock()
        self._freed = asyncio.Event()
        self._closed = False
        self._watch: asyncio.Task[None] | None = None

    async def run(self, conversation: str, source: str, on_output: OnOutput) -> Run:
        """Run code in the conversation's sandbox, opening one at first use; variables live on between two runs."""
        box = await self._box(conversation)
        # Counted before the wait for its turn: a box that somebody waits for is not free.
        box.users += 1
        try:
            async with box.lock:
                # Cancelled, it interrupts the code and keeps the variables; a dead kernel is replaced at the next run.
                run: Run = await box.sandbox.run(source, on_output=on_output)
        finally:
            box.users -= 1
            box.used = self._clock()
            self._freed.set()
        return run

    async def forget(self, conversation: str) -> None:
        """Close a conversation's sandbox, if it has one."""
        box = self._boxes.pop(conversation, None)
        if box is not None:
            await box.sandbox.close()
            self._freed.set()

    async def close(self) -> None:
        """Close them all; none is opened afterwards."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        for conversation in tuple(self._boxes):
            await self.forget(conversation)

    async def _box(self, conversation: str) -> _Box:
        """The conversation's box; where all that may live are at work, the first that ends makes room."""
        if conversation in self._boxes:
            return self._boxes[conversation]
        async with self._opening:
            while conversation not in self._boxes and len(self._boxes) >= self._most:
                await self._make_room()
            if conversation not in self._boxes:
                self._boxes[conversation] = await self._open()
        return self._boxes[conversation]

    async def _open(self) -> _Box:
        sandbox = self._make()
        if not self._closed:
            await sandbox.__aenter__()
        if self._closed:
            await sandbox.close()
            raise SandboxDied("the server closes its sandboxes", do="start the server again")
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._close_idle())
        return _Box(sandbox=sandbox, used=self._clock())

    async def _make_room(self) -> None:
        """Close the box that idles longest, or wait until one is free."""
        self._freed.clear()
        free = [name for name, box in self._boxes.items() if not box.users]
        if free:
            await self.forget(min(free, key=lambda name: self._boxes[name].used))
        else:
            await self._freed.wait()

    async def _close_idle(self) -> None:
        while self._boxes:
            await asyncio.sleep(min(LOOK, max(SHORTEST_LOOK, self._idle)))
            for name, box in tuple(self._boxes.items()):
                idles = not box.users and self._clock() - box.used > self._idle
                if idles and self._boxes.get(name) is box:
                    await self.forget(name)
