"""The governor, asked from an event loop: on one thread, and never leaving a reservation behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.breakers import Kind
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask, Reservation

T = TypeVar("T")


class Desk:
    """Takes the store's blocking calls off the loop; a cancelled caller never loses what was reserved or settled."""

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self._threads: ThreadPoolExecutor | None = None
        self._process = 0

    async def reserve(self, ask: Ask, *, met: frozenset[str]) -> Reservation:
        """Reserve; a caller who is cancelled meanwhile gets nothing, and neither stays anything reserved."""
        future = self._thread().submit(self.governor.reserve, ask, met=met)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            future.add_done_callback(self._undo)
            raise

    async def settle(self, reservation: Reservation, usage: Usage, outcome: str, latency: float) -> None:
        await self._do(lambda: self.governor.settle(reservation, usage, outcome, latency))

    async def release(self, reservation: Reservation, outcome: str, latency: float, *, sent: bool = True) -> None:
        await self._do(lambda: self.governor.release(reservation, outcome, sent=sent, latency=latency))

    async def heed(self, reservation: Reservation, headers: Mapping[str, str]) -> str | None:
        """Tell the governor the server's limits, when the headers hold any."""
        if not any(name.startswith("x-ratelimit-") for name in headers):
            return None
        return await self._do(lambda: self.governor.heed(reservation, headers))

    async def trip(self, ask: Ask, kind: Kind, reason: str) -> str:
        return await self._do(lambda: self.governor.trip(ask, kind, reason=reason))

    def settle_now(self, reservation: Reservation, usage: Usage, outcome: str, latency: float) -> None:
        """Settle before returning: for the end of a task that may not wait any more."""
        self._thread().submit(self.governor.settle, reservation, usage, outcome, latency).result()

    def close(self) -> None:
        if self._threads is not None and self._process == os.getpid():
            self._threads.shutdown()
        self._threads = None

    async def _do(self, work: Callable[[], T]) -> T:
        # Shielded: a cancelled caller goes on, and so does the work.
        return await asyncio.shield(asyncio.wrap_future(self._thread().submit(work)))

    def _undo(self, future: Future[Reservation]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.governor.release(future.result(), "stopped", sent=False)

    def _thread(self) -> ThreadPoolExecutor:
        # A fork copies the object and not its thread.
        if self._threads is None or self._process != os.getpid():
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="autocoder-ledger")
            self._process = os.getpid()
        return self._threads
