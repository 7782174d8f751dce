"""The self-test's eyes: facts about this very process, found out by trying, judged by the host.

What must not work is tried for real. A try that works where it must not does no harm: a fork's child ends at once, a
file is removed again, a socket is closed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import socket
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_autocoder.sandbox.inside import limits

NAMESPACES = ("user", "pid", "net", "ipc", "uts", "mnt")
CLONE_NEWUSER = 0x10000000
UNSHARE = {"x86_64": 272, "aarch64": 97}
WORKED = "worked"


def facts(plan: Mapping[str, Any], *, landlock: int) -> dict[str, Any]:
    """Try what must not work and read what must be so; every value is a number, a text or a list of texts."""
    status = _status()
    alone = {} if plan["namespaces"] else _neighbours(plan)
    return alone | {
        "no_new_privs": int(status["NoNewPrivs"]),
        "seccomp": int(status["Seccomp"]),
        "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapInh"], 16),
        "namespaces": {name: _namespace(name) for name in NAMESPACES},
        "interfaces": _interfaces(),
        "canary": _outcome(_read, plan["canary"]),
        "read_only": {path: _outcome(_make_file, path) for path in plan["read_only"]},
        "sockets": _outcome(_make_file, plan["sockets"]),
        "landlock": landlock,
        "fork": _outcome(_fork),
        # Were it allowed, a program that does not exist would be "not found" instead of "not permitted".
        "execute": _outcome(os.execv, "/nonexistent", ["nonexistent"]),
        "internet": _outcome(_internet_socket),
        "new_namespace": _outcome(_new_namespace),
        "limits": {name: list(resource.getrlimit(limits.number(name))) for name in plan["limits"]},
        "uid": os.getuid(),
    }


def _neighbours(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What a process without namespaces could do to its neighbours."""
    return {
        "connect": _outcome(_connect),
        "signal": _outcome(os.kill, plan["parent"], 0),
        "change_mode": _outcome(_change_mode, plan["canary"]),
        "other_process": _outcome(_read, f"/proc/{plan['parent']}/environ"),
    }


def _status() -> dict[str, str]:
    with open("/proc/self/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def _interfaces() -> list[str]:
    with open("/proc/self/net/dev") as file:
        return [line.partition(":")[0].strip() for line in file.readlines()[2:]]


def _namespace(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/ns/{name}")
    except OSError as error:
        return _name_of(error)


def _read(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _internet_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def _connect() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect("/nonexistent")


def _change_mode(path: str) -> None:
    before = os.stat(path).st_mode
    os.chmod(path, 0o640)
    if os.stat(path).st_mode == before:
        raise PermissionError(errno.EPERM, "chmod only pretends")


def _make_file(folder: str) -> None:
    path = f"{folder.rstrip('/')}/.probe"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _new_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(UNSHARE[os.uname().machine], CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _outcome(attempt: Callable[..., object], *arguments: object) -> str:
    """`WORKED`, else the error's short name."""
    try:
        attempt(*arguments)
    except OSError as error:
        return _name_of(error)
    return WORKED


def _name_of(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown")
