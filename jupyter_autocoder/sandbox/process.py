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
from typing import Any

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import selftest
from jupyter_autocoder.sandbox.backends import Launch
from jupyter_autocoder.sandbox.failure import explain
from jupyter_autocoder.sandbox.plan import Plan
from jupyter_autocoder.sandbox.spawn import popen_async

START_TIMEOUT = 60.0
"""Seconds until the self-test must have been reported; a quarter of a second is usual."""
LONGEST_REPORT = 1 << 16
ERROR_ROOM = 1 << 16
# linux/fcntl.h; Python 3.11 has no names for them
F_ADD_SEALS, SEAL_SEAL, SEAL_SHRINK, SEAL_GROW = 1033, 1, 2, 4


class Started:
    """A sandbox that has been started and has not yet proved itself."""

    def __init__(self, process: subprocess.Popen[bytes], *, info: int | None, output: int) -> None:
        self.process = process
        self._info = info
        self._output = output

    async def inner_pid(self) -> int:
        """The host's number of the first process inside."""
        if self._info is None:
            return self.process.pid
        text = await asyncio.to_thread(_read_all, self._info, START_TIMEOUT)
        os.close(self._info)
        self._info = None
        try:
            return int(json.loads(text)["child-pid"])
        except (ValueError, KeyError):
            raise self._failure() from None

    async def report(self, descriptor: int, plan: Plan) -> selftest.Report:
        """Read what the launcher measured and judge it. Raises SandboxUnavailable on anything missing."""
        try:
            text = await asyncio.to_thread(_read_all, descriptor, START_TIMEOUT)
        finally:
            os.close(descriptor)
        if not text:
            raise self._failure()
        return selftest.judge(_parse(text), plan)

    def said(self) -> str:
        """What the processes wrote to their error stream so far, at most `ERROR_ROOM` bytes."""
        return os.pread(self._output, ERROR_ROOM, 0).rstrip(b"\0").decode(errors="replace")

    def close(self) -> None:
        for descriptor in (self._info, self._output):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)
        self._info, self._output = None, -1

    def _failure(self) -> SandboxUnavailable:
        # The streams closed, so it is about to end if it has not yet.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=0.2)
        return explain(self.said(), ended=self.process.poll() is not None)


async def start(launch: Launch) -> Started:
    """Start it. Its output goes to a memory file that cannot grow: no terminal is reached, no disk is filled."""
    output = os.memfd_create("sandbox-output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(output, ERROR_ROOM)
    fcntl.fcntl(output, F_ADD_SEALS, SEAL_GROW | SEAL_SHRINK | SEAL_SEAL)
    try:
        process = await popen_async(launch.argv, env=launch.env, pass_fds=launch.fds, output=output)
    except OSError as error:
        os.close(output)
        raise SandboxUnavailable(
            f"{launch.argv[0]} cannot be started", facility="start", why=str(error), mend="jupyter autocoder doctor"
        ) from None
    finally:
        for descriptor in launch.owned:
            os.close(descriptor)
    return Started(process, info=launch.info, output=output)


def _read_all(descriptor: int, timeout: float) -> bytes:
    """Read until the other side closes, within time and size; what came so far when it does not."""
    deadline, parts = time.monotonic() + timeout, bytearray()
    while len(parts) < LONGEST_REPORT:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, LONGEST_REPORT)
        if not part:
            break
        parts += part
    return bytes(parts)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        report = json.loads(text)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}
