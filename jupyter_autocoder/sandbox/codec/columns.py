"""One column of pandas data, written as raw numbers or plain Arrow arrays, and a spec that says what they are."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.sandbox.codec import tables
from jupyter_autocoder.sandbox.codec.parts import Malformed, Uncrossable, expect
from jupyter_autocoder.sandbox.codec.shelf import Shelf, ShelfWriter

UNITS = ("s", "ms", "us", "ns")
NUMBERS = frozenset(
    {
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    }
)
MASKED = frozenset(
    {"boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"}
)
# Cells of object columns cross one by one, as JSON; more than this is not data of that kind any more.
OBJECTS = 5_000_000

Spec = dict[str, Any]


def write(values: Any, shelf: ShelfWriter) -> Spec:
    """The spec of `values` (an array of pandas); raises Uncrossable."""
    for name, (matches, writer, _) in KINDS.items():
        if matches(values):
            return {"kind": name, **writer(values, shelf)}
    raise Uncrossable(f"pandas column of {values.dtype}")


def read(spec: Any, shelf: Shelf) -> Any:
    """The array that a hostile `spec` describes; raises Malformed."""
    expect(isinstance(spec, dict) and spec.get("kind") in KINDS, "a kind of column")
    return KINDS[spec["kind"]][2](spec, shelf)


# -- numbers -----------------------------------------------------------------------------------------------------------
def _arrow_type(dtype: str) -> Any:
    import pyarrow as pa

    return pa.from_numpy_dtype(dtype)


def _is_number(values: Any) -> bool:
    return str(values.dtype) in NUMBERS


def _write_number(values: Any, shelf: ShelfWriter) -> Spec:
    import numpy as np

    return {"dtype": str(values.dtype), "at": shelf.put_raw(np.asarray(values))}


def _read_number(spec: Spec, shelf: Shelf) -> Any:
    dtype = spec.get("dtype")
    expect(isinstance(dtype, str) and dtype in NUMBERS, "a number's dtype")
    assert isinstance(dtype, str)
    if dtype != "bool":
        return shelf.take_raw(spec.get("at"), dtype)
    flags = shelf.take_raw(spec.get("at"), "uint8")
    expect(len(flags) == 0 or flags.max() <= 1, "flags")
    return flags.view("bool")


# -- time --------------------------------------------------------------------------------------------------------------
def zone_name(zone: Any) -> Any:
    """What `zone` turns back into a time zone: a name, or seconds for a fixed offset."""
    if zone is None:
        return None
    if isinstance(zone, datetime.timezone):
        return zone.utcoffset(None).total_seconds()
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if not isinstance(name, str):
        raise Uncrossable(f"time zone {zone!r}", "it has no name")
    return name


def zone(data: Any) -> Any:
    if data is None:
        return None
    if isinstance(data, float):
        return datetime.timezone(datetime.timedelta(seconds=data))
    expect(isinstance(data, str) and len(data) <= 100, "a time zone")
    return zoneinfo.ZoneInfo(data)


def _is_time(values: Any) -> bool:
    import pandas as pd

    return isinstance(values, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)) or values.dtype.kind in "mM"


def _write_time(values: Any, shelf: ShelfWriter) -> Spec:
    import numpy as np

    kind, zone = values.dtype.kind, getattr(values.dtype, "tz", None)
    raw = np.asarray(values.tz_convert("UTC").tz_localize(None) if zone is not None else values)
    unit = np.datetime_data(raw.dtype)[0]
    return {"type": kind, "unit": unit, "zone": zone_name(zone), "at": shelf.put_raw(raw.view("int64"))}


def _read_time(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd

    expect(spec.get("type") in ("m", "M") and spec.get("unit") in UNITS, "a unit of time")
    raw = shelf.take_raw(spec.get("at"), "int64").view(f"{spec['type']}8[{spec['unit']}]")
    values = pd.array(raw, dtype=raw.dtype, copy=False)
    target = zone(spec.get("zone"))
    return values if target is None else values.tz_localize("UTC").tz_convert(target)


def _is_period(values: Any) -> bool:
    import pandas as pd

    return isinstance(values, pd.arrays.PeriodArray)


def _write_period(values: Any, shelf: ShelfWriter) -> Spec:
    return {"freq": values.freqstr, "at": shelf.put_raw(values.asi8)}


def _read_period(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd

    freq = spec.get("freq")
    if not isinstance(freq, str) or len(freq) > 50:
        raise Malformed("a frequency")
    return pd.arrays.PeriodArray(shelf.take_raw(spec.get("at"), "int64"), dtype=pd.PeriodDtype(freq))


# -- categories and intervals ------------------------------------------------------------------------------------------
def _is_category(values: Any) -> bool:
    import pandas as pd

    return isinstance(values, pd.Categorical)


def _write_category(values: Any, shelf: ShelfWriter) -> Spec:
    codes = values.codes
    return {
        "ordered": bool(values.ordered),
        "dtype": str(codes.dtype),
        "codes": shelf.put_raw(codes),
        "categories": write(values.categories.array, shelf),
    }


def _read_category(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd

    expect(spec.get("dtype") in ("int8", "int16", "int32", "int64") and type(spec.get("ordered")) is bool, "categories")
    expect(
        isinstance(spec.get("categories"), dict) and spec["categories"].get("kind") != "category", "plain categories"
    )
    values = read(spec["categories"], shelf)
    categories = pd.Index(values, dtype=values.dtype, copy=False, tupleize_cols=False)
    dtype = pd.CategoricalDtype(categories, ordered=spec["ordered"])
    return pd.Categorical.from_codes(shelf.take_raw(spec.get("codes"), spec["dtype"]), dtype=dtype)


def _is_interval(values: Any) -> bool:
    import pandas as pd

    return isinstance(values, pd.arrays.IntervalArray)


def _write_interval(values: Any, shelf: ShelfWriter) -> Spec:
    return {"closed": values.closed, "left": write(values.left.array, shelf), "right": write(values.right.array, shelf)}


def _read_interval(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd

    expect(spec.get("closed") in ("left", "right", "both", "neither"), "a closed side")
    sides = [spec.get("left"), spec.get("right")]
    expect(all(isinstance(side, dict) and side.get("kind") in ("number", "time") for side in sides), "plain ends")
    left, right = (read(side, shelf) for side in sides)
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=spec["closed"])


# -- what pandas itself keeps with a mask or in Arrow ------------------------------------------------------------------
def _is_masked(values: Any) -> bool:
    return str(values.dtype) in MASKED and not _is_arrow(values)


def _write_masked(values: Any, shelf: ShelfWriter) -> Spec:
    import pyarrow as pa

    return {"dtype": str(values.dtype), "at": shelf.put(pa.array(values))}


def _read_masked(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd

    expect(isinstance(spec.get("dtype"), str) and spec["dtype"] in MASKED, "a masked dtype")
    dtype: Any = pd.array([], dtype=spec["dtype"]).dtype
    numpy_type = spec["dtype"].lower()
    return dtype.__from_arrow__(
        shelf.take(spec.get("at"), _arrow_type("bool" if numpy_type == "boolean" else numpy_type))
    )


def _is_string(values: Any) -> bool:
    import pandas as pd

    return isinstance(values.dtype, pd.StringDtype)


def _write_string(values: Any, shelf: ShelfWriter) -> Spec:
    import pandas as pd
    import pyarrow as pa

    dtype = values.dtype
    array = pa.array(values)
    missing = "NA" if dtype.na_value is pd.NA else "nan"
    return {"storage": dtype.storage, "missing": missing, "at": shelf.put(_as_text(array))}


def _read_string(spec: Spec, shelf: Shelf) -> Any:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    expect(spec.get("storage") in ("python", "pyarrow") and spec.get("missing") in ("NA", "nan"), "a text dtype")
    dtype: Any = pd.StringDtype(spec["storage"], na_value=pd.NA if spec["missing"] == "NA" else np.nan)
    return dtype.__from_arrow__(pa.chunked_array([shelf.take(spec.get("at"), pa.large_string())]))


def _as_text(array: Any) -> Any:
    import pyarrow as pa

    return array if array.type == pa.large_string() else array.cast(pa.large_string())


def _is_arrow(values: Any) -> bool:
    import pandas as pd

    return isinstance(values.dtype, pd.ArrowDtype)


def _write_arrow(values: Any, shelf: ShelfWriter) -> Spec:
    import pyarrow as pa

    kind = values.dtype.pyarrow_dtype
    if not tables.is_plain(kind):
        raise Uncrossable(f"Arrow column of {kind}", "cast it to a plain type first")
    return {"at": shelf.put(pa.array(values))}


def _read_arrow(spec: Spec, shelf: Shelf) -> Any:
    import pandas as pd
    import pyarrow as pa

    return pd.arrays.ArrowExtensionArray(pa.chunked_array([shelf.take(spec.get("at"))]))


# -- objects -----------------------------------------------------------------------------------------------------------
def _is_object(values: Any) -> bool:
    return str(values.dtype) == "object"


def _write_object(values: Any, shelf: ShelfWriter) -> Spec:
    """Python objects, each as JSON; columns of nothing but text (and one kind of missing value) as text."""
    import numpy as np
    import pyarrow as pa

    refuse_many(values)
    cells = np.asarray(values)
    kinds = set(map(type, cells.tolist()))
    if kinds <= {str, type(None)}:
        return {"as": "text", "at": shelf.put(_text_array(cells))}
    encoder, told = shelf.encoder, []
    for cell in cells.tolist():
        told.append(json.dumps(encoder.encode(cell)))
    return {"as": "json", "at": shelf.put(pa.array(told, pa.large_string()))}


def refuse_many(values: Any) -> None:
    """Raise Uncrossable where a column has more objects than can cross."""
    if len(values) > OBJECTS:
        raise Uncrossable("pandas column of objects", f"it has more than {OBJECTS:,} rows; give it a dtype")


def _text_array(cells: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(cells, pa.large_string(), from_pandas=False)
    except (UnicodeEncodeError, pa.ArrowException):
        raise Uncrossable("str", "it is not valid Unicode (it holds half of a surrogate pair)") from None


def _read_object(spec: Spec, shelf: Shelf) -> Any:
    import numpy as np
    import pyarrow as pa

    expect(spec.get("as") in ("text", "json"), "a way of objects")
    array = shelf.take(spec.get("at"), pa.large_string())
    expect(len(array) <= OBJECTS, "fewer objects")
    told = array.to_pylist()
    cells = np.empty(len(told), dtype=object)
    if spec["as"] == "text":
        cells[:] = told
        return cells
    for number, cell in enumerate(told):
        if not isinstance(cell, str):
            raise Malformed("a cell")
        cells[number] = shelf.decoder.decode(json.loads(cell))
    return cells


Matches = Callable[[Any], bool]
# The first match counts.
KINDS: dict[str, tuple[Matches, Callable[[Any, ShelfWriter], Spec], Callable[[Spec, Shelf], Any]]] = {
    "arrow": (_is_arrow, _write_arrow, _read_arrow),
    "string": (_is_string, _write_string, _read_string),
    "category": (_is_category, _write_category, _read_category),
    "period": (_is_period, _write_period, _read_period),
    "interval": (_is_interval, _write_interval, _read_interval),
    "masked": (_is_masked, _write_masked, _read_masked),
    "object": (_is_object, _write_object, _read_object),
    "time": (_is_time, _write_time, _read_time),
    "number": (_is_number, _write_number, _read_number),
}
