"""What may be told about a person's variable without showing it: a canonical type, a summary, a few rows if asked.

Nothing is imported for this: a value of a library's type means that the library is loaded.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from jupyter_autocoder.errors import ValueCannotCross
from jupyter_autocoder.events import Variable
from jupyter_autocoder.sandbox import refusals
from jupyter_autocoder.sandbox.codec.libraries import loaded
from jupyter_autocoder.sandbox.codec.parts import Uncrossable
from jupyter_autocoder.sandbox.codec.probe import probe

COLUMNS = 200
LOOKED_AT = 1000
SAMPLE = 4000
NESTING = 3
_TIME = re.compile(r"(datetime64|timedelta64)\[(?:s|ms|us|ns)(?:, (.+))?\]")


def describe(name: str, value: Any, *, rows: int = 0) -> Variable:
    """Tell what `value` is; `rows` of it are shown in `sample`.

    Raises ValueCannotCross for what could never be sent into a sandbox: code, modules, open files.
    """
    for module, kind, teller in _TELLERS:
        library = loaded(module)
        if library is not None and isinstance(value, _attribute(library, kind)):
            told, summary = teller(value)
            return Variable(name=name, type=told, summary=summary, sample=_sample(value, rows))
    _refuse_code(name, value)
    return Variable(name=name, type=_plain(value), summary=_size(value), sample=_sample(value, rows))


def expect_data(name: str, value: Any) -> None:
    """Raise ValueCannotCross where `value` cannot be sent into a sandbox, as far as a quick look shows.

    What is no data is named with where it stands: the column, the index, inside a list.
    """
    _refuse_code(name, value)
    try:
        probe(value)
    except Uncrossable as error:
        refusals.cannot(name, error.kind, error.why, error.where)


def _refuse_code(name: str, value: Any) -> None:
    if callable(value) or isinstance(value, (type, ModuleType)) or hasattr(value, "fileno"):
        raise ValueCannotCross(
            f"{name} is a {type(value).__name__}: it cannot be sent to the sandbox",
            name=name,
            type_name=type(value).__name__,
            why="only data crosses",
            do="name its data instead, or let the code define it anew",
        )


def count(number: int) -> str:
    """A number as people say it: ``950``, ``12.3k``, ``2.1M``."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= 10 * size or (number >= size and unit != "k"):
            return f"{number / size:.1f}".rstrip("0").rstrip(".") + unit
    return str(number)


def _attribute(module: ModuleType, path: str) -> type:
    found = getattr(module, path, ())
    return found if isinstance(found, type) else type("Absent", (), {})


# -- tables ------------------------------------------------------------------------------------------------------------
def _columns(pairs: Iterable[tuple[Any, Any]]) -> str:
    told = [f"{name}: {kind}" for name, kind in pairs]
    if len(told) > COLUMNS:
        rest = hashlib.sha256("\n".join(told[COLUMNS:]).encode("utf-8", "backslashreplace")).hexdigest()[:8]
        told[COLUMNS:] = [f"... {len(told) - COLUMNS} more ({rest})"]
    return ", ".join(told)


def _rows(number: int) -> str:
    return f"{count(number)} row" + ("" if number == 1 else "s")


def _index(index: Any) -> str:
    """The index, where it is more than row numbers."""
    if type(index).__name__ == "RangeIndex" and index.name is None:
        return ""
    levels = getattr(index, "levels", None)
    kinds = [_kind(level) for level in (levels if levels is not None else [index])]
    return "; index " + _columns(zip(("" if n is None else n for n in index.names), kinds, strict=True))


def _kind(values: Any) -> str:
    """A column's dtype by a name that all versions of pandas give: 3 says `str`, `us` where 2 says `object`, `ns`."""
    told = str(values.dtype)
    if told == "object":
        kind = sys.modules["pandas"].api.types.infer_dtype(values[:LOOKED_AT], skipna=True)
        return "text" if kind in {"string", "empty"} else told
    if told == "str" or told.startswith("string"):
        return "text"
    found = _TIME.fullmatch(told)
    return told if found is None else found[1] + (f"[{found[2]}]" if found[2] else "")


def _frame(value: Any) -> tuple[str, str]:
    pairs = zip(value.columns, (_kind(value.iloc[:, n]) for n in range(value.shape[1])), strict=True)
    return f"DataFrame[{_columns(pairs)}{_index(value.index)}]", _rows(len(value))


def _series(value: Any) -> tuple[str, str]:
    return f"Series[{_kind(value)}{_index(value.index)}]", _rows(len(value))


def _pandas_index(value: Any) -> tuple[str, str]:
    return f"Index[{_index(value).removeprefix('; index ') or _kind(value)}]", _rows(len(value))


def _polars_frame(value: Any) -> tuple[str, str]:
    return f"polars.DataFrame[{_columns(value.schema.items())}]", _rows(value.height)


def _polars_series(value: Any) -> tuple[str, str]:
    return f"polars.Series[{value.dtype}]", _rows(len(value))


def _arrow(value: Any) -> tuple[str, str]:
    return f"pyarrow.Table[{_columns((field.name, field.type) for field in value.schema)}]", _rows(value.num_rows)


def _array(value: Any) -> tuple[str, str]:
    axes = f"{value.ndim} " + ("axis" if value.ndim == 1 else "axes")
    return f"ndarray[{value.dtype}, {axes}]", " x ".join(map(str, value.shape)) or "one value"


def _scalar(value: Any) -> tuple[str, str]:
    return f"numpy.{type(value).__name__}", ""


def _picture(value: Any) -> tuple[str, str]:
    return f"Image[{value.mode}]", f"{value.width} x {value.height}"


_TELLERS: tuple[tuple[str, str, Callable[[Any], tuple[str, str]]], ...] = (
    ("pandas", "DataFrame", _frame),
    ("pandas", "Series", _series),
    ("pandas", "Index", _pandas_index),
    ("numpy", "ndarray", _array),
    ("numpy", "generic", _scalar),
    ("polars", "DataFrame", _polars_frame),
    ("polars", "Series", _polars_series),
    ("pyarrow", "Table", _arrow),
    ("PIL.Image", "Image", _picture),
)


# -- plain values ------------------------------------------------------------------------------------------------------
def _plain(value: Any, depth: int = 0) -> str:
    """``list[int]``, ``dict[str, list[float]]``: the kinds among the first elements, sorted: order is nothing."""
    name = type(value).__name__
    if depth >= NESTING:
        return name
    if isinstance(value, dict):
        if not value:
            return name
        pairs = list(zip(range(LOOKED_AT), value.items(), strict=False))
        keys = _kinds((key for _, (key, _) in pairs), depth)
        return f"{name}[{keys}, {_kinds((item for _, (_, item) in pairs), depth)}]"
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return f"{name}[{_kinds((item for _, item in zip(range(LOOKED_AT), value, strict=False)), depth)}]"
    return name


def _kinds(values: Iterable[Any], depth: int) -> str:
    return " | ".join(sorted({_plain(value, depth + 1) for value in values}))


def _size(value: Any) -> str:
    if isinstance(value, str):
        return f"{count(len(value))} characters"
    if isinstance(value, (bytes, bytearray)):
        return f"{count(len(value))} bytes"
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f"{count(len(value))} item" + ("" if len(value) == 1 else "s")
    return ""


def _sample(value: Any, rows: int) -> str:
    if rows <= 0:
        return ""
    if hasattr(value, "head") and hasattr(value, "to_string"):
        shown = str(value.head(rows).to_string(**({"max_cols": 20} if hasattr(value, "columns") else {})))
    elif hasattr(value, "head"):
        shown = str(value.head(rows))
    elif isinstance(value, dict):
        shown = repr(dict(list(value.items())[:rows]))
    elif isinstance(value, str):
        shown = repr(value[: 80 * rows])
    elif hasattr(value, "__getitem__") and hasattr(value, "__len__") and getattr(value, "ndim", 1) != 0:
        shown = repr(value[:rows])
    else:
        shown = repr(value)
    return shown if len(shown) <= SAMPLE else shown[:SAMPLE] + "..."
