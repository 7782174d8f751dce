"""A quick look agrees with the writers: what it refuses cannot cross, what can cross it lets through."""

from __future__ import annotations

import collections
import datetime as dt
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from jupyter_autocoder.sandbox.codec.parts import PartWriter, Uncrossable
from jupyter_autocoder.sandbox.codec.probe import probe
from jupyter_autocoder.sandbox.codec.tree import Encoder


class Thing:
    """No data."""


def objects(*cells: Any) -> np.ndarray:
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def endless() -> list[Any]:
    inside: list[Any] = []
    inside.append(inside)
    return inside


LATE = [*["text"] * 1000, Thing(), *["text"] * 1000]
REFUSED = {
    "object": Thing(),
    "in a list": [1, Thing()],
    "late in a list": LATE,
    "as a value": {"a": {"b": Thing()}},
    "as a key": {Thing(): 1},
    "in a deque": collections.deque([Thing()]),
    "itself": endless(),
    "late in a column": pd.DataFrame({"a": 1, "notes": objects(*LATE)}),
    "in a list in a column": pd.DataFrame({"notes": objects([1], [Thing()])}),
    "in a Series": pd.Series(objects(1, Thing())),
    "in an index": pd.Series([1, 2], index=pd.Index(objects("a", Thing()))),
    "in a level": pd.Series([1], index=pd.MultiIndex.from_arrays([objects(Thing()), [1]])),
    "in a column's name": pd.DataFrame([[1]], columns=pd.Index(objects(Thing()))),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}),
    "array of objects": np.array([Thing()]),
    "masked array": np.ma.array([1]),
    "frame in a dict": {"a": pd.DataFrame({"a": objects(Thing())})},
    "picture": Image.new("RGBa", (1, 1)),
}
CROSSING = {
    "texts": pd.DataFrame({"a": objects("x", None)}),
    "lists in cells": pd.Series(objects([1, "a"], {"b": dt.date(2024, 1, 1)})),
    "no rows": pd.DataFrame({"a": objects()}),
    "nothing": pd.DataFrame(),
    "two columns of a name": pd.DataFrame([[1, "a"]], columns=["a", "a"]),
    "levels": pd.Series([1], index=pd.MultiIndex.from_tuples([("a", 1)])),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", "y"])}),
    "array": np.zeros((0, 3)),
    "one number": np.array(1.5),
    "table": pa.table({"a": [1]}),
    "pairs": {(1, 2): {3}, "a": (None, b"x", 1.5)},
    "picture": Image.new("RGB", (2, 2)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_cross_is_refused_as_its_writer_does(name: str, tmp_path: Path) -> None:
    with pytest.raises(Uncrossable) as looked:
        probe(REFUSED[name])
    with pytest.raises(Uncrossable) as written:
        Encoder(PartWriter(str(tmp_path))).encode(REFUSED[name])

    assert (looked.value.kind, looked.value.why) == (written.value.kind, written.value.why)
    assert looked.value.where == written.value.where


@pytest.mark.parametrize("name", CROSSING)
def test_what_can_cross_is_let_through(name: str, tmp_path: Path) -> None:
    Encoder(PartWriter(str(tmp_path))).encode(CROSSING[name])

    probe(CROSSING[name])


def test_the_column_is_named() -> None:
    with pytest.raises(Uncrossable) as caught:
        probe(REFUSED["late in a column"])

    assert caught.value.where == "column 'notes'"


def test_a_table_of_objects_in_polars_is_refused_by_both(tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": pl.Series([Thing()], dtype=pl.Object)})

    for look in (probe, Encoder(PartWriter(str(tmp_path))).encode):
        with pytest.raises(Uncrossable) as caught:
            look(frame)
        assert caught.value.where == "column 'a'"


def test_looking_at_two_million_rows_takes_no_time_worth_a_thought() -> None:
    cells = np.empty(2_000_000, dtype=object)
    cells[:] = "x"
    frame = pd.DataFrame({"a": np.arange(len(cells)), "b": cells, "c": pd.Categorical(np.arange(len(cells)))})
    start = time.process_time()

    probe(frame)

    assert time.process_time() - start < 1.0
