"""numpy arrays as npy files, without pickle and without objects."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

from jupyter_autocoder.sandbox.codec.parts import Decoding, Encoding, PartReader, PartWriter, Uncrossable, expect

KINDS = "?biufcSUmMV"
HEADER = 10_000
DIMENSIONS = 32


def is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray)


def is_scalar(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.generic)


def write(value: Any, parts: PartWriter) -> Any:
    """The part's number. Raises Uncrossable for object arrays and for subclasses that carry more than their data."""
    import numpy as np

    kind = type(value)
    if kind is not np.ndarray and kind is not np.memmap:
        advice = "np.asarray(...) of it can cross" if kind is not np.ma.MaskedArray else "its .filled(...) can cross"
        raise Uncrossable(f"numpy.{kind.__name__}", advice)
    if value.dtype.hasobject or value.dtype.kind not in KINDS:
        raise Uncrossable(f"numpy array of {value.dtype}", "its elements are Python objects; a list of them may cross")
    number, path = parts.new()
    with open(path, "wb") as file:
        np.lib.format.write_array(file, value, allow_pickle=False)
    return number


def read(data: Any, parts: PartReader) -> Any:
    """A writable array over the part's own memory."""
    import numpy as np

    memory = parts.read(data)
    head = io.BytesIO(memoryview(memory)[:HEADER])
    version = np.lib.format.read_magic(head)
    expect(version in ((1, 0), (2, 0)), "npy of version 1 or 2")
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(head, max_header_size=HEADER)
    expect(not dtype.hasobject and dtype.kind in KINDS and len(shape) <= DIMENSIONS, "an array of plain elements")
    expect(all(length >= 0 for length in shape), "a shape")
    count = math.prod(shape)
    expect(count * dtype.itemsize == len(memory) - head.tell(), "as many elements as the array says")
    if count == 0 or dtype.itemsize == 0:
        expect(count < HEADER, "elements that take no memory, in bearable numbers")
        return np.zeros(shape, dtype, order="F" if fortran else "C")
    flat = np.frombuffer(memory, dtype=dtype, count=count, offset=head.tell())
    if not flat.flags.aligned:
        flat = flat.copy()
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def write_scalar(value: Any, encoder: Encoding) -> Any:
    if value.dtype.hasobject or value.dtype.kind not in KINDS.replace("V", ""):
        raise Uncrossable(f"numpy.{type(value).__name__}")
    return [value.dtype.str, base64.b64encode(value.tobytes()).decode()]


def read_scalar(data: Any, decoder: Decoding) -> Any:
    import numpy as np

    expect(isinstance(data, list) and len(data) == 2 and all(isinstance(part, str) for part in data), "a scalar")
    dtype = np.dtype(data[0])
    raw = base64.b64decode(data[1], validate=True)
    expect(dtype.kind in KINDS.replace("V", "") and dtype.itemsize == len(raw), "a scalar's bytes")
    return np.frombuffer(raw, dtype)[0] if raw else np.zeros((), dtype)[()]
