"""The files beside a value's tree: written once, read once into this process's own memory."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import Any, Protocol


class Uncrossable(Exception):
    """Raised while writing: `kind` is the type that cannot cross, `why` says what about it, `where` leads to it."""

    def __init__(self, kind: str, why: str = "", *, where: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.why = why
        self.where = where


class Malformed(Exception):
    """Raised while reading: this is not what the writer would have written."""


def expect(holds: object, what: str) -> None:
    """Raise `Malformed` saying `what` unless it `holds`."""
    if not holds:
        raise Malformed(what)


class PartWriter:
    """Gives the names of fresh files below `folder`, numbered from 0."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.count = 0

    def new(self) -> tuple[int, str]:
        """A number and the path to be written."""
        number = self.count
        self.count += 1
        return number, os.path.join(self._folder, str(number))


class PartReader:
    """Gives the bytes of numbered parts; each is read once, into memory that belongs to nobody else.

    `open_part` gives a descriptor for a number. `limit` bounds the sum of all parts, in bytes.
    """

    def __init__(self, open_part: Callable[[int], int], *, limit: int) -> None:
        self._open = open_part
        self._room = limit

    def read(self, number: object) -> Any:
        """The part as a writable buffer. What a view shows of it can be used for as long as one likes."""
        expect(type(number) is int and 0 <= number < 10_000, "a part's number")
        assert isinstance(number, int)
        descriptor = self._open(number)
        try:
            size = os.fstat(descriptor).st_size
            expect(size <= self._room, "no values that are larger than the limit")
            self._room -= size
            return read_exactly(descriptor, size)
        finally:
            os.close(descriptor)


def read_exactly(descriptor: int, size: int) -> Any:
    """Copy `size` bytes into fresh memory. A file that shrinks meanwhile is `Malformed`; one that grows is cut."""
    # An anonymous mapping is filled once; a bytearray would be written twice, zeros first.
    memory: Any = mmap.mmap(-1, size) if size >= mmap.PAGESIZE else bytearray(size)
    view = memoryview(memory)
    done = 0
    while done < size:
        count = os.readv(descriptor, [view[done:]])
        expect(count > 0, "a file that shrinks while it is read")
        done += count
    return memory


class Encoding(Protocol):
    """What a library's writers ask of the encoder: to encode what lies inside, and to number parts."""

    parts: PartWriter

    def encode(self, value: Any) -> Any: ...


class Decoding(Protocol):
    """What a library's readers ask of the decoder."""

    parts: PartReader

    def decode(self, tree: Any) -> Any: ...
