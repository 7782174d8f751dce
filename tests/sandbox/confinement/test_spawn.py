from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_autocoder.sandbox import spawn

ROOT = str(Path(spawn.__file__).parents[2])
# A child that asks to be killed with its parent *thread*, as bwrap --die-with-parent does.
DIE_WITH_PARENT = "import ctypes, time; ctypes.CDLL(None).prctl(1, 9); print(1, flush=True); time.sleep(60)"


def test_what_a_short_lived_thread_starts_outlives_the_thread() -> None:
    read, write = os.pipe()
    started: list[subprocess.Popen[bytes]] = []
    env = dict(os.environ)

    def begin() -> None:
        argv = [sys.executable, "-c", DIE_WITH_PARENT]
        started.append(spawn.popen(argv, env=env, pass_fds=(), output=write).result(timeout=30))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    try:
        os.read(read, 1)
        time.sleep(0.3)
        assert started[0].poll() is None
    finally:
        started[0].kill()
        started[0].wait()
        os.close(read)
        os.close(write)


def test_what_cannot_be_started_raises_in_the_caller() -> None:
    with pytest.raises(FileNotFoundError):
        spawn.popen(["/nonexistent"], env={}, pass_fds=(), output=2).result(timeout=30)


def test_only_the_named_environment_and_descriptors_are_passed_on() -> None:
    read, write = os.pipe()
    secret, _other = os.pipe()
    os.set_inheritable(secret, True)
    code = "import os; print(sorted(os.environ), os.listdir('/proc/self/fd'))"

    process = spawn.popen([sys.executable, "-c", code], env={"A": "1"}, pass_fds=(), output=write).result(timeout=30)
    process.wait()
    os.close(write)
    said = os.read(read, 10_000).decode()

    for descriptor in (read, secret, _other):
        os.close(descriptor)
    environment, descriptors = said.split("] ")
    assert set(eval(environment + "]")) <= {"A", "LC_CTYPE"}
    assert set(eval(descriptors)) <= {"0", "1", "2", "3"}


def test_a_caller_that_is_cancelled_leaves_no_process() -> None:
    # A number of this process's own: the search below looks at the whole machine.
    seconds = str(100_000 + os.getpid())

    async def cancel() -> None:
        task = asyncio.create_task(spawn.popen_async(["/bin/sleep", seconds], env={}, pass_fds=(), output=2))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    deadline = time.monotonic() + 10
    while _running(seconds) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _running(seconds)


def test_a_forked_child_gets_a_thread_of_its_own() -> None:
    code = (
        "import os, sys; from jupyter_autocoder.sandbox import spawn\n"
        "start = lambda: spawn.popen(['/bin/true'], env={}, pass_fds=(), output=2).result(timeout=20).wait()\n"
        "start()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    start(); os._exit(7)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ROOT}, timeout=60)

    assert done.returncode == 7


def _running(argument: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().split(b"\0")[1:2] == [argument.encode()]:
                return True
        except OSError:
            continue
    return False
