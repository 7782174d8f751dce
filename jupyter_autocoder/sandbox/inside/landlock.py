"""Landlock: the second wall around files, and with newer kernels around TCP, abstract sockets and signals.

Everything the running kernel can handle is handled, so whatever is not granted below is refused. Applied before any
thread starts, since it holds for the calling thread and its children.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same on x86_64 and aarch64."""
QUERY_VERSION = 1
PATH_BENEATH = 1

# linux/landlock.h
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
BIND_TCP, CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER
SOCKETS = MAKE_SOCK | REMOVE_FILE
"""libzmq removes a stale socket before it binds."""
FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """The ABI version of the running kernel's Landlock; 0 where there is none."""
    return max(0, _syscall(CREATE_RULESET, None, 0, QUERY_VERSION))


def restrict(*, readable: Sequence[str], writable: Sequence[str], sockets: str, execute: bool) -> int:
    """Confine this thread for good and return the ABI version used; 0, and nothing done, where there is none.

    Raises OSError when the kernel has Landlock and does not take the rules.
    """
    abi = version()
    if abi == 0:
        return 0
    handled = _handled(abi)
    ruleset = _check(_syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0), "create_ruleset")
    try:
        for path in readable:
            _grant(ruleset, path, (READ | (EXECUTE if execute else 0)) & handled.files)
        for path in writable:
            _grant(ruleset, path, WRITE & handled.files)
        for path in DEVICES:
            _grant(ruleset, path, (READ_FILE | WRITE_FILE | TRUNCATE) & handled.files)
        _grant(ruleset, sockets, SOCKETS & handled.files)
        _check(_syscall(RESTRICT_SELF, ruleset, 0), "restrict_self")
    finally:
        os.close(ruleset)
    return abi


class _Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr"""

    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr, which is packed"""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _handled(abi: int) -> _Ruleset:
    files = (1 << 13) - 1
    files |= REFER if abi >= 2 else 0
    files |= TRUNCATE if abi >= 3 else 0
    files |= IOCTL_DEV if abi >= 5 else 0
    net = BIND_TCP | CONNECT_TCP if abi >= 4 else 0
    scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS if abi >= 6 else 0
    return _Ruleset(files, net, scoped)


def _grant(ruleset: int, path: str, allowed: int) -> None:
    """Allow something beneath a path; a path that does not exist needs no grant."""
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            allowed &= FOR_FILES
        rule = _PathBeneath(allowed, parent)
        _check(_syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0), f"add_rule {path}")
    finally:
        os.close(parent)


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(number, *arguments))


def _check(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock {what}")
    return result
