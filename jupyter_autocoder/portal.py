"""The one background event loop of a process, on a thread that lives as long as the process.

A magic runs inside ipykernel's own running loop and must never run another one there; bubblewrap must be started from a
thread that does not end before the process (PDEATHSIG is per thread). Both are met by one daemon thread that owns the
client, the sandboxes and nbclient.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

T = TypeVar("T")
# After an interrupt: the sandbox gives its kernel 2 s before the kill, and the rest is slack for a loaded machine.
GRACE = 10.0


class Portal:
    """A loop on a thread of its own; made once per process by `portal()`."""

    def __init__(self) -> None:
        from anyio.from_thread import start_blocking_portal

        self._pid = os.getpid()
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._context: AbstractContextManager[BlockingPortal] = start_blocking_portal(
            "asyncio", name="jupyter-autocoder"
        )
        self._portal = self._context.__enter__()
        atexit.register(self._close)

    def call(self, function: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run `function` on the loop and block the calling thread until it is done."""
        return self.watch(function, *args)

    def watch(
        self,
        function: Callable[..., Awaitable[T]],
        *args: Any,
        events: queue.SimpleQueue[Any] | None = None,
        draw: Callable[[Any], None] | None = None,
    ) -> T:
        """Run `function` on the loop; meanwhile draw what arrives in `events` from the calling thread.

        `draw` is also called with None now and then, to let a clock on the screen move. A KeyboardInterrupt cancels the
        function, waits at most GRACE seconds for it to clean up, and is raised again.
        """
        ended = threading.Event()
        inbox: queue.SimpleQueue[Any] = events or queue.SimpleQueue()

        async def run() -> T:
            try:
                return await function(*args)
            finally:
                ended.set()
                inbox.put(None)  # wakes the caller at once

        future = self._portal.start_task_soon(run)
        try:
            while not ended.is_set():
                _draw_next(inbox, draw)
            while not inbox.empty():
                _draw_next(inbox, draw)
        except BaseException:
            # Cancelling marks the future at once, while the function is still putting things away.
            future.cancel()
            ended.wait(GRACE)
            raise
        return future.result()

    def soon(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Start `function` on the loop without waiting for it."""
        return self._portal.start_task_soon(function, *args)

    def at_close(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run `function` on the loop when the process ends."""
        self._closing.append(function)

    def _close(self) -> None:
        if os.getpid() != self._pid:
            return
        for function in reversed(self._closing):
            wait([self._portal.start_task_soon(function)], GRACE)
        self._context.__exit__(None, None, None)


def _draw_next(inbox: queue.SimpleQueue[Any], draw: Callable[[Any], None] | None) -> None:
    # Short waits: a bare wait cannot be interrupted on every platform.
    try:
        event = inbox.get(timeout=0.05)
    except queue.Empty:
        event = None
    if draw is not None:
        draw(event)


_current: Portal | None = None
_guard = threading.Lock()


def portal() -> Portal:
    """The process's portal, started at first use and anew after a fork."""
    global _current
    with _guard:
        if _current is None or _current._pid != os.getpid():
            _current = Portal()
        return _current
