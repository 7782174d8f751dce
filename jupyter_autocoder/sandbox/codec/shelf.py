"""Where the columns of one pandas object stand: numbers as raw bytes, one after another, everything else in Arrow.

What is written goes straight into the part, piece by piece, and what is read stays where the part was read to: each
side holds a column once.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Any

from jupyter_autocoder.sandbox.codec import tables
from jupyter_autocoder.sandbox.codec.parts import Decoding, Encoding, expect

# Arrow's own alignment, and that of a cache line.
ALIGNMENT = 64
# Elements of a strided column that are gathered at a time: small enough to stay in the cache.
PIECE = 2**16
_MOST_PARTS = 1000


class ShelfWriter:
    """Takes columns in; what `put` and `put_raw` give is the place that leads `Shelf` to them.

    The raw bytes are all there when its `with` has ended.
    """

    def __init__(self, encoder: Encoding) -> None:
        self.encoder = encoder
        self._arrays: dict[int, list[Any]] = {}
        self._raw: Any = None
        self._number: int | None = None

    def put(self, array: Any) -> list[int]:
        """Take an Arrow array (or chunked array) in; those of equal length share a stream."""
        arrays = self._arrays.setdefault(len(array), [])
        arrays.append(array)
        return [list(self._arrays).index(len(array)), len(arrays) - 1]

    def put_raw(self, values: Any) -> list[int]:
        """Take a one-dimensional numpy array of plain elements in."""
        if len(values) == 0:
            return [0, 0]
        if self._raw is None:
            self._number, path = self.encoder.parts.new()
            self._raw = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        offset = self._raw.tell()
        self._raw.write(bytes(-offset % ALIGNMENT))
        offset = self._raw.tell()
        for piece in _pieces(values):
            self._raw.write(piece)
        return [offset, len(values)]

    def finish(self) -> list[int | None]:
        """Write what is left; the numbers of the parts, first that of the raw bytes."""
        import pyarrow as pa

        written = [
            tables.write(pa.table(arrays, names=[str(n) for n in range(len(arrays))]), self.encoder.parts)
            for arrays in self._arrays.values()
        ]
        return [self._number, *written]

    def __enter__(self) -> ShelfWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._raw is not None:
            self._raw.close()


def _pieces(values: Any) -> Iterator[Any]:
    import numpy as np

    if values.flags.c_contiguous:
        yield values.view("uint8")
        return
    for start in range(0, len(values), PIECE):
        yield np.ascontiguousarray(values[start : start + PIECE]).view("uint8")


class Shelf:
    """Gives the columns that a hostile writer says are there."""

    def __init__(self, numbers: object, decoder: Decoding) -> None:
        expect(isinstance(numbers, list) and 0 < len(numbers) < _MOST_PARTS, "a list of parts")
        assert isinstance(numbers, list)
        self.decoder = decoder
        self._raw = b"" if numbers[0] is None else decoder.parts.read(numbers[0])
        self._tables = [tables.read(number, decoder.parts) for number in numbers[1:]]
        self._taken: list[tuple[int, int]] = []

    def take(self, place: object, kind: Any = None) -> Any:
        """The Arrow array at `place`, in one piece; it must be of Arrow type `kind` where one is given."""
        number, index = _two(place)
        expect(number < len(self._tables) and index < self._tables[number].num_columns, "a place that exists")
        column = self._tables[number].column(index)
        expect(kind is None or column.type == kind, f"a column of {kind}")
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def take_raw(self, place: object, dtype: str) -> Any:
        """A writable array over the part's own memory; no two of them share a byte."""
        import numpy as np

        offset, count = _two(place)
        size = count * np.dtype(dtype).itemsize
        if size == 0:
            return np.empty(0, dtype)
        expect(offset + size <= len(self._raw), "as many bytes as the column says")
        after = bisect.bisect(self._taken, (offset, offset))
        neighbours = self._taken[max(after - 1, 0) : after + 1]
        expect(all(end <= offset or start >= offset + size for start, end in neighbours), "bytes of its own")
        self._taken.insert(after, (offset, offset + size))
        values = np.frombuffer(self._raw, dtype, count, offset)
        return values if values.flags.aligned else values.copy()

    def finish(self) -> None:
        """Expect that all raw bytes were asked for: what is left over belongs to no column."""
        end = 0
        for start, stop in self._taken:
            expect(start == end + -end % ALIGNMENT, "no bytes between the columns")
            end = stop
        expect(end == len(self._raw), "no bytes after the columns")


def _two(place: object) -> tuple[int, int]:
    expect(isinstance(place, list) and len(place) == 2 and all(type(n) is int and n >= 0 for n in place), "a place")
    assert isinstance(place, list)
    return place[0], place[1]
