"""Whether a value could cross, found out on a few of its elements: the writers themselves are tried on these.

The types of all elements are looked at, since one object among two million texts is what keeps a column back; of each
type one element is tried, and the first few. What is only seen by writing everything (half of a surrogate pair deep in
a column) is left to the crossing itself.
"""

from __future__ import annotations

import collections
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jupyter_autocoder.sandbox.codec import arrays, columns, frames, pictures, tables
from jupyter_autocoder.sandbox.codec.libraries import loaded
from jupyter_autocoder.sandbox.codec.parts import PartWriter, Uncrossable
from jupyter_autocoder.sandbox.codec.tree import DEPTH, FLAT, INSIDE, Encoder

FIRST = 50
BUDGET = 5000
_FLAT = FLAT | {int}
_CONTAINERS = (list, tuple, set, frozenset, dict, collections.deque)


class _Nowhere(PartWriter):
    """Parts that are written and forgotten."""

    def __init__(self) -> None:
        super().__init__("")

    def new(self) -> tuple[int, str]:
        return super().new()[0], os.devnull


def probe(value: Any) -> None:
    """Raise Uncrossable, as writing `value` would, where a bounded look at it shows that it cannot cross."""
    encoder = Encoder(_Nowhere())
    waiting = [(value, 1)]
    seen = 0
    while waiting and seen < BUDGET:
        one, depth = waiting.pop()
        seen += 1
        if isinstance(one, _CONTAINERS):
            if depth > DEPTH:
                why = f"it is nested more than {DEPTH} deep, or contains itself"
                raise Uncrossable(type(one).__name__, why, where=INSIDE)
            # One that forbids to be looked at is left to the crossing itself.
            with contextlib.suppress(Exception):
                waiting += [(item, depth + 1) for item in _some(one)]
        else:
            _try(encoder, one, where=INSIDE if depth > 1 else "")


def _try(encoder: Encoder, value: Any, *, where: str) -> None:
    try:
        for small in _thinned(value):
            encoder.encode(small)
    except Uncrossable as error:
        error.where = error.where or where
        raise
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        why = f"looking at it raised {type(error).__name__}: {error}"[:500]
        raise Uncrossable(type(value).__name__, why, where=where) from None


def _some(value: Any) -> Iterable[Any]:
    """One element of each type and the first few; of a mapping, keys and values."""
    if isinstance(value, dict):
        return [*_some(list(value)), *_some(list(value.values()))]
    elements = value if isinstance(value, list) else list(value)
    if set(map(type, elements)) <= _FLAT:
        return elements[:1]
    return [*dict(zip(map(type, elements), elements, strict=True)).values(), *elements[:FIRST]]


def _thinned(value: Any) -> Iterator[Any]:
    """What is small and can cross exactly when `value` can."""
    for module, matches, thin in _THINNERS:
        if loaded(module) and matches(value):
            yield from thin(value)
            return
    yield value


def _thin_frame(frame: Any) -> Iterator[Any]:
    objects = [frame.iloc[:, number] for number in range(frame.shape[1]) if str(frame.dtypes.iloc[number]) == "object"]
    yield from _thin_rows(frame, objects)
    yield from _thin_index(frame.columns)


def _thin_series(series: Any) -> Iterator[Any]:
    yield from _thin_rows(series, [series] if str(series.dtype) == "object" else [])


def _thin_rows(value: Any, objects: Iterable[Any]) -> Iterator[Any]:
    # The rows go without their index: a slice of a MultiIndex, as of a categorical, keeps everything it was cut from.
    rows = {row for one in objects for row in _rows(one)}
    yield value.reset_index(drop=True).iloc[sorted(rows)]
    yield from _thin_index(value.index)


def _thin_index(index: Any) -> Iterator[Any]:
    levels = getattr(index, "levels", None)
    for level in [index] if levels is None else levels:
        yield level[sorted(_rows(level))] if str(level.dtype) == "object" else level[:0]


def _rows(values: Any) -> set[int]:
    """The first rows, and one of each type of object."""
    columns.refuse_many(values)
    cells = values.tolist()
    found = set(range(min(len(cells), FIRST)))
    if set(map(type, cells)) <= _FLAT:
        return found
    return found | set(dict(zip(map(type, cells), range(len(cells)), strict=True)).values())


def _thin_array(array: Any) -> Iterator[Any]:
    yield array[:0] if array.ndim else array


def _thin_picture(picture: Any) -> Iterator[Any]:
    pictures.refuse(picture)
    return iter(())


def _thin_arrow(table: Any) -> Iterator[Any]:
    yield table.slice(0, 0)


def _thin_polars(value: Any) -> Iterator[Any]:
    yield value.head(0)


# The module that must be loaded, the test, and what makes values small; the first match counts.
_THINNERS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], Iterator[Any]]], ...] = (
    ("pandas", frames.is_frame, _thin_frame),
    ("pandas", frames.is_series, _thin_series),
    ("pandas", frames.is_index, _thin_index),
    ("numpy", arrays.is_array, _thin_array),
    ("polars", tables.is_polars, _thin_polars),
    ("pyarrow", tables.is_table, _thin_arrow),
    ("PIL.Image", pictures.is_picture, _thin_picture),
)
