"""The self-test's eyes: facts about this very process, found out by trying, judged by the host."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Callable, Mapping
from typing import Any


def facts(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Try what must not work and read what must be so; every value is a number, a text or a list of texts."""
    status = _status()
    return {
        "no_new_privs": int(status.get("NoNewPrivs", "0")),
        "seccomp": int(status.get("Seccomp", "0")),
        "capabilities": int(status.get("CapEff", "ffff"), 16) | int(status.get("CapPrm", "ffff"), 16),
        "interfaces": _interfaces(),
        "canary": _outcome(lambda: os.close(os.open(plan["canary"], os.O_RDONLY))),
        "fork": _outcome(_fork),
        "internet": _outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()),
        "limits": {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in plan["limits"]},
        "pid": os.getpid(),
        "parent": os.getppid(),
    }


def _status() -> dict[str, str]:
    with open("/proc/self/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def _interfaces() -> list[str]:
    with open("/proc/self/net/dev") as file:
        return [line.partition(":")[0].strip() for line in file.readlines()[2:]]


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _outcome(attempt: Callable[[], None]) -> str:
    """``done`` when it worked, else the error's short name."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "error")
    return "done"
