"""The watcher of one run: time, CPU, floods and this process's own memory, looked at from outside every tick."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from jupyter_autocoder.sandbox.gate import Recording
from jupyter_autocoder.sandbox.growth import Growth
from jupyter_autocoder.sandbox.session import KernelSession
from jupyter_autocoder.settings import SandboxSettings

TICK = 0.05
# Between an interrupt and the kill: enough for `finally` blocks, too short to be annoying.
GRACE = 2.0


class Watch:
    """Watches one execution until it ends, and ends it when it goes over a limit."""

    def __init__(
        self, session: KernelSession, recording: Recording, settings: SandboxSettings, *, wall_time: float
    ) -> None:
        self._session = session
        self._recording = recording
        self.cpu_limit = settings.cpu_time
        self.memory_limit = settings.memory * 2**20
        self._wall_time = wall_time
        self._start = time.monotonic()
        self._cpu_before = self._cpu = session.manager.cpu_seconds() or 0.0
        self._growth = Growth()
        self.peak_memory: int | None = None
        self.killed = False
        self._broken = False
        self.limit: str | None = None
        session.manager.renew_cpu_limit()
        _forget_peak(session.manager.kernel_pid)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    @property
    def cpu_used(self) -> float:
        """CPU seconds of this run, as last seen."""
        return self._cpu - self._cpu_before

    async def over(self, task: asyncio.Task[Any]) -> None:
        """Return when `task` is done; interrupt, then kill it as soon as a limit is hit."""
        while not task.done():
            left = self._wall_time - self.elapsed
            await asyncio.wait({task}, timeout=max(0.0, min(TICK, left)))
            if task.done():
                break
            self._look()
            self.limit = self._hit()
            if self.limit is not None:
                await self.stop(task)
        if not self.killed:
            self._look()

    async def stop(self, task: asyncio.Task[Any]) -> None:
        """Interrupt; after the grace kill, and wait until the execution knows."""
        end = time.monotonic()
        if not self._broken:
            await self._session.interrupt()
            end += GRACE
        while not task.done() and time.monotonic() < end:
            await asyncio.wait({task}, timeout=TICK)
            self._look()
        if not task.done():
            self.killed = True
            await self._session.kill()
            await asyncio.wait({task})

    def _look(self) -> None:
        manager = self._session.manager
        if not self._session.alive:
            return
        self._cpu = manager.cpu_seconds() or self._cpu
        self.peak_memory = manager.peak_memory() or self.peak_memory

    def _hit(self) -> str | None:
        if self.elapsed >= self._wall_time:
            return "wall_time"
        if self.cpu_used >= self.cpu_limit:
            return "cpu_time"
        # A half-sent message leaves a connection on which nothing else can be said any more.
        self._broken = self._session.cut_off or self._growth.is_wild
        if self._recording.flooded or self._broken:
            self._recording.cut("the run was stopped: it sent far more output than a run may")
            return "output"
        return None


def _forget_peak(pid: int | None) -> None:
    """Let the kernel's peak memory count from now on (proc(5): 5 resets VmHWM)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
