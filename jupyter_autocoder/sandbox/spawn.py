"""The one thread that starts every sandbox and lives as long as the process.

PDEATHSIG belongs to the *thread* that forked: a child started with ``--die-with-parent`` is killed when its starting
thread ends, though the process lives on. So nothing here is started from the caller's thread; it may come and go.
"""

from __future__ import annotations

import asyncio
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

_Job = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]

_guard = threading.Lock()
_jobs: queue.SimpleQueue[_Job] | None = None


def popen(
    argv: Sequence[str],
    *,
    env: dict[str, str],
    pass_fds: Sequence[int] = (),
    output: int = subprocess.DEVNULL,
    stdin: int = subprocess.DEVNULL,
) -> Future[subprocess.Popen[bytes]]:
    """Start `argv` from the lasting thread, in a session of its own, with exactly `env` and `pass_fds`.

    `output` is the descriptor that takes standard output and error. The future raises what `subprocess.Popen` raises.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  (the argument list is ours, there is no shell)
            argv,
            env=env,
            pass_fds=pass_fds,
            stdin=stdin,
            stdout=output,
            stderr=output,
            close_fds=True,
            start_new_session=True,
            cwd="/",
        )

    done: Future[subprocess.Popen[bytes]] = Future()
    _queue().put((start, done))
    return done


async def popen_async(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """`popen` for a running loop. Once asked for, the process is always returned: a cancelled caller kills it."""
    done = popen(argv, **options)
    try:
        return await asyncio.shield(asyncio.wrap_future(done))
    except asyncio.CancelledError:
        done.add_done_callback(_kill)
        raise


def _kill(done: Future[subprocess.Popen[bytes]]) -> None:
    if done.exception() is None:
        done.result().kill()
        done.result().wait()


def _queue() -> queue.SimpleQueue[_Job]:
    global _jobs
    with _guard:
        if _jobs is None:
            _jobs = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(_jobs,), name="sandbox-spawner", daemon=True).start()
        return _jobs


def _serve(jobs: queue.SimpleQueue[_Job]) -> None:
    while True:
        start, done = jobs.get()
        if not done.set_running_or_notify_cancel():
            continue
        try:
            done.set_result(start())
        except BaseException as error:  # whatever happened belongs to the caller; this thread must not end
            done.set_exception(error)


def _forget() -> None:
    """A forked child has no copy of the thread, only of its queue."""
    global _guard, _jobs
    _guard, _jobs = threading.Lock(), None


os.register_at_fork(after_in_child=_forget)
