"""The two seccomp filters: which calls are refused, with which error, and how a filter is loaded.

The first one is handed to the backend and holds from the first instruction of Python on; it must leave `execve` to the
backend. The second one is loaded by the launcher, just before the kernel, and takes away what only starting up needed.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from typing import Literal

from jupyter_autocoder.sandbox.inside import bpf, syscalls
from jupyter_autocoder.sandbox.inside.bpf import Refusal, Test
from jupyter_autocoder.sandbox.inside.syscalls import Group, Numbers

Arch = Literal["x86_64", "aarch64"]

AUDIT_ARCH: dict[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""linux/audit.h; both are 64 bit and little-endian, so an argument's low word comes first."""

AF_UNIX = 1
NOT_A_STREAM = 0x0E
"""Bits that every socket type but SOCK_STREAM (1) has one of."""
CLONE_THREAD = 0x00010000
CLONE_NEW_ANY = 0x7E020080
"""CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID, -NET and -TIME."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
"""They type into the terminal that they are called on."""

PRETEND = 0
"""As an error number: the call does nothing and is told that it worked."""

SET_MODE_FILTER, TSYNC = 1, 1
NO_NEW_PRIVS = 38


def first(arch: Arch) -> bytes:
    """The filter that the backend loads before Python."""
    return _assemble(arch, [*_always(arch), *_sockets(arch, alone=False), *_clone(arch, processes=True)])


def second(arch: Arch, *, processes: bool, own_pid: int | None = None) -> bytes:
    """The filter that the launcher loads. It repeats the first, which a backend may have been unable to load.

    With `own_pid` (no namespaces around) it also keeps signals within the process, and sockets from reaching out.
    """
    refusals = [*_always(arch), *_sockets(arch, alone=own_pid is not None), *_plain(arch, syscalls.SEALED)]
    refusals += _clone(arch, processes=processes)
    refusals += _tests(syscalls.PRLIMIT64, arch, errno.EPERM, Test(2, "not_null"))
    if not processes:
        refusals += _plain(arch, syscalls.NO_PROCESSES)
    if own_pid is not None:
        refusals += _alone(arch, own_pid)
    return _assemble(arch, refusals)


def load(program: bytes) -> None:
    """Put a filter on every thread of this process, for good. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
    instructions = ctypes.create_string_buffer(program, len(program))
    header = _Header(len(program) // 8, ctypes.addressof(instructions))
    number = getattr(syscalls.OWN_BOUNDS["seccomp"], machine())
    if libc.syscall(number, SET_MODE_FILTER, TSYNC, ctypes.byref(header)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp(SECCOMP_SET_MODE_FILTER)")


def machine() -> Arch:
    """This machine's architecture. Raises OSError where there is no table for it: no filter, no sandbox."""
    name = os.uname().machine
    if name == "x86_64":
        return "x86_64"
    if name in ("aarch64", "arm64"):
        return "aarch64"
    raise OSError(errno.ENOSYS, f"no seccomp table for {name}")


class _Header(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _assemble(arch: Arch, refusals: list[Refusal]) -> bytes:
    return bpf.encode(bpf.program(AUDIT_ARCH[arch], syscalls.NEWEST, errno.ENOSYS, refusals))


def _always(arch: Arch) -> Iterator[Refusal]:
    yield from _plain(arch, syscalls.ALWAYS)
    yield from _tests(syscalls.IOCTL, arch, errno.EPERM, Test(1, "equals", TIOCSTI), Test(1, "equals", TIOCLINUX))


def _sockets(arch: Arch, *, alone: bool) -> Iterator[Refusal]:
    # Not EPERM or EAFNOSUPPORT: libzmq takes those for a broken machine and aborts the kernel.
    tests = [Test(0, "differs", AF_UNIX)]
    if alone:
        # A datagram needs no connect() to reach a socket of the host's.
        tests.append(Test(1, "any_bit", NOT_A_STREAM))
    yield from _tests(syscalls.SOCKET, arch, errno.EOPNOTSUPP, *tests)


def _clone(arch: Arch, *, processes: bool) -> Iterator[Refusal]:
    # clone3's flags lie in memory, where no filter can look; libc falls back to clone.
    yield from _tests(syscalls.CLONE3, arch, errno.ENOSYS)
    tests = [Test(0, "any_bit", CLONE_NEW_ANY)]
    if not processes:
        tests.append(Test(0, "no_bit", CLONE_THREAD))
    yield from _tests(syscalls.CLONE, arch, errno.EPERM, *tests)


def _alone(arch: Arch, own_pid: int) -> Iterator[Refusal]:
    yield from _plain(arch, syscalls.NAMES_OUTSIDE)
    yield from _plain(arch, syscalls.NEIGHBOURS)
    for numbers in syscalls.PRETENDED.values():
        yield from _tests(numbers, arch, PRETEND)
    for call in (syscalls.KILL, syscalls.TGKILL, syscalls.RT_TGSIGQUEUEINFO):
        yield from _tests(call, arch, errno.EPERM, Test(0, "differs", own_pid))
    # 0 means the caller itself; any other number could be a neighbour's.
    yield from _tests(syscalls.SCHED_SETAFFINITY, arch, errno.EPERM, Test(0, "differs", 0))
    # By descriptor (no path) it concerns a file that Landlock let be opened.
    yield from _tests(syscalls.UTIMENSAT, arch, PRETEND, Test(1, "not_null"))


def _plain(arch: Arch, group: Group) -> Iterator[Refusal]:
    for numbers in group.values():
        yield from _tests(numbers, arch, errno.EPERM)


def _tests(numbers: Numbers, arch: Arch, error: int, *tests: Test) -> Iterator[Refusal]:
    number: int | None = getattr(numbers, arch)
    if number is not None:
        yield Refusal(number, error, tests)
