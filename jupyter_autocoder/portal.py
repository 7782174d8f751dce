"""The magics' background event loop, on a thread that lives as long as the process.

A magic runs inside ipykernel's own running loop and must never run another one there. So the client and everything
that waits run here; the sandboxes have a thread of their own (`sandbox.loop`), which works the same way.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")
# After an interrupt: the sandbox gives its kernel 2 s before the kill, and the rest is slack for a loaded machine.
GRACE = 10.0


class Portal:
    """A loop on a thread of its own; made once per process by `portal()`."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="jupyter-autocoder", daemon=True).start()
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

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
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

    def soon(self, function: Callable[..., Awaitable[T]], *args: Any) -> concurrent.futures.Future[T]:
        """Start `function` on the loop without waiting for it; cancelling the future cancels it, once."""

        async def run() -> T:
            return await function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def at_close(self, function: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Run `function` on the loop when the process ends; returns what takes that back."""
        self._closing.append(function)
        return lambda: self._closing.remove(function) if function in self._closing else None

    def _close(self) -> None:
        if os.getpid() != self.pid:
            return
        for function in reversed(self._closing):
            concurrent.futures.wait([self.soon(function)], GRACE)
        self._loop.call_soon_threadsafe(self._loop.stop)


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
        if _current is None or _current.pid != os.getpid():
            _current = Portal()
        return _current
