"""pandas objects: a small schema of our own (JSON) over plain Arrow columns.

pyarrow's own pandas metadata is neither written nor read. Numbers, dates and flags go as their raw values, so that
nothing is converted on the way and NaN, NaT and None stay what they were; other columns of equal length share one Arrow
stream. A hostile schema can ask for nothing but the few column kinds in `columns`.
"""

from __future__ import annotations

import sys
from typing import Any

from jupyter_autocoder.sandbox.codec import columns
from jupyter_autocoder.sandbox.codec.parts import Decoding, Encoding, Uncrossable, expect
from jupyter_autocoder.sandbox.codec.shelf import Shelf, ShelfWriter

# Inserting into a frame of more separate columns makes pandas warn of fragmentation.
LOOSE_COLUMNS = 50


def is_frame(value: Any) -> bool:
    return isinstance(value, sys.modules["pandas"].DataFrame)


def is_series(value: Any) -> bool:
    return isinstance(value, sys.modules["pandas"].Series)


def is_index(value: Any) -> bool:
    return isinstance(value, sys.modules["pandas"].Index)


def is_scalar(value: Any) -> bool:
    pd = sys.modules["pandas"]
    return isinstance(value, (pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval)) or value is pd.NaT or value is pd.NA


# -- frames and series -------------------------------------------------------------------------------------------------
def write_frame(frame: Any, encoder: Encoding) -> Any:
    with ShelfWriter(encoder) as shelf:
        spec = {"rows": len(frame), "data": [_write_column(frame, number, shelf) for number in range(frame.shape[1])]}
        spec["index"] = _write_index(frame.index, shelf)
        spec["columns"] = _write_index(frame.columns, shelf)
        spec["attrs"] = _attributes(frame.attrs, encoder)
        spec["shelf"] = shelf.finish()
    return spec


def _write_column(frame: Any, number: int, shelf: ShelfWriter) -> Any:
    try:
        return columns.write(frame.iloc[:, number].array, shelf)
    except Uncrossable as error:
        raise Uncrossable(error.kind, error.why, where=f"column {str(frame.columns[number])!r}") from None


def read_frame(data: Any, decoder: Decoding) -> Any:
    import pandas as pd

    keys = {"rows", "data", "index", "columns", "attrs", "shelf"}
    expect(isinstance(data, dict) and data.keys() == keys and isinstance(data["data"], list), "a DataFrame")
    shelf = Shelf(data["shelf"], decoder)
    arrays = {number: columns.read(spec, shelf) for number, spec in enumerate(data["data"])}
    index = _read_index(data["index"], shelf)
    expect(len(index) == data["rows"] and all(len(array) == len(index) for array in arrays.values()), "equal lengths")
    series = {number: pd.Series(array, index=index, dtype=array.dtype, copy=False) for number, array in arrays.items()}
    frame = pd.DataFrame(series, index=index, copy=False)
    if len(arrays) > LOOSE_COLUMNS:
        frame = frame.copy()
    labels = _read_index(data["columns"], shelf)
    shelf.finish()
    expect(len(labels) == len(arrays), "a label for each column")
    frame.columns = labels
    frame.attrs = dict(decoder.decode(data["attrs"]))
    return frame


def write_series(series: Any, encoder: Encoding) -> Any:
    with ShelfWriter(encoder) as shelf:
        spec = {"data": columns.write(series.array, shelf), "index": _write_index(series.index, shelf)}
        spec["name"] = encoder.encode(series.name)
        spec["attrs"] = _attributes(series.attrs, encoder)
        spec["shelf"] = shelf.finish()
    return spec


def read_series(data: Any, decoder: Decoding) -> Any:
    import pandas as pd

    expect(isinstance(data, dict) and data.keys() == {"data", "index", "name", "attrs", "shelf"}, "a Series")
    shelf = Shelf(data["shelf"], decoder)
    values, index = columns.read(data["data"], shelf), _read_index(data["index"], shelf)
    shelf.finish()
    expect(len(values) == len(index), "equal lengths")
    # With its dtype: pandas would look at objects and choose another one.
    series = pd.Series(values, index=index, dtype=values.dtype, name=decoder.decode(data["name"]), copy=False)
    series.attrs = dict(decoder.decode(data["attrs"]))
    return series


def write_index(index: Any, encoder: Encoding) -> Any:
    with ShelfWriter(encoder) as shelf:
        return {"index": _write_index(index, shelf), "shelf": shelf.finish()}


def read_index(data: Any, decoder: Decoding) -> Any:
    expect(isinstance(data, dict) and data.keys() == {"index", "shelf"}, "an Index")
    shelf = Shelf(data["shelf"], decoder)
    index = _read_index(data["index"], shelf)
    shelf.finish()
    return index


def _attributes(attrs: dict[Any, Any], encoder: Encoding) -> Any:
    """`attrs` cross when they can; they are remarks, and no reason to keep the data back."""
    try:
        return encoder.encode(dict(attrs))
    except Uncrossable:
        return {}


# -- indexes -----------------------------------------------------------------------------------------------------------
def _write_index(index: Any, shelf: ShelfWriter) -> Any:
    import pandas as pd

    names = [shelf.encoder.encode(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "names": names, "range": [index.start, index.stop, index.step]}
    if isinstance(index, pd.MultiIndex):
        levels = [_write_index(level, shelf) for level in index.levels]
        codes = [
            columns.write(pd.array(code.astype("int64"), dtype="int64"), shelf) for code in map(_numpy, index.codes)
        ]
        return {"kind": "multi", "names": names, "levels": levels, "codes": codes}
    try:
        spec = columns.write(index.array, shelf)
    except Uncrossable as error:
        raise Uncrossable(error.kind, error.why, where="the index") from None
    frequency = getattr(index, "freqstr", None) if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    return {"kind": "plain", "names": names, "data": spec, "freq": frequency}


def _read_index(spec: Any, shelf: Shelf) -> Any:
    import pandas as pd

    expect(isinstance(spec, dict) and isinstance(spec.get("names"), list), "an index")
    names = [shelf.decoder.decode(name) for name in spec["names"]]
    if spec.get("kind") == "multi":
        return _read_multi(spec, names, shelf)
    expect(len(names) == 1, "one name")
    if spec.get("kind") == "range":
        numbers = spec["range"]
        expect(isinstance(numbers, list) and len(numbers) == 3 and all(type(n) is int for n in numbers), "a range")
        start, stop, step = numbers
        return pd.RangeIndex(start, stop, step, name=names[0])
    expect(spec.get("kind") == "plain", "a kind of index")
    values = columns.read(spec["data"], shelf)
    # Without a dtype pandas would look at the objects and choose another one.
    index = pd.Index(values, dtype=values.dtype, name=names[0], copy=False, tupleize_cols=False)
    frequency = spec.get("freq")
    if frequency is not None:
        expect(isinstance(frequency, str) and len(frequency) <= 50, "a frequency")
        index.freq = frequency
    return index


def _read_multi(spec: Any, names: list[Any], shelf: Shelf) -> Any:
    import pandas as pd

    levels, codes = spec.get("levels"), spec.get("codes")
    expect(isinstance(levels, list) and isinstance(codes, list) and len(levels) == len(codes) == len(names), "levels")
    expect(all(isinstance(level, dict) and level.get("kind") != "multi" for level in levels), "plain levels")
    return pd.MultiIndex(
        levels=[_read_index(level, shelf) for level in levels],
        codes=[_numpy(columns.read(code, shelf)) for code in codes],
        names=names,
        verify_integrity=True,
    )


def _numpy(values: Any) -> Any:
    import numpy as np

    return np.asarray(values)


# -- scalars -----------------------------------------------------------------------------------------------------------
def write_scalar(value: Any) -> Any:
    import pandas as pd

    if value is pd.NaT or value is pd.NA:
        return ["NaT" if value is pd.NaT else "NA"]
    if isinstance(value, pd.Period):
        return ["Period", value.ordinal, value.freqstr]
    if isinstance(value, pd.Timedelta):
        return ["Timedelta", int(value.asm8.view("i8")), value.unit]
    if isinstance(value, pd.Timestamp):
        return ["Timestamp", int(value.asm8.view("i8")), value.unit, columns.zone_name(value.tz)]
    raise Uncrossable(f"pandas.{type(value).__name__}", "put it into a Series")


def read_scalar(data: Any) -> Any:
    import numpy as np
    import pandas as pd

    expect(isinstance(data, list) and data and isinstance(data[0], str), "a pandas scalar")
    kind, *rest = data
    if kind in ("NaT", "NA") and not rest:
        return getattr(pd, kind)
    expect(len(rest) >= 2 and type(rest[0]) is int and isinstance(rest[1], str) and len(rest[1]) <= 50, "a scalar")
    if kind == "Period":
        return pd.Period(ordinal=rest[0], freq=rest[1])
    expect(rest[1] in columns.UNITS, "a unit")
    if kind == "Timedelta":
        return pd.Timedelta(np.timedelta64(rest[0], rest[1]))
    expect(kind == "Timestamp" and len(rest) == 3, "a Timestamp")
    moment = pd.Timestamp(np.datetime64(rest[0], rest[1]))
    zone = columns.zone(rest[2])
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone)
