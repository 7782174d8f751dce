"""A very small assembler for seccomp's classic BPF.

The filters here have one shape: a row of independent refusals, tried in order, and ``allow`` at the end. So a program
needs no labels: every refusal is a block that either returns or falls through to the next one, with the system call's
number still in the accumulator.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

# linux/bpf_common.h
LOAD_WORD, JUMP_EQUAL, JUMP_GREATER, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
# linux/seccomp.h: struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000

Instruction = tuple[int, int, int, int]
"""code, jump if true, jump if false, operand."""


@dataclass(frozen=True, slots=True)
class Test:
    """A look at one argument's low 32 bits (`null` looks at all 64); the system call is refused when it comes true."""

    argument: int
    kind: Literal["equals", "differs", "any_bit", "no_bit", "not_null"]
    value: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """System call `number` ends with `error`: always, or when one of `tests` comes true."""

    number: int
    error: int
    tests: tuple[Test, ...] = ()


def program(arch: int, newest: int, unknown: int, refusals: Sequence[Refusal]) -> list[Instruction]:
    """Assemble a filter for one architecture.

    Calls of another architecture (32-bit entry points) kill the process; numbers above `newest` (which the table has
    never heard of, x32's too) end with the error `unknown`; everything not refused is allowed.
    """
    return [
        (LOAD_WORD, 0, 0, ARCH_AT),
        (JUMP_EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD_WORD, 0, 0, NUMBER_AT),
        (JUMP_GREATER, 0, 1, newest),
        (RETURN, 0, 0, ERRNO | unknown),
        *(instruction for refusal in refusals for instruction in _block(refusal)),
        (RETURN, 0, 0, ALLOW),
    ]


def encode(instructions: Sequence[Instruction]) -> bytes:
    """The program as an array of struct sock_filter, in the machine's own byte order."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _block(refusal: Refusal) -> Iterator[Instruction]:
    refuse = (RETURN, 0, 0, ERRNO | refusal.error)
    if not refusal.tests:
        yield (JUMP_EQUAL, 0, 1, refusal.number)
        yield refuse
        return
    body = [instruction for test in refusal.tests for instruction in _test(test, refuse)]
    # The tests overwrite the number, so a block that has looked at arguments must decide: its end is ``allow``.
    body.append((RETURN, 0, 0, ALLOW))
    yield (JUMP_EQUAL, 0, len(body), refusal.number)
    yield from body


def _test(test: Test, refuse: Instruction) -> list[Instruction]:
    low = (LOAD_WORD, 0, 0, ARGUMENTS_AT + 8 * test.argument)
    high = (LOAD_WORD, 0, 0, ARGUMENTS_AT + 8 * test.argument + 4)
    if test.kind == "equals":
        return [low, (JUMP_EQUAL, 0, 1, test.value), refuse]
    if test.kind == "differs":
        return [low, (JUMP_EQUAL, 1, 0, test.value), refuse]
    if test.kind == "any_bit":
        return [low, (JUMP_ANY_BIT, 0, 1, test.value), refuse]
    if test.kind == "no_bit":
        return [low, (JUMP_ANY_BIT, 1, 0, test.value), refuse]
    return [low, (JUMP_EQUAL, 1, 0, 0), refuse, high, (JUMP_EQUAL, 1, 0, 0), refuse]
