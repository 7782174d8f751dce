"""The kernels of this process that are alive, so that none outlives it."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading

from jupyter_autocoder.sandbox.loop import submit
from jupyter_autocoder.sandbox.session import KernelSession

# At exit: a kill and the removal of a folder take milliseconds each.
EXIT_TIMEOUT = 10.0

_guard = threading.Lock()
_sessions: dict[KernelSession, int] = {}


def add(session: KernelSession) -> None:
    with _guard:
        _sessions[session] = os.getpid()


def remove(session: KernelSession) -> None:
    with _guard:
        _sessions.pop(session, None)


def discard(session: KernelSession) -> None:
    """Kill `session` in the background; callable from a finalizer on any thread."""

    async def work() -> None:
        await session.kill()
        remove(session)

    submit(work())


@atexit.register
def _end_all() -> None:
    with _guard:
        ours = [session for session, pid in _sessions.items() if pid == os.getpid()]
    if not ours:
        return

    async def work() -> None:
        await asyncio.gather(*(session.kill() for session in ours), return_exceptions=True)

    with contextlib.suppress(concurrent.futures.TimeoutError):
        submit(work()).result(EXIT_TIMEOUT)
    for session in ours:
        session.kill_now()
