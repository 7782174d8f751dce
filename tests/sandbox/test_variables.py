"""What is told of a variable: a stable type, a summary for people, rows only when asked."""

from __future__ import annotations

import contextlib
import importlib.machinery
import subprocess
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_autocoder.errors import ValueCannotCross
from jupyter_autocoder.sandbox import describe, expect_data
from jupyter_autocoder.sandbox.variables import count


@pytest.mark.parametrize(
    ("value", "kind", "summary"),
    [
        (5, "int", ""),
        ("text", "str", "4 characters"),
        (None, "NoneType", ""),
        ([], "list", "0 items"),
        ([1, 2], "list[int]", "2 items"),
        ([1, "a"], "list[int | str]", "2 items"),
        (["a", 1], "list[int | str]", "2 items"),
        ({"a": [1.5]}, "dict[str, list[float]]", "1 item"),
        (np.zeros((2, 3)), "ndarray[float64, 2 axes]", "2 x 3"),
        (np.array(1), "ndarray[int64, 0 axes]", "one value"),
        (np.float32(1), "numpy.float32", ""),
        (
            pd.DataFrame({"date": pd.to_datetime(["2024-01-01"]).astype("datetime64[ns]"), "close": [1.5]}),
            "DataFrame[date: datetime64, close: float64]",
            "1 row",
        ),
        (
            pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], dtype=object, name="k")),
            "DataFrame[v: int64; index k: text]",
            "2 rows",
        ),
        (pd.Series([1.5, 2]), "Series[float64]", "2 rows"),
        (pa.table({"a": [1]}), "pyarrow.Table[a: int64]", "1 row"),
    ],
)  # fmt: skip
def test_types_and_summaries(value: Any, kind: str, summary: str) -> None:
    told = describe("name", value)

    assert (told.name, told.type, told.summary, told.sample) == ("name", kind, summary, "")


@pytest.mark.parametrize("dtype", [object, "str", "string"])
def test_text_is_text_whatever_this_version_of_pandas_calls_it(dtype: Any) -> None:
    assert describe("x", pd.DataFrame({"a": pd.Series(["b"], dtype=dtype)})).type == "DataFrame[a: text]"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_are_told_without_their_unit_and_with_their_zone(unit: str) -> None:
    times = pd.Series(pd.to_datetime(["2024-01-01"]).astype(f"datetime64[{unit}]"))

    assert describe("x", times).type == "Series[datetime64]"
    assert describe("x", times.dt.tz_localize("UTC")).type == "Series[datetime64[UTC]]"
    assert describe("x", times - times).type == "Series[timedelta64]"


def test_columns_of_objects_are_told_as_such() -> None:
    assert describe("x", pd.DataFrame({"a": [[1], {2}]})).type == "DataFrame[a: object]"


def test_the_type_does_not_change_with_the_rows() -> None:
    short, long = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": range(1000)})

    assert describe("x", short).type == describe("x", long).type
    assert describe("x", short).summary != describe("x", long).summary


def test_very_wide_tables_are_told_briefly_and_apart() -> None:
    one = pd.DataFrame({f"c{n}": [1] for n in range(1000)})
    other = one.rename(columns={"c999": "changed"})

    assert len(describe("x", one).type) < 5000
    assert describe("x", one).type != describe("x", other).type


def test_rows_are_shown_when_asked() -> None:
    told = describe("x", pd.DataFrame({"secret": range(100, 200)}), rows=2)

    assert "101" in told.sample
    assert "102" not in told.sample


@pytest.mark.parametrize(
    "value", [print, int, sys, lambda: 1, sys.stdin], ids=["builtin", "type", "module", "lambda", "file"]
)
def test_what_could_never_cross_is_refused(value: Any) -> None:
    with pytest.raises(ValueCannotCross) as caught:
        describe("thing", value)

    assert caught.value.name == "thing"


class Model:
    """No data."""


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Model(), "thing is a tests.sandbox.test_variables.Model"),
        ([1, Model()], "thing (something in it) is a "),
        (pd.DataFrame({"n": 1, "model": [Model()] * 2}), "thing (column 'model') is a "),
        (sys, "thing is a module"),
    ],
)
def test_a_value_that_is_not_data_is_refused_with_the_place_in_it(value: Any, place: str) -> None:
    with pytest.raises(ValueCannotCross) as caught:
        expect_data("thing", value)

    assert caught.value.what.startswith(place)


def test_a_table_that_cannot_be_sent_is_described_all_the_same() -> None:
    assert describe("x", pd.DataFrame({"a": [Model()]})).type == "DataFrame[a: object]"


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0"), (950, "950"), (9999, "9999"), (12_345, "12.3k"), (2_100_000, "2.1M"), (3 * 10**9, "3G")],
)
def test_numbers_are_told_as_people_say_them(number: int, told: str) -> None:
    assert count(number) == told


def test_describing_plain_values_imports_no_library() -> None:
    code = (
        "import sys; from jupyter_autocoder.sandbox import describe; describe('x', [1]);"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'nbclient', 'nh3'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_library_that_another_thread_is_just_importing_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    half = types.ModuleType("pandas")
    half.__spec__ = importlib.machinery.ModuleSpec("pandas", None)
    monkeypatch.setattr(half.__spec__, "_initializing", True, raising=False)
    monkeypatch.setitem(sys.modules, "pandas", half)

    expect_data("n", [3, {4}])

    assert describe("n", 3).type == "int"


def test_a_value_nested_as_deep_as_can_be_written_is_data() -> None:
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]

    expect_data("deep", deep)

    with pytest.raises(ValueCannotCross):
        expect_data("deep", [deep])


class Shy(dict[str, int]):
    def values(self) -> Any:
        raise RuntimeError("vals!")


class Odd(list[int]):
    def __iter__(self) -> Any:
        raise RuntimeError("iter!")


@pytest.mark.parametrize("value", [Shy(a=1), Odd([1])])
def test_a_value_that_forbids_to_be_looked_at_raises_nothing_of_its_own(value: Any) -> None:
    with contextlib.suppress(ValueCannotCross):
        expect_data("ed", value)
