"""Starting a sandbox: its process, the little it may tell on its error stream, and the wait for its self-test."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import selftest
from jupyter_autocoder.sandbox.backends import Launch
from jupyter_autocoder.sandbox.failure import explain
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.plan import Plan
from jupyter_autocoder.sandbox.spawn import popen_async

START_TIMEOUT = 60.0
"""Seconds until the self-test must have been reported; a quarter of a second is usual."""
GUARD_TIMEOUT = 20.0
LONGEST_REPORT = 1 << 16
ERROR_ROOM = 1 << 16
# linux/fcntl.h; Python 3.11 has no names for them
F_ADD_SEALS, SEAL_SEAL, SEAL_SHRINK, SEAL_GROW = 1033, 1, 2, 4


class Channel:
    """The way that the launcher's report takes: a pipe's descriptor, or a named pipe where none can be passed on."""

    def __init__(self, folder: Folder, *, named: bool) -> None:
        self.path = folder.path / "report"
        if named:
            self.path.unlink(missing_ok=True)
            os.mkfifo(self.path, 0o600)
            self.read, self.write = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), -1
        else:
            self.read, self.write = os.pipe2(os.O_CLOEXEC)

    def close_write(self) -> None:
        """Leave the launcher as the only writer."""
        if self.write >= 0:
            os.close(self.write)
            self.write = -1

    def close(self) -> None:
        self.close_write()
        if self.read >= 0:
            os.close(self.read)
            self.read = -1


class Started:
    """A sandbox that has been started and has not yet proved itself."""

    def __init__(self, process: subprocess.Popen[bytes], launch: Launch, output: int, guard: Guard | None) -> None:
        self.process = process
        self._launch = launch
        self._info = launch.info
        self._output = output
        self._guard = guard

    async def inner_pid(self) -> int:
        """The host's number of the first process inside."""
        if self._launch.ask is not None:
            return await asyncio.to_thread(self._asked, self._launch.ask)
        if self._info is None:
            return self.process.pid
        text = await asyncio.to_thread(_read_all, self._info, self.process)
        os.close(self._info)
        self._info = None
        try:
            return int(json.loads(text)["child-pid"])
        except (ValueError, KeyError):
            raise self._failure() from None

    async def report(self, channel: Channel, plan: Plan) -> selftest.Report:
        """Read what the launcher measured and judge it. Raises SandboxUnavailable on anything missing."""
        text = await asyncio.to_thread(_read_all, channel.read, self.process)
        if not text:
            raise self._failure()
        return selftest.judge(_parse(text), plan)

    def said(self) -> str:
        """What the processes wrote to their error stream so far, at most `ERROR_ROOM` bytes."""
        return os.pread(self._output, ERROR_ROOM, 0).rstrip(b"\0").decode(errors="replace")

    async def close(self) -> None:
        """Let go of everything; where there is a guard, wait until it has done its work."""
        for descriptor in (self._info, self._output):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)
        self._info, self._output = None, -1
        if self._guard is not None:
            guard, self._guard = self._guard, None
            await asyncio.to_thread(guard.act)

    def _asked(self, ask: Callable[[], int | None]) -> int:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            pid = ask()
            if pid is not None:
                return pid
            time.sleep(0.02)
        raise self._failure()

    def _failure(self) -> SandboxUnavailable:
        # The streams closed, so it is about to end if it has not yet.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=0.2)
        return explain(self.said(), ended=self.process.poll() is not None)


class Guard:
    """A shell that waits for this process's end, or for `act`, to run a command: a container outlives its client."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        self._process = process
        self._pipe = pipe

    def act(self) -> None:
        """Have the command run now, and wait for it."""
        os.close(self._pipe)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GUARD_TIMEOUT)


async def start(launch: Launch) -> Started:
    """Start it. Its output goes to a memory file that cannot grow: no terminal is reached, no disk is filled."""
    output = os.memfd_create("sandbox-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(output, ERROR_ROOM)
    fcntl.fcntl(output, F_ADD_SEALS, SEAL_GROW | SEAL_SHRINK | SEAL_SEAL)
    # Not /dev/null: a descriptor of the host's own file could be used to change that file's mode.
    nothing, closed = os.pipe2(os.O_CLOEXEC)
    os.close(closed)
    guard = None
    try:
        guard = await _guard(launch)
        process = await popen_async(launch.argv, env=launch.env, pass_fds=launch.fds, output=output, stdin=nothing)
    except OSError as error:
        os.close(output)
        if guard is not None:
            guard.act()
        raise SandboxUnavailable(
            f"{launch.argv[0]} cannot be started", facility="start", why=str(error), mend="jupyter autocoder doctor"
        ) from None
    finally:
        for descriptor in (nothing, *launch.owned):
            os.close(descriptor)
    return Started(process, launch, output, guard)


async def _guard(launch: Launch) -> Guard | None:
    if not launch.guard:
        return None
    read, write = os.pipe2(os.O_CLOEXEC)
    try:
        command = ("/bin/sh", "-c", 'read _; exec "$@"', "guard", *launch.guard)
        return Guard(await popen_async(command, env=launch.env, stdin=read), write)
    except BaseException:
        os.close(write)
        raise
    finally:
        os.close(read)


def _read_all(descriptor: int, process: subprocess.Popen[bytes]) -> bytes:
    """Read until the other side closes or `process` has ended, within time and size; give what came until then."""
    deadline, parts = time.monotonic() + START_TIMEOUT, bytearray()
    while len(parts) < LONGEST_REPORT and time.monotonic() < deadline:
        ended = process.poll() is not None
        if select.select([descriptor], [], [], 0 if ended else 0.1)[0]:
            part = os.read(descriptor, LONGEST_REPORT)
            if not part:
                break
            parts += part
        elif ended:
            break
    return bytes(parts)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        report = json.loads(text)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}
