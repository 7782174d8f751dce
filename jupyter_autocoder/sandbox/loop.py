"""The one thread that starts, drives and ends every sandbox of this process.

bubblewrap dies with the *thread* that started it (PDEATHSIG is per thread), and nbclient replaces the signal handlers
of a main-thread loop. Both are met by a daemon thread that lives as long as the process; `Sandbox` can then be used
from any loop, the main thread's included.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_guard = threading.Lock()
_current: tuple[int, asyncio.AbstractEventLoop] | None = None


def sandbox_loop() -> asyncio.AbstractEventLoop:
    """The loop of the sandboxes' thread, started at first use and anew after a fork."""
    global _current
    with _guard:
        if _current is None or _current[0] != os.getpid():
            # ZMQ needs a loop that watches file descriptors, whatever the process's policy is.
            loop = asyncio.SelectorEventLoop()
            threading.Thread(target=loop.run_forever, name="autocoder-sandbox", daemon=True).start()
            _current = os.getpid(), loop
        return _current[1]


def submit(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start `work` on the sandboxes' loop, from any thread."""
    return asyncio.run_coroutine_threadsafe(work, sandbox_loop())


async def hand_over(work: Coroutine[Any, Any, T], *, on_cancel: Callable[[], Awaitable[None]] | None = None) -> T:
    """Run `work` on the sandboxes' loop and wait for it here.

    A cancelled caller does not cancel `work`: it runs `on_cancel` there (which should make `work` end) and leaves when
    that is done. Without `on_cancel` it waits until `work` is through.
    """
    done = asyncio.wrap_future(submit(work))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        if done.cancelled():
            raise
        await _outlast(asyncio.wrap_future(submit(_call(on_cancel))) if on_cancel is not None else done)
        if done.done() and not done.cancelled():
            done.exception()  # retrieved, so that asyncio does not complain about it
        raise


async def _call(function: Callable[[], Awaitable[None]]) -> None:
    await function()


async def _outlast(future: asyncio.Future[Any]) -> None:
    """Wait for `future` however often the waiting task is cancelled; its own failure is not ours."""
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError:
            continue
        except Exception:
            # Whatever it was: the caller is leaving because of its own cancellation.
            return
