"""Values written and read again: what comes back is equal, ordinary and writable; what cannot cross is named."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import fractions
import json
import math
import os
import uuid
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_autocoder.sandbox.codec.parts import PartReader, PartWriter, Uncrossable
from jupyter_autocoder.sandbox.codec.tree import Decoder, Encoder

Cross = Callable[[Any], Any]


@pytest.fixture
def cross(tmp_path: Path) -> Cross:
    """Write a value and read it again."""
    count = iter(range(1000))

    def crossing(value: Any) -> Any:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        tree = json.loads(json.dumps(Encoder(PartWriter(str(folder))).encode(value)))
        reader = PartReader(lambda number: os.open(folder / str(number), os.O_RDONLY), limit=2**30)
        return Decoder(reader).decode(tree)

    return crossing


# -- plain values ------------------------------------------------------------------------------------------------------
Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**100),
        10**5000,
        1.5,
        math.inf,
        "text",
        "half a pair \ud800",
        "",
        [],
        {},
        (),
        [1, [2.5, [None, "x"]]],
        {"a": {"b": [1]}},
        {"~": 1, "v": 2},
        {1: 2, (3, 4): None, None: "x"},
        (1, (2,), [3]),
        {1, 2},
        frozenset({"a"}),
        b"short",
        b"long" * 100_000,
        bytearray(b"x"),
        1 + 2j,
        range(1, 10, 3),
        decimal.Decimal("1.20"),
        decimal.Decimal("-0"),
        fractions.Fraction(1, 3),
        uuid.UUID(int=5),
        dt.date(2024, 2, 29),
        dt.time(1, 2, 3, 4),
        dt.datetime(2024, 1, 1, 12, 30, 15, 999),
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1),
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=30))),
        dt.timedelta(days=-1, microseconds=5),
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.Counter("abca"),
        collections.deque([1, 2], maxlen=3),
        list(range(100_000)),
        [0.1] * 20_000,
        [2**70] * 20_000,
        [1, 2.5] * 10_000,
        [True] * 20_000,
    ],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:20] if not isinstance(value, int) else 'n'}",
)
def test_plain_values_come_back_equal_and_of_the_same_type(cross: Cross, value: Any) -> None:
    back = cross(value)

    assert back == value
    assert type(back) is type(value)


def test_nan_comes_back(cross: Cross) -> None:
    assert math.isnan(cross(math.nan))


def test_fold_survives(cross: Cross) -> None:
    moment = dt.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=1)

    assert cross(moment).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        (Point(1, 2), (1, 2)),
    ],
    ids=["defaultdict", "namedtuple"],
)
def test_relatives_of_plain_values_come_back_plain(cross: Cross, value: Any, plain: Any) -> None:
    back = cross(value)

    assert back == plain
    assert type(back) is type(plain)


@dataclasses.dataclass
class _Thing:
    x: int


class _Model:
    def fit(self) -> None: ...
    def predict(self) -> None: ...


def _generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lambda: 1, "code"),
        (_Thing, "code"),
        (_Thing(1), "asdict"),
        (_Model(), "model"),
        (_generator(), "list"),
        (object(), ""),
        ([1, {"a": object()}], ""),
        (json, ""),
    ],
    ids=["function", "class", "dataclass", "model", "generator", "object", "nested", "module"],
)
def test_what_is_no_data_is_refused_with_its_type(cross: Cross, value: Any, why: str) -> None:
    with pytest.raises(Uncrossable) as caught:
        cross(value)

    assert caught.value.kind
    assert why in caught.value.why


def test_what_contains_itself_is_refused(cross: Cross) -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(Uncrossable, match="list"):
        cross(loop)


# -- numpy -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "array",
    [
        np.arange(5),
        np.zeros((2, 3, 4), dtype="float32"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10)[::3],
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(["2024-01-01", "NaT"], dtype="M8[D]"),
        np.array([1, 2], dtype="m8[ms]"),
        np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array(3.5),
        np.zeros((0, 3)),
        np.arange(3, dtype=">i4"),
        np.array([1.5], dtype="float16"),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_come_back_equal_and_writable(cross: Cross, array: Any) -> None:
    back = cross(array)

    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.flags.writeable


@pytest.mark.parametrize(
    "value", [np.float64(1.5), np.int8(-3), np.bool_(True), np.datetime64("2024-01-01"), np.str_("x")]
)
def test_numpy_scalars_come_back(cross: Cross, value: Any) -> None:
    back = cross(value)

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "array", [np.array([object()]), np.ma.array([1], mask=[True]), np.array([(1, None)], dtype="i4,O")]
)
def test_arrays_of_objects_and_of_more_than_data_are_refused(cross: Cross, array: Any) -> None:
    with pytest.raises(Uncrossable):
        cross(array)


# -- pandas ------------------------------------------------------------------------------------------------------------
FRAMES = {
    "ordinary": pd.DataFrame(
        {
            "number": [1, 2, 3],
            "float": [1.5, np.nan, math.inf],
            "text": ["x", None, "z"],
            "when": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
            "flag": [True, False, True],
        }
    ),
    "matrix": pd.DataFrame(np.arange(12.0).reshape(4, 3)),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64")}),
    "no columns": pd.DataFrame(index=[1, 2, 3]),
    "times": pd.DataFrame(
        {
            "zone": pd.date_range("2024-03-30", periods=3, freq="12h", tz="Europe/Berlin"),
            "fixed": pd.date_range("2024", periods=3, tz=dt.timezone(dt.timedelta(hours=5, minutes=30))),
            "utc": pd.date_range("2024", periods=3, tz="UTC"),
            "delta": pd.to_timedelta([1, None, 3], unit="s"),
            "period": pd.period_range("2024", periods=3, freq="M"),
            "seconds": pd.date_range("2024", periods=3).astype("datetime64[s]"),
        }
    ),
    "interval": pd.DataFrame({"range": pd.interval_range(0, 3), "bins": pd.cut([1, 5, 9], bins=3)}),
    "categories": pd.DataFrame(
        {
            "ordered": pd.Categorical(["a", "b", None], categories=["b", "a", "unused"], ordered=True),
            "numbers": pd.Categorical([10, 20, 10]),
            "dates": pd.Categorical(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"])),
        }
    ),
    "nullable": pd.DataFrame(
        {
            "Int64": pd.array([1, None, 3], dtype="Int64"),
            "UInt8": pd.array([1, None, 3], dtype="UInt8"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "Float32": pd.array([1.5, None, 2], dtype="Float32"),
            "string": pd.array(["a", None, "b"], dtype="string"),
            "python": pd.array(["a", None, "b"], dtype=pd.StringDtype("python", na_value=np.nan)),
        }
    ),
    "arrow": pd.DataFrame(
        {
            "int": pd.array([1, None], dtype="int64[pyarrow]"),
            "list": pd.array([["a"], None], dtype=pd.ArrowDtype(pa.list_(pa.string()))),
            "decimal": pd.array([decimal.Decimal("1.1"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
        }
    ),
    "objects": pd.DataFrame(
        {
            "mixed": [1, "a", None],
            "nested": [[1], {"a": 2}, decimal.Decimal("1.1")],
            "dates": [dt.date(2024, 1, 1), None, float("nan")],
            "texts": pd.Series(["a", None, "b"], dtype=object),
        }
    ),
    "same names": pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    "odd names": pd.DataFrame([[1, 2, 3]], columns=pd.Index([("a", 1), 2, None], tupleize_cols=False)),
    "dated columns": pd.DataFrame([[1, 2]], columns=pd.date_range("2024", periods=2)),
    "column levels": pd.DataFrame(
        [[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])
    ),
    "index levels": pd.DataFrame(
        {"v": range(4)},
        index=pd.MultiIndex.from_product([["a", "b"], pd.date_range("2024", periods=2)], names=["k", "d"]),
    ),
    "index with gaps": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", None), (None, 2.0)])),
    "dated index": pd.DataFrame({"v": range(3)}, index=pd.date_range("2024", periods=3, freq="D", name="when")),
    "category index": pd.DataFrame({"v": [1, 2]}, index=pd.CategoricalIndex(["x", "y"], name="q")),
    "flag index": pd.DataFrame({"v": [1, 2]}, index=pd.Index([True, False])),
    "named range": pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(5, 9, 2, name="n")),
    "complex": pd.DataFrame({"c": [1 + 2j, 3]}),
    "wide": pd.DataFrame({number: [float(number)] for number in range(300)}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back_exactly(cross: Cross, name: str) -> None:
    frame = FRAMES[name]

    back = cross(frame)

    pd.testing.assert_frame_equal(back, frame, check_exact=True, check_freq=True, check_column_type="equiv")
    assert back.index.names == frame.index.names
    assert back.columns.names == frame.columns.names


@pytest.mark.parametrize("name", FRAMES)
def test_slices_of_frames_and_their_columns_come_back_exactly(cross: Cross, name: str) -> None:
    part = FRAMES[name].iloc[1:2]

    pd.testing.assert_frame_equal(cross(part), part)
    for number in range(min(part.shape[1], 6)):
        pd.testing.assert_series_equal(cross(part.iloc[:, number]), part.iloc[:, number])


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back_writable(cross: Cross, name: str) -> None:
    back = cross(FRAMES[name])

    for number in range(min(back.shape[1], 6)) if len(back) else ():
        back.iloc[0, number] = back.iloc[-1, number]
    back.insert(0, "new" if back.columns.nlevels == 1 else ("new", 1), 1, allow_duplicates=True)
    assert back.shape[1] == FRAMES[name].shape[1] + 1


@pytest.mark.parametrize("name", ["dated index", "index levels", "category index", "named range", "flag index"])
def test_indexes_come_back(cross: Cross, name: str) -> None:
    index = FRAMES[name].index

    pd.testing.assert_index_equal(cross(index), index, exact=True)


def test_attrs_that_are_data_come_back_and_others_stay(cross: Cross) -> None:
    kept, lost = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})
    kept.attrs, lost.attrs = {"unit": "EUR"}, {"f": print}

    assert cross(kept).attrs == {"unit": "EUR"}
    assert cross(lost).attrs == {}


def test_a_column_that_cannot_cross_is_named(cross: Cross) -> None:
    frame = pd.DataFrame({"fine": [1, 2], "models": [object(), object()]})

    with pytest.raises(Uncrossable) as caught:
        cross(frame)

    assert "models" in caught.value.where
    assert caught.value.kind == "object"


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-01-01 12:00", tz="Europe/Berlin"),
        pd.Timestamp(5),
        pd.Timedelta("1D"),
        pd.Period("2024-01", freq="M"),
    ],
)
def test_pandas_scalars_come_back(cross: Cross, value: Any) -> None:
    back = cross(value)

    assert back == value
    assert type(back) is type(value)


def test_missing_values_come_back_as_themselves(cross: Cross) -> None:
    assert cross(pd.NaT) is pd.NaT
    assert cross(pd.NA) is pd.NA


def test_containers_of_tables_come_back(cross: Cross) -> None:
    value = {"frames": [pd.DataFrame({"a": [1]}), np.arange(3)], "when": (dt.date(2024, 1, 1),)}

    back = cross(value)

    pd.testing.assert_frame_equal(back["frames"][0], value["frames"][0])
    np.testing.assert_array_equal(back["frames"][1], np.arange(3))


# -- Arrow, polars, pictures -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        pa.table({"a": [1, 2, None], "b": ["x", None, "z"], "c": [[1], None, [2, 3]], "d": [{"x": 1}, None, {"x": 2}]}),
        pa.table({"d": pa.array(["a", "b", "a"]).dictionary_encode()}),
        pa.table({"a": [1]}).replace_schema_metadata(None),
        pa.array([1.5, None]),
        pa.chunked_array([[1], [2, 3]]),
    ],
    ids=["table", "dictionary", "bare", "array", "chunked"],
)
def test_arrow_data_come_back(cross: Cross, value: Any) -> None:
    assert cross(value).equals(value)


def test_arrow_metadata_stay_behind(cross: Cross) -> None:
    field = pa.field("a", pa.int64(), metadata={"secret": "x"})
    table = pa.table([pa.array([1])], schema=pa.schema([field], metadata={"pandas": "{}"}))

    back = cross(table)

    assert back.schema.metadata is None
    assert back.schema.field("a").metadata is None


def test_polars_come_back(cross: Cross) -> None:
    pl = pytest.importorskip("polars", reason="polars is not installed")
    frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [dt.date(2024, 1, 1), None], "l": [[1], [2, 3]]})

    assert cross(frame).equals(frame)
    assert cross(frame["b"]).equals(frame["b"])
    with pytest.raises(Uncrossable, match="LazyFrame"):
        cross(frame.lazy())


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I", "F"])
def test_pictures_come_back(cross: Cross, mode: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    picture = image.new(mode, (13, 7), 1 if mode in "1LPIF" else None)

    back = cross(picture)

    assert (back.mode, back.size, back.tobytes()) == (picture.mode, picture.size, picture.tobytes())
    assert back.getpalette() == picture.getpalette()


def test_giant_pictures_are_refused(cross: Cross) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

    with pytest.raises(Uncrossable, match="picture"):
        cross(image.new("1", (70_000, 1000)))
