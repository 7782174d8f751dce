"""One sandbox for each conversation that runs code, kept while it is used and closed when it idles.

Everything here is called on the portal's loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_autocoder.events import Run
from jupyter_autocoder.server.services import OnOutput

# Seconds between two looks for idle sandboxes.
LOOK = 30.0


@dataclass(kw_only=True)
class _Box:
    sandbox: Any
    used: float
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
        self._watch: asyncio.Task[None] | None = None

    async def run(self, conversation: str, source: str, on_output: OnOutput) -> Run:
        """Run code in the conversation's sandbox, opening one at first use; variables live on between two runs."""
        box = await self._box(conversation)
        async with box.lock:
            box.used = self._clock()
            try:
                # Cancelled, it interrupts the code and keeps the variables; a dead kernel is replaced at the next run.
                run: Run = await box.sandbox.run(source, on_output=on_output)
            finally:
                box.used = self._clock()
        return run

    async def forget(self, conversation: str) -> None:
        """Close a conversation's sandbox, if it has one."""
        box = self._boxes.pop(conversation, None)
        if box is not None:
            await box.sandbox.close()

    async def close(self) -> None:
        """Close them all."""
        if self._watch is not None:
            self._watch.cancel()
        for conversation in tuple(self._boxes):
            await self.forget(conversation)

    async def _box(self, conversation: str) -> _Box:
        if conversation not in self._boxes:
            while len(self._boxes) >= self._most and await self._close_oldest():
                pass
            sandbox = self._make()
            await sandbox.__aenter__()
            self._boxes[conversation] = _Box(sandbox=sandbox, used=self._clock())
            if self._watch is None or self._watch.done():
                self._watch = asyncio.create_task(self._close_idle())
        return self._boxes[conversation]

    async def _close_oldest(self) -> bool:
        free = [name for name, box in self._boxes.items() if not box.lock.locked()]
        if not free:
            return False
        await self.forget(min(free, key=lambda name: self._boxes[name].used))
        return True

    async def _close_idle(self) -> None:
        while self._boxes:
            await asyncio.sleep(min(LOOK, self._idle))
            for name, box in tuple(self._boxes.items()):
                if not box.lock.locked() and self._clock() - box.used > self._idle:
                    await self.forget(name)
