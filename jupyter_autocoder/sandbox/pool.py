"""Warm sandboxes: started in the background, used once, gone when nobody wants them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from types import TracebackType

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.errors import SandboxError
from jupyter_autocoder.sandbox.executor import Sandbox
from jupyter_autocoder.sandbox.loop import hand_over, submit
from jupyter_autocoder.settings import SandboxSettings

# Seconds until the one that was taken is replaced: a start would slow down the first cells, and a notebook in CI is
# often through by then.
REFILL_DELAY = 10.0


class Pool:
    """Keeps `settings.pool` fresh sandboxes ready; each is given away once and belongs to its taker from then on.

    Warm ones are frozen, so they take memory and no processor time; after `settings.pool_idle` seconds without a
    `take` they are closed. `fill` may be called from any thread and returns at once.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings_module.current().sandbox if settings is None else settings
        self._warm: list[Sandbox] = []
        self._coming: Sandbox | None = None
        self._filling: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> Pool:
        self.fill()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def fill(self) -> None:
        """Start what is missing, in the background. A machine without sandboxes is not an error before `take`."""
        submit(self._fill_soon(0.0))

    def load(self, modules: Iterable[str]) -> None:
        """Import `modules` in the sandbox that will be taken first, in the background, until it is taken.

        One that cannot be imported is left out: the code that wants it will tell.
        """
        submit(self._load_soon(tuple(modules)))

    async def ready(self) -> int:
        """Wait until the pool is as full as it gets and has loaded its modules; tell how many sandboxes are warm."""
        return await hand_over(self._ready())

    async def take(self) -> Sandbox:
        """A sandbox that nobody has used: a warm one, one that is just starting, or one that its first use starts."""
        return await hand_over(self._take())

    async def close(self) -> None:
        """Close the warm ones; those that were taken belong to their takers."""
        await hand_over(self._close())

    def close_soon(self) -> None:
        """Close the warm ones in the background, for an owner that does not wait."""
        submit(self._close())

    # -- on the sandboxes' loop ----------------------------------------------------------------------------------------
    async def _take(self) -> Sandbox:
        taken: Sandbox | None = None
        while taken is None and self._warm:
            candidate = self._warm.pop(0)
            if candidate.alive:
                taken = candidate
            else:
                await candidate.close()
        if taken is None:
            taken, self._coming = self._coming, None
        await self._fill_soon(REFILL_DELAY)
        return taken or Sandbox(self.settings)

    async def _fill_soon(self, delay: float) -> None:
        if self._closed or (self._filling is not None and not self._filling.done()):
            return
        self._filling = asyncio.create_task(self._fill(delay))

    async def _fill(self, delay: float) -> None:
        await asyncio.sleep(delay)
        while len(self._warm) < self.settings.pool and not self._closed:
            box = self._coming = Sandbox(self.settings)
            try:
                await box.start()
            except SandboxError:
                # Whoever takes one meets the same error, at a time when there is somebody to tell it to.
                self._coming = None
                return
            except asyncio.CancelledError:
                if self._coming is box:
                    self._coming = None
                    await box.close()
                raise
            if self._coming is box:
                self._warm.append(box)
                self._coming = None
            else:  # taken meanwhile
                await asyncio.sleep(REFILL_DELAY)
        self._stay()

    async def _load_soon(self, modules: tuple[str, ...]) -> None:
        if not self._closed:
            if self._loading is not None:
                self._loading.cancel()  # the newest list counts
            self._loading = asyncio.create_task(self._load(modules))

    async def _load(self, modules: tuple[str, ...]) -> None:
        if self._filling is not None:
            await asyncio.wait({self._filling})
        with contextlib.suppress(SandboxError):
            for name in modules:
                if self._warm:
                    await self._warm[0].load(name)

    def _stay(self) -> None:
        """Let the idle time begin again."""
        if self._leaving is not None:
            self._leaving.cancel()
        loop = asyncio.get_running_loop()
        self._leaving = loop.call_later(self.settings.pool_idle, lambda: loop.create_task(self._empty()))

    async def _empty(self) -> None:
        warm, self._warm = self._warm, []
        for box in warm:
            await box.close()

    async def _ready(self) -> int:
        if tasks := {task for task in (self._filling, self._loading) if task is not None}:
            await asyncio.wait(tasks)
        return len(self._warm)

    async def _close(self) -> None:
        self._closed = True
        if self._leaving is not None:
            self._leaving.cancel()
        for task in (self._loading, self._filling):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._empty()
