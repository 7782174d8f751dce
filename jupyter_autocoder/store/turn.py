"""Whose turn it is to write: a short line before the file's own lock, so that nobody starves and no time is slept away.

SQLite lets waiting writers sleep and look again: under load the lock lies idle between two looks, and the unlucky wait
for long. Here they wait in the kernel, first come, first served, on a System V semaphore, the one lock of Unix that
knows all three: a time limit, an order, and an end when its holder is killed. It decides nothing: whoever has not had
the turn in time, or has no semaphores at all, goes on to the file's lock, which alone keeps writers apart.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Final, Protocol

# One set for all stores of a user, since it outlives all of them (though not every logout: then there is no line until
# the next start). Two stores that share a number only wait for each other now and then.
_NUMBERS: Final = 128
_KEY: Final = 0x4A41_0000
_CREATE, _NO_WAIT, _UNDO = 0o1000, 0o4000, 0x1000


class Turn(Protocol):
    """The place of one connection in the line of those that want to write."""

    def take(self, seconds: float) -> None:
        """Wait for the turn, at most `seconds`; not to get it is no failure."""

    def give(self) -> None:
        """Let the next one go; nothing happens where the turn was not taken."""


class NoTurn:
    """What there is where the system knows no semaphores: no line."""

    def take(self, seconds: float) -> None:
        pass

    def give(self) -> None:
        pass


class SemaphoreTurn:
    """One semaphore: 0 is free; `operate` does operations on the set, all or none, and says whether it did.

    A fork copies the object and not the turn: what the child gave back would be taken from its parent.
    """

    def __init__(self, operate: Callable[..., bool], number: int) -> None:
        self._operate = operate
        self._number = number
        self._holder = 0

    @property
    def mine(self) -> bool:
        """Whether this process holds the turn by this object."""
        return self._holder == os.getpid()

    def take(self, seconds: float) -> None:
        if not self.mine and self._operate((self._number, 0, 0), (self._number, 1, _UNDO), seconds=seconds):
            self._holder = os.getpid()

    def give(self) -> None:
        if self.mine:
            self._holder = 0
            self._operate((self._number, -1, _UNDO | _NO_WAIT), seconds=0)


def turn_for(identity: tuple[int, int]) -> Turn:
    """Return a place in the line of the file that is known by this device and number."""
    operate = _operate()
    return NoTurn() if operate is None else SemaphoreTurn(operate, sum(identity) % _NUMBERS)


@functools.cache
def _operate() -> Callable[..., bool] | None:
    # Late: most processes that import the store never open it.
    import ctypes

    class Operation(ctypes.Structure):
        _fields_ = (("number", ctypes.c_ushort), ("change", ctypes.c_short), ("flags", ctypes.c_short))

    class Time(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    try:
        libc = ctypes.CDLL(None)
        semget, semtimedop = libc.semget, libc.semtimedop
    except (OSError, AttributeError):
        return None
    found = semget(ctypes.c_int(_KEY | os.getuid() & 0xFFFF), _NUMBERS, _CREATE | 0o600)
    if found < 0:
        return None

    @functools.cache
    def prepared(operations: tuple[tuple[int, int, int], ...], seconds: float) -> tuple[Any, ...]:
        array = (Operation * len(operations))(*(Operation(*operation) for operation in operations))
        return array, len(operations), ctypes.byref(Time(int(seconds), int(seconds % 1 * 1e9)))

    def operate(*operations: tuple[int, int, int], seconds: float) -> bool:
        return bool(semtimedop(found, *prepared(operations, seconds)) == 0)

    return operate
