"""Arrow data as uncompressed IPC streams; read without trusting a single length of them."""

from __future__ import annotations

import struct
from typing import Any

from jupyter_autocoder.sandbox.codec.parts import PartReader, PartWriter, Uncrossable, expect

FIELDS = 20_000
NESTING = 20
# Rows that need no bytes at all (null columns) cost nothing to claim and much to show.
FREE_ROWS = 10**6


def is_table(value: Any) -> bool:
    import pyarrow as pa

    return isinstance(value, (pa.Table, pa.RecordBatch, pa.ChunkedArray, pa.Array))


def is_polars(value: Any) -> bool:
    import polars as pl

    return isinstance(value, (pl.DataFrame, pl.Series, pl.LazyFrame))


def write_table(value: Any, parts: PartWriter) -> Any:
    """What it is, and the part's number; extension types and schema metadata stay behind."""
    import pyarrow as pa

    kind = next(k for k in ("Table", "RecordBatch", "ChunkedArray", "Array") if isinstance(value, getattr(pa, k)))
    if kind == "RecordBatch":
        table = pa.Table.from_batches([value])
    elif kind == "Table":
        table = value
    else:
        table = pa.table([value], names=[""])
    for field in table.schema:
        if not is_plain(field.type):
            raise Uncrossable(f"Arrow column of {field.type}", "cast it to a plain type first")
    return [kind, write(table, parts)]


def read_table(data: Any, parts: PartReader) -> Any:
    expect(isinstance(data, list) and len(data) == 2, "an Arrow object")
    table = read(data[1], parts)
    if data[0] == "Table":
        return table
    if data[0] == "RecordBatch":
        batches = table.combine_chunks().to_batches()
        expect(len(batches) == 1, "one batch")
        return batches[0]
    expect(data[0] in ("ChunkedArray", "Array") and table.num_columns == 1, "one column")
    column = table.column(0)
    return column if data[0] == "ChunkedArray" else column.combine_chunks()


def write_polars(value: Any, parts: PartWriter) -> Any:
    import polars as pl

    if isinstance(value, pl.LazyFrame):
        raise Uncrossable("polars.LazyFrame", "it is a plan; its .collect() can cross")
    series = isinstance(value, pl.Series)
    frame = value.to_frame() if series else value
    for name, kind in frame.schema.items():
        if _holds_objects(kind):
            # polars would give out their addresses, as bytes of a plain type.
            why = "its elements are Python objects; a list of them may cross"
            raise Uncrossable(f"polars column of {kind}", why, where=f"column {name!r}")
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    for field in table.schema:
        if not is_plain(field.type):
            raise Uncrossable(f"polars column of {frame.schema[field.name]}", "cast it to a plain type first")
    return ["series" if series else "frame", write(table, parts)]


def _holds_objects(kind: Any) -> bool:
    import polars as pl

    inner = [getattr(kind, "inner", None), *(field.dtype for field in getattr(kind, "fields", ()))]
    return kind == pl.Object or any(_holds_objects(one) for one in inner if one is not None)


def read_polars(data: Any, parts: PartReader) -> Any:
    import polars as pl

    expect(isinstance(data, list) and len(data) == 2 and data[0] in ("series", "frame"), "a polars object")
    frame = pl.DataFrame(pl.from_arrow(read(data[1], parts)))
    return frame if data[0] == "frame" else frame.to_series()


def write(table: Any, parts: PartWriter) -> int:
    """Write `table` into a fresh part, each buffer once, and give its number."""
    import pyarrow as pa

    number, path = parts.new()
    bare = pa.schema([field.remove_metadata() for field in table.schema])
    plain = table.cast(bare) if any(field.metadata for field in table.schema) else table.replace_schema_metadata(None)
    options = pa.ipc.IpcWriteOptions(compression=None, unify_dictionaries=True)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, plain.schema, options=options) as stream:
        stream.write_table(plain)
    return number


def read(number: object, parts: PartReader) -> Any:
    """The table over the part's own memory, fully validated, with plain types and without metadata."""
    import pyarrow as pa

    memory = parts.read(number)
    expect(len(memory) > 0, "an Arrow stream")
    buffer = pa.py_buffer(memory)
    _refuse_compression(buffer)
    with pa.ipc.open_stream(buffer) as stream:
        schema = stream.schema
        expect(len(schema) <= FIELDS, "fewer columns")
        for field in schema:
            expect(not field.metadata and is_plain(field.type), "columns of plain types")
        table = stream.read_all()
    expect(table.num_rows <= len(memory) * 8 + FREE_ROWS, "rows that are there")
    table.validate(full=True)
    return table.replace_schema_metadata(None)


def is_plain(kind: Any, depth: int = 0) -> bool:
    """Whether `kind` is made of ordinary types alone: no extensions, unions, views or run-length tricks."""
    import pyarrow as pa

    tests = pa.types
    if isinstance(kind, pa.BaseExtensionType) or depth > NESTING:
        return False
    if tests.is_dictionary(kind):
        return is_plain(kind.index_type, depth + 1) and is_plain(kind.value_type, depth + 1)
    if tests.is_struct(kind) or tests.is_list(kind) or tests.is_large_list(kind) or tests.is_map(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return bool(fields) and all(not f.metadata and is_plain(f.type, depth + 1) for f in fields)
    if tests.is_fixed_size_list(kind):
        return kind.list_size > 0 and is_plain(kind.value_type, depth + 1)
    if tests.is_fixed_size_binary(kind):
        return bool(kind.byte_width > 0)
    if tests.is_binary_view(kind) or tests.is_string_view(kind):
        return False
    return bool(
        tests.is_primitive(kind)
        or tests.is_null(kind)
        or tests.is_decimal(kind)
        or tests.is_string(kind)
        or tests.is_large_string(kind)
        or tests.is_binary(kind)
        or tests.is_large_binary(kind)
    )


# -- the messages of a stream ------------------------------------------------------------------------------------------
# org.apache.arrow.flatbuf.Message: slot 1 is the header's type, slot 2 the header. RecordBatch (type 3): slot 3 is the
# compression. DictionaryBatch (type 2): slot 1 is a RecordBatch.
_DICTIONARY, _BATCH = 2, 3


def _refuse_compression(buffer: Any) -> None:
    """A compressed body is expanded to whatever length it claims; ours are written without."""
    import pyarrow as pa

    for message in pa.ipc.MessageReader.open_stream(buffer):
        expect(not _is_compressed(message.metadata.to_pybytes()), "an uncompressed stream")


def _is_compressed(raw: bytes) -> bool:
    try:
        root = struct.unpack_from("<I", raw, 0)[0]
        slot = _slot(raw, root, 1)
        kind = raw[slot] if slot else 0
        if kind not in (_DICTIONARY, _BATCH):
            return False
        batch = _follow(raw, _slot(raw, root, 2))
        if kind == _DICTIONARY:
            batch = _follow(raw, _slot(raw, batch, 1))
        return _slot(raw, batch, 3) != 0
    except (struct.error, IndexError):
        return True


def _slot(raw: bytes, table: int, number: int) -> int:
    """Where a flatbuffer table keeps a field; 0 when it has none."""
    vtable = table - struct.unpack_from("<i", raw, table)[0]
    size = struct.unpack_from("<H", raw, vtable)[0]
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", raw, vtable + place)[0] if place + 2 <= size else 0
    return table + offset if offset else 0


def _follow(raw: bytes, place: int) -> int:
    return int(place + struct.unpack_from("<I", raw, place)[0])
