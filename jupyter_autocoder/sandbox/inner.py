"""The processes inside, seen from the host: signalled by pidfd, so that a reused number never hits a stranger."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import resource
import select
import signal
import subprocess
from pathlib import Path

from jupyter_autocoder.sandbox import stranger

PATIENCE = 5.0
"""Seconds to wait for a killed process to be gone."""


class Inner:
    """The sandbox's first process (`pid`, host numbering) and, through it, the kernel."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.killed_for: str | None = None
        self._cpu_limit = 0
        self._fd = os.pidfd_open(pid)

    @property
    def kernel_pid(self) -> int | None:
        """The kernel's pid on the host: the first process's first child, or itself where there is no init."""
        try:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else self.pid

    def interrupt(self) -> None:
        """Send SIGINT to the kernel alone."""
        pid = self.kernel_pid
        if pid is None:
            return
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(fd, signal.SIGINT)
        except ProcessLookupError:
            pass
        finally:
            os.close(fd)

    def kill(self, *, because: str | None = None) -> None:
        """End everything inside: the first process of a pid namespace takes all others with it.

        `because` is kept in `killed_for`: the limit that was passed.
        """
        self.killed_for = self.killed_for or because
        if self._fd < 0:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)

    async def gone(self) -> bool:
        """Wait until the first process has ended; False when it has not after a bounded time."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not self.has_ended():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True

    def user(self) -> int | None:
        """The kernel's user on the host; None when it is gone."""
        return self._status("Uid")

    def peak_memory(self) -> int | None:
        """The kernel's largest resident size so far, in bytes; None when it is gone."""
        kibibytes = self._status("VmHWM")
        return None if kibibytes is None else kibibytes * 1024

    def cpu_seconds(self) -> float | None:
        """CPU time that the kernel has used so far, user and system; None when it is gone."""
        pid = self.kernel_pid
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def renew_cpu(self, seconds: int) -> None:
        """Let the kernel use `seconds` more of CPU time from now on, within its lifetime's limit."""
        pid, used = self.kernel_pid, self.cpu_seconds()
        if pid is None or used is None or self._cpu_limit - used >= seconds:
            return
        # One second more than asked for, so that a row of short runs needs this only now and then.
        limit = math.ceil(used) + seconds + 1
        with contextlib.suppress(ProcessLookupError):
            if set_soft_limit(pid, limit):
                self._cpu_limit = limit

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def has_ended(self, *, within: float = 0.0) -> bool:
        """Whether the first process has ended, waiting for it `within` so many seconds."""
        try:
            return bool(select.select([self._fd], [], [], within)[0])
        except (OSError, ValueError):  # closed meanwhile: it was found dead
            return True

    def _status(self, name: str) -> int | None:
        try:
            lines = Path(f"/proc/{self.kernel_pid}/status").read_text().splitlines()
        except OSError:
            return None
        for line in lines:
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        return None


def set_soft_limit(pid: int, seconds: int) -> bool:
    """Set a process's soft CPU limit, at most its hard one; tell whether that worked.

    Root without CAP_SYS_RESOURCE (in a container) may not do it to a stranger; but the stranger may.
    """
    try:
        hard = resource.prlimit(pid, resource.RLIMIT_CPU)[1]
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds if hard < 0 else min(seconds, hard), hard))
    except PermissionError:
        command = stranger.as_stranger("prlimit", f"--pid={pid}", f"--cpu={seconds}:")
        return bool(command) and subprocess.run(command, capture_output=True, timeout=10).returncode == 0  # noqa: S603
    return True
