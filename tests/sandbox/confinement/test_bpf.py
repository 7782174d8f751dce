"""The assembler, checked by running its programs in a small interpreter of classic BPF."""

from __future__ import annotations

import errno
import struct
from typing import Literal

import pytest

from jupyter_autocoder.sandbox.inside import seccomp, syscalls
from jupyter_autocoder.sandbox.inside.syscalls import Numbers

ALLOW, KILL = 0x7FFF0000, 0x80000000
Arch = Literal["x86_64", "aarch64"]
ARCHES: tuple[Arch, ...] = ("x86_64", "aarch64")
OTHER = {"x86_64": seccomp.AUDIT_ARCH["aarch64"], "aarch64": seccomp.AUDIT_ARCH["x86_64"]}
I386 = 0x40000003
THREAD = 0x003D0F00
"""The flags of glibc's pthread_create."""
READ, WRITE, MMAP, OPENAT = Numbers(0, 63), Numbers(1, 64), Numbers(9, 222), Numbers(257, 56)
FUTEX, EXIT_GROUP, RT_SIGACTION, PRCTL = Numbers(202, 98), Numbers(231, 94), Numbers(13, 134), Numbers(157, 167)
BIND, ACCEPT4, UNLINKAT, GETRANDOM = Numbers(49, 200), Numbers(288, 242), Numbers(263, 35), Numbers(318, 278)
ORDINARY = (READ, WRITE, MMAP, OPENAT, FUTEX, EXIT_GROUP, RT_SIGACTION, PRCTL, BIND, ACCEPT4, UNLINKAT, GETRANDOM)


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Interpret a program as the kernel would: return its verdict for one system call."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *(value & (1 << 64) - 1 for value in padded))
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator = at = 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, operand)[0]
        elif operation == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x25: accumulator > operand,
                0x45: bool(accumulator & operand),
            }[operation]
            at += if_true if holds else if_false


def present(group: syscalls.Group) -> list[tuple[Arch, str]]:
    """Each architecture with the calls of a group that it has."""
    return [(arch, name) for arch in ARCHES for name in sorted(group) if getattr(group[name], arch) is not None]


def error(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("stage", ["first", "second"])
def test_every_jump_of_every_program_lands_inside_it(arch: Arch, stage: str) -> None:
    program = seccomp.first(arch) if stage == "first" else seccomp.second(arch, processes=False, own_pid=77)

    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]

    jumps = [(at + 1 + if_true, at + 1 + if_false) for at, (op, if_true, if_false, _) in enumerate(code) if op & 7 == 5]
    assert len(code) < 4096
    assert jumps
    assert all(target < len(code) for pair in jumps for target in pair)


@pytest.mark.parametrize("arch", ARCHES)
def test_calls_of_another_architecture_kill_the_process(arch: Arch) -> None:
    program = seccomp.first(arch)

    assert verdict(program, OTHER[arch], 1) == KILL
    assert verdict(program, I386, 1) == KILL


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("number", [syscalls.NEWEST + 1, 512, 0x40000000, 0x40000039, 0xFFFFFFFF])
def test_calls_newer_than_the_table_do_not_exist(arch: Arch, number: int) -> None:
    assert verdict(seccomp.first(arch), seccomp.AUDIT_ARCH[arch], number) == error(errno.ENOSYS)


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("numbers", ORDINARY)
def test_ordinary_calls_pass_both_filters(arch: Arch, numbers: Numbers) -> None:
    number = getattr(numbers, arch)

    for program in (seccomp.first(arch), seccomp.second(arch, processes=False)):
        assert verdict(program, seccomp.AUDIT_ARCH[arch], number, 1, 2, 3) == ALLOW


@pytest.mark.parametrize(("arch", "name"), present(syscalls.ALWAYS))
def test_what_is_always_refused_is_refused_by_both_filters(arch: Arch, name: str) -> None:
    number = getattr(syscalls.ALWAYS[name], arch)

    for program in (seccomp.first(arch), seccomp.second(arch, processes=True)):
        assert verdict(program, seccomp.AUDIT_ARCH[arch], number) == error(errno.EPERM)


@pytest.mark.parametrize(("arch", "name"), present(syscalls.NO_PROCESSES))
def test_processes_are_refused_by_the_second_filter_unless_allowed(arch: Arch, name: str) -> None:
    number = getattr(syscalls.NO_PROCESSES[name], arch)
    audit = seccomp.AUDIT_ARCH[arch]

    assert verdict(seccomp.first(arch), audit, number) == ALLOW
    assert verdict(seccomp.second(arch, processes=False), audit, number) == error(errno.EPERM)
    assert verdict(seccomp.second(arch, processes=True), audit, number) == ALLOW


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(
    ("flags", "first", "sealed", "with_processes"),
    [
        pytest.param(THREAD, ALLOW, ALLOW, ALLOW, id="a thread"),
        pytest.param(17, ALLOW, error(errno.EPERM), ALLOW, id="fork by clone"),
        pytest.param(0x4111, ALLOW, error(errno.EPERM), ALLOW, id="vfork by clone"),
        pytest.param(THREAD | 0x10000000, *[error(errno.EPERM)] * 3, id="a thread in a new user namespace"),
        pytest.param(0x20000011, *[error(errno.EPERM)] * 3, id="a new pid namespace"),
        pytest.param(0x80 | 17, *[error(errno.EPERM)] * 3, id="a new time namespace"),
    ],
)
def test_clone_makes_threads_only(arch: Arch, flags: int, first: int, sealed: int, with_processes: int) -> None:
    audit, number = seccomp.AUDIT_ARCH[arch], getattr(syscalls.CLONE, arch)

    assert verdict(seccomp.first(arch), audit, number, flags) == first
    assert verdict(seccomp.second(arch, processes=False), audit, number, flags) == sealed
    assert verdict(seccomp.second(arch, processes=True), audit, number, flags) == with_processes


@pytest.mark.parametrize("arch", ARCHES)
def test_clone3_does_not_exist_so_that_libc_falls_back_to_clone(arch: Arch) -> None:
    number = getattr(syscalls.CLONE3, arch)

    assert verdict(seccomp.first(arch), seccomp.AUDIT_ARCH[arch], number) == error(errno.ENOSYS)


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(
    ("domain", "kind", "expected"),
    [
        (1, 1, ALLOW),
        (1, 1 | 0o2000000, ALLOW),  # with SOCK_CLOEXEC
        (1, 2, ALLOW),  # a datagram: harmless where there is no host socket to reach
        (2, 1, error(errno.EOPNOTSUPP)),
        (10, 1, error(errno.EOPNOTSUPP)),
        (16, 3, error(errno.EOPNOTSUPP)),
        (17, 3, error(errno.EOPNOTSUPP)),
        (38, 5, error(errno.EOPNOTSUPP)),
        (40, 1, error(errno.EOPNOTSUPP)),
        (1 << 32 | 2, 1, error(errno.EOPNOTSUPP)),  # the kernel looks at the low half only
        (1 << 32 | 1, 1, ALLOW),
    ],
)
def test_only_unix_sockets_can_be_made(arch: Arch, domain: int, kind: int, expected: int) -> None:
    audit, number = seccomp.AUDIT_ARCH[arch], getattr(syscalls.SOCKET, arch)

    assert verdict(seccomp.first(arch), audit, number, domain, kind) == expected
    assert verdict(seccomp.second(arch, processes=False), audit, number, domain, kind) == expected


@pytest.mark.parametrize("arch", ARCHES)
def test_limits_can_be_read_and_not_changed_after_the_launcher(arch: Arch) -> None:
    audit = seccomp.AUDIT_ARCH[arch]
    prlimit, setrlimit = getattr(syscalls.PRLIMIT64, arch), getattr(syscalls.OWN_BOUNDS["setrlimit"], arch)
    first, second = seccomp.first(arch), seccomp.second(arch, processes=True)

    assert verdict(second, audit, prlimit, 0, 7, 0, 0x7FFF0000) == ALLOW
    assert verdict(second, audit, prlimit, 0, 7, 0x7FFF0000) == error(errno.EPERM)
    assert verdict(second, audit, prlimit, 0, 7, 0x7FFF << 32) == error(errno.EPERM)
    assert verdict(second, audit, setrlimit) == error(errno.EPERM)
    assert verdict(first, audit, setrlimit) == ALLOW


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(("request_", "expected"), [(0x5412, "no"), (0x541C, "no"), (0x5401, "yes"), (0x5413, "yes")])
def test_nothing_can_be_typed_into_a_terminal(arch: Arch, request_: int, expected: str) -> None:
    answer = verdict(seccomp.first(arch), seccomp.AUDIT_ARCH[arch], getattr(syscalls.IOCTL, arch), 0, request_)

    assert answer == (ALLOW if expected == "yes" else error(errno.EPERM))


@pytest.mark.parametrize("arch", ARCHES)
def test_without_namespaces_signals_and_sockets_stay_within_the_process(arch: Arch) -> None:
    audit, program = seccomp.AUDIT_ARCH[arch], seccomp.second(arch, processes=False, own_pid=4321)

    def answer(numbers: Numbers, *arguments: int) -> int:
        return verdict(program, audit, getattr(numbers, arch), *arguments)

    assert answer(syscalls.KILL, 4321, 15) == ALLOW
    assert answer(syscalls.TGKILL, 4321, 4330, 6) == ALLOW
    assert answer(syscalls.KILL, 4322, 15) == error(errno.EPERM)
    assert answer(syscalls.KILL, -1, 9) == error(errno.EPERM)
    assert answer(syscalls.KILL, 0, 9) == error(errno.EPERM)
    assert answer(syscalls.TGKILL, 1, 1, 9) == error(errno.EPERM)
    assert answer(syscalls.NEIGHBOURS["connect"], 3) == error(errno.EPERM)
    assert answer(syscalls.SOCKET, 1, 1) == ALLOW
    assert answer(syscalls.SOCKET, 1, 2) == error(errno.EOPNOTSUPP)
    assert answer(syscalls.SOCKET, 1, 5) == error(errno.EOPNOTSUPP)


def test_no_number_stands_twice_in_the_table() -> None:
    groups = {**syscalls.ALWAYS, **syscalls.SEALED, **syscalls.NO_PROCESSES}

    for arch in ARCHES:
        numbers = [getattr(pair, arch) for pair in groups.values() if getattr(pair, arch) is not None]
        assert len(numbers) == len(set(numbers))
