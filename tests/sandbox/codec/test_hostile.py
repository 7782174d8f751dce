"""The same reader on what a hostile sandbox could send: refused, in bounded time and memory, and nothing is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tokenize
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_autocoder.sandbox.codec.parts import Malformed, PartReader, PartWriter
from jupyter_autocoder.sandbox.codec.tree import Decoder, Encoder

REFUSALS = (Malformed, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, pa.ArrowException)


def read(tree: Any, folder: Path, *, limit: int = 2**24) -> Any:
    reader = PartReader(lambda number: os.open(folder / str(number), os.O_RDONLY), limit=limit)
    return Decoder(reader).decode(json.loads(json.dumps(tree)))


def tagged(tag: str, data: Any) -> Any:
    return {"~": tag, "v": data}


@pytest.mark.parametrize(
    "tree",
    [
        tagged("pickle", "gASVBQAAAAAAAABLAS4="),
        tagged("eval", "1"),
        tagged(["x"], 1),  # type: ignore[arg-type]
        {"~": "int", "v": "ff", "more": 1},
        {"~": "int"},
        tagged("int", 5),
        tagged("set", [[1]]),
        tagged("dict", [[[1], 2]]),
        tagged("dict", [[1]]),
        tagged("dict", {"a": 1}),
        tagged("tuple", "text"),
        tagged("bytes", "not base64!"),
        tagged("bytes", {"part": "../../etc/passwd"}),
        tagged("bytes", {"part": -1}),
        tagged("bytes", {"part": True}),
        tagged("datetime", ["2024-01-01T00:00:00", "../../../etc/passwd", 0]),
        tagged("datetime", ["2024-01-01T00:00:00", [10**9, 0, 0], 0]),
        tagged("date", "x" * 1000),
        tagged("timedelta", [10**12, 0, 0]),
        tagged("deque", [[1], -5]),
        tagged("range", [0, 1, 0]),
        tagged("complex", ["x", 1]),
        tagged("npy-scalar", ["O", "AAAAAAAAAAA="]),
        tagged("npy-scalar", ["<f8", "AAAA"]),
        tagged("npy-scalar", ["V99999999999", ""]),
        tagged("moment", ["Timestamp", 5, "Y", None]),
        tagged("moment", ["Period", 5, "x" * 100]),
        tagged("moment", ["__class__"]),
        tagged("picture", ["RGB", 10**6, 10**6, 0, []]),
        tagged("picture", ["RGB", -1, 5, 0, []]),
        tagged("picture", ["../x", 1, 1, 0, []]),
        tagged("frame", {}),
        tagged("series", []),
        tagged("index", {"index": {"kind": "eval", "names": []}, "shelf": []}),
        tagged("index", {"index": {"kind": "range", "names": [1], "range": [0, "5", 1]}, "shelf": []}),
    ],
)
def test_trees_that_our_writer_would_not_write_are_refused(tree: Any, tmp_path: Path) -> None:
    with pytest.raises(REFUSALS):
        read(tree, tmp_path)


def test_a_deep_tree_is_refused(tmp_path: Path) -> None:
    tree: Any = 1
    for _ in range(300):
        tree = [tree]

    with pytest.raises(Malformed):
        read(tree, tmp_path)


# -- npy ---------------------------------------------------------------------------------------------------------------
def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


class _Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("touch pwned",)


def _object_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([_Bomb()], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        pickle.dumps(_Bomb()),
        _object_array(),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", b"x" * 8),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"x" * 8),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", b"x" * 9),
        npy("{'descr': '|V0', 'fortran_order': False, 'shape': (100000000000,)}"),
        npy("{'descr': '<U0', 'fortran_order': False, 'shape': (100000000000,)}"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"x" * 8),
        npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", b"x" * 8),
        npy("{'descr': __import__('os').system('touch pwned'), 'fortran_order': False, 'shape': ()}"),
        npy("(" * 5000),
    ],
    ids=range(13),
)
def test_hostile_npy_is_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").write_bytes(content)

    with pytest.raises((*REFUSALS, SyntaxError, MemoryError, RecursionError, tokenize.TokenError)):
        read(tagged("npy", 0), tmp_path)

    assert not (tmp_path / "pwned").exists()


# -- Arrow -------------------------------------------------------------------------------------------------------------
def ipc(table: Any, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


class _Alien(pa.ExtensionType):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.alien")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: Any, serialized: bytes) -> Any:
        raise AssertionError("an extension type was loaded")


def test_compressed_streams_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(ipc(pa.table({"a": np.zeros(100_000)}), compression="zstd"))

    with pytest.raises(Malformed, match="uncompressed"):
        read(tagged("arrow", ["Table", 0]), tmp_path)


def test_compressed_dictionaries_are_refused(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array(["x" * 1000] * 50).dictionary_encode()})
    (tmp_path / "0").write_bytes(ipc(table, compression="lz4"))

    with pytest.raises(Malformed, match="uncompressed"):
        read(tagged("arrow", ["Table", 0]), tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        pa.ExtensionArray.from_storage(_Alien(), pa.array([1])),
        pa.array(["a"], pa.string_view()),
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
        pa.RunEndEncodedArray.from_arrays(pa.array([10**9], pa.int32()), pa.array([1])),
        pa.nulls(10**9),
    ],
    ids=["extension", "view", "union", "run-ends", "nulls"],
)
def test_types_and_rows_that_cost_nothing_to_claim_are_refused(array: Any, tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(ipc(pa.table([array], names=["a"])))

    with pytest.raises(Malformed):
        read(tagged("arrow", ["Table", 0]), tmp_path)


def test_broken_streams_never_crash_the_reader(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, 3], "b": ["x", "yy", None], "c": [[1], [], [2, 3]]})
    good = ipc(table)
    random = np.random.default_rng(5)

    for _ in range(600):
        broken = bytearray(good)
        for _ in range(int(random.integers(1, 6))):
            broken[int(random.integers(0, len(broken)))] = int(random.integers(0, 256))
        (tmp_path / "0").write_bytes(broken[: int(random.integers(1, len(broken) + 1))])
        try:
            back = read(tagged("arrow", ["Table", 0]), tmp_path)
        except (*REFUSALS, OSError, MemoryError):
            continue
        back.to_pylist()  # what was accepted can be looked at


# -- pandas ------------------------------------------------------------------------------------------------------------
def _spec(value: Any, folder: Path) -> Any:
    return Encoder(PartWriter(str(folder))).encode(value)


def test_pyarrows_own_pandas_metadata_mean_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": pd.Series(["x", "y"], dtype="string")})
    tree = _spec(frame, tmp_path)
    evil = pa.table({"a": pa.array(["x", "y"], pa.large_string())}).replace_schema_metadata(
        {"pandas": '{"columns": [{"numpy_type": "object"}]}'}
    )
    (tmp_path / "0").write_bytes(ipc(evil.rename_columns(["0"])))

    pd.testing.assert_frame_equal(read(tree, tmp_path), frame)


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (("rows",), 10**12),
        (("rows",), -1),
        (("data",), []),
        (("data", 0, "kind"), "exec"),
        (("data", 0, "kind"), ["number"]),
        (("data", 0, "dtype"), "object"),
        (("data", 0, "dtype"), "int32"),
        (("data", 0, "dtype"), ["int64"]),
        (("data", 0, "at"), [0, 99]),
        (("data", 0, "at"), [99, 0]),
        (("data", 0, "at"), [-1, -1]),
        (("data", 0, "at"), "x"),
        (("index",), {"kind": "range", "names": [None], "range": [0, 10**15, 1]}),
        (("index",), {"kind": "range", "names": [], "range": [0, 3, 1]}),
        (("index",), {"kind": "plain", "names": [None], "data": {"kind": "time"}, "freq": "D"}),
        (("index",), {"kind": "multi", "names": [None], "levels": [{"kind": "multi"}], "codes": [{}]}),
        (("columns",), {"kind": "range", "names": [None], "range": [0, 5, 1]}),
        (("attrs",), [1, 2]),
        (("attrs",), {"~": "frame", "v": {}}),
        (("shelf",), [0] * 5000),
        (("shelf",), "0"),
        (("shelf",), [5]),
    ],
)
def test_hostile_schemas_are_refused(where: tuple[Any, ...], what: Any, tmp_path: Path) -> None:
    tree = _spec(pd.DataFrame({"a": [1, 2, 3]}), tmp_path)
    place = tree["v"]
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = what

    with pytest.raises((*REFUSALS, FileNotFoundError, MemoryError)):
        read(tree, tmp_path)


@pytest.mark.parametrize(
    "places",
    [
        [[0, 3], [0, 3]],  # the same bytes twice
        [[0, 3], [8, 3]],
        [[8, 3], [0, 3]],
        [[64, 3], [0, 3]],  # in another order, but each its own: that is read
        [[0, 3], [64, 4]],
        [[0, 3], [64, 2**61]],
        [[0, 3], [2**64, 3]],
        [[0, 3], [0, 0]],
        [[0, 3], [64, True]],
    ],
)
def test_columns_of_numbers_have_bytes_of_their_own(places: list[Any], tmp_path: Path) -> None:
    tree = _spec(pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}), tmp_path)
    assert [spec["at"] for spec in tree["v"]["data"]] == [[0, 3], [64, 3]]
    for spec, place in zip(tree["v"]["data"], places, strict=True):
        spec["at"] = place

    if places == [[64, 3], [0, 3]]:
        assert read(tree, tmp_path)["a"].tolist() == [4, 5, 6]
    else:
        with pytest.raises(REFUSALS):
            read(tree, tmp_path)


@pytest.mark.parametrize("code", [-2, 5, 127])
def test_categories_out_of_range_are_refused(code: int, tmp_path: Path) -> None:
    tree = _spec(pd.Series(pd.Categorical(["a", "b"])), tmp_path)
    part, (offset, count) = tmp_path / str(tree["v"]["shelf"][0]), tree["v"]["data"]["codes"]
    raw = bytearray(part.read_bytes())
    raw[offset : offset + count] = np.array([0, code], "int8").tobytes()
    part.write_bytes(raw)

    with pytest.raises(REFUSALS):
        read(tree, tmp_path)


def test_more_bytes_than_the_limit_are_refused(tmp_path: Path) -> None:
    tree = _spec(np.zeros(10_000), tmp_path)

    with pytest.raises(Malformed, match="larger than the limit"):
        read(tree, tmp_path, limit=10_000)


def test_the_limit_is_for_all_parts_together(tmp_path: Path) -> None:
    tree = _spec([np.zeros(1000)] * 20, tmp_path)

    with pytest.raises(Malformed, match="larger than the limit"):
        read(tree, tmp_path, limit=50_000)
