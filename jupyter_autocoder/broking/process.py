"""Which process holds a ticket, and whether it is still there to send it."""

from __future__ import annotations

import functools
import os
import socket
from pathlib import Path

# Tickets by the place of their store and their id.
_DROPPED: set[tuple[str, str]] = set()


def this_process() -> str:
    """Name this process so that a later one with the same number is told apart."""
    return _name(os.getpid())


def drop(store: str, ticket: str) -> None:
    """Say that this process, though it lives, will not send what is left of a ticket that it holds."""
    _DROPPED.add((store, ticket))


def take_up(store: str, ticket: str) -> None:
    """Say that what was dropped is with its person again: the next click is a new one."""
    _DROPPED.discard((store, ticket))


def has_dropped(holder: str, store: str, ticket: str) -> bool:
    """Whether this process is the `holder` of a ticket that it dropped."""
    return (store, ticket) in _DROPPED and holder == this_process()


def is_gone(holder: str) -> bool:
    """Whether the process called `holder` has certainly ended; False where nobody can know (another machine)."""
    host, _, rest = holder.rpartition("/")
    number, _, started = rest.partition("@")
    if host != _host() or not number.isdigit():
        return False
    return _started(int(number)) != started


@functools.lru_cache(maxsize=8)
def _name(pid: int) -> str:
    return f"{_host()}/{pid}@{_started(pid)}"


@functools.cache
def _host() -> str:
    # Containers that share a volume may share a host name too; their process numbers live in different name spaces.
    try:
        return f"{socket.gethostname()}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When the process began, in the kernel's clock ticks; empty when there is no such process (or no /proc)."""
    try:
        # The second field is the program's name and may hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _alive(pid)
    # A dead process that nobody has waited for sends nothing any more.
    return "" if fields[0] in "ZX" else fields[19]


def _alive(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "alive"
    return "alive"
