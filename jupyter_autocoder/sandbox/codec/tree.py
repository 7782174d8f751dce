"""Plain Python values as JSON: what JSON has no word for is tagged ``{"~": tag, "v": data}``."""

from __future__ import annotations

import array
import base64
import collections
import contextlib
import datetime
import decimal
import fractions
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.sandbox.codec import arrays, frames, pictures, tables
from jupyter_autocoder.sandbox.codec.libraries import loaded
from jupyter_autocoder.sandbox.codec.parts import Malformed, PartReader, PartWriter, Uncrossable, expect

DEPTH = 100
INSIDE = "something in it"
TAG = "~"
# Above this, bytes go into a part of their own instead of base64 inside the tree.
INLINE = 2**16
# Lists of numbers alone that are at least this long cross as their bytes.
LONG = 10_000
# json.dumps refuses longer ones (sys.set_int_max_str_digits); hexadecimal has no such limit.
PLAIN_BITS = 10_000
_SCALARS = (str, int, float, bool, type(None))

Write = Callable[[Any], Any]


class Encoder:
    """Writes one value; `parts` takes what is too big for the tree."""

    def __init__(self, parts: PartWriter) -> None:
        self.parts = parts
        self._depth = 0

    def encode(self, value: Any) -> Any:
        """The tree of `value`. Raises Uncrossable naming the type of what cannot cross."""
        kind = type(value)
        if kind is str or kind is float or kind is bool or value is None:
            return value
        if kind is int:
            return value if value.bit_length() < PLAIN_BITS else _tagged("int", hex(value))
        self._depth += 1
        try:
            if self._depth > DEPTH:
                raise Uncrossable(_name(kind), f"it is nested more than {DEPTH} deep, or contains itself")
            return self._container(kind, value)
        except Uncrossable as error:
            if self._depth > 1 and not error.where:
                error.where = INSIDE
            raise
        finally:
            self._depth -= 1

    def _container(self, kind: type, value: Any) -> Any:
        if kind is list:
            return self._list(value)
        if kind is dict:
            return self._dict(value)
        writer = _WRITERS.get(kind)
        if writer is not None:
            return _tagged(writer[0], writer[1](self, value))
        for module, tag, matches, write in _LIBRARIES:
            if loaded(module) and matches(value):
                return _tagged(tag, write(self, value))
        return self._relative(kind, value)

    def _list(self, value: list[Any]) -> Any:
        kinds = set(map(type, value))
        if len(value) >= LONG and len(kinds) == 1 and (code := _CODES.get(next(iter(kinds)))):
            with contextlib.suppress(OverflowError):
                return _tagged("numbers", [code, self.raw(array.array(code, value).tobytes())])
        return value if kinds <= FLAT else [self.encode(item) for item in value]

    def _dict(self, value: dict[Any, Any]) -> Any:
        if all(type(key) is str for key in value) and TAG not in value:
            return {key: self.encode(item) for key, item in value.items()}
        return _tagged("dict", self.pairs(value))

    def pairs(self, value: Any) -> list[Any]:
        return [[self.encode(key), self.encode(item)] for key, item in value.items()]

    def items(self, value: Any) -> list[Any]:
        return [self.encode(item) for item in value]

    def raw(self, value: bytes | bytearray) -> Any:
        if len(value) <= INLINE:
            return base64.b64encode(value).decode()
        number, path = self.parts.new()
        with open(path, "wb") as file:
            file.write(value)
        return {"part": number}

    def _relative(self, kind: type, value: Any) -> Any:
        """Subclasses of plain types cross as the plain type, where nothing but the class's name is lost."""
        if isinstance(value, (collections.defaultdict, dict)):
            return self._dict(dict(value))
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return _tagged("tuple", self.items(value))
        raise Uncrossable(_name(kind), _advice(value))


class Decoder:
    """Reads one value from a hostile tree."""

    def __init__(self, parts: PartReader) -> None:
        self.parts = parts
        self._depth = 0

    def decode(self, tree: Any) -> Any:
        """The value of `tree`; raises Malformed (or what a library raises on hostile data)."""
        if not isinstance(tree, (list, dict)):
            expect(type(tree) in _SCALARS, "a scalar")
            return tree
        self._depth += 1
        try:
            expect(self._depth <= DEPTH + 1, "a value nested too deep")
            if isinstance(tree, list):
                return [self.decode(item) for item in tree] if set(map(type, tree)) - FLAT else tree
            if TAG not in tree:
                return {key: self.decode(item) for key, item in tree.items()}
            expect(tree.keys() == {TAG, "v"}, "a tag with its value")
            reader = _READERS.get(tree[TAG]) if isinstance(tree[TAG], str) else None
            if reader is None:
                raise Malformed("an unknown tag")
            return reader(self, tree["v"])
        finally:
            self._depth -= 1

    def items(self, data: Any) -> list[Any]:
        expect(isinstance(data, list), "a list")
        return [self.decode(item) for item in data]

    def pairs(self, data: Any) -> dict[Any, Any]:
        expect(isinstance(data, list) and all(isinstance(p, list) and len(p) == 2 for p in data), "pairs")
        return {self.decode(key): self.decode(item) for key, item in data}

    def raw(self, data: Any) -> bytes:
        if isinstance(data, dict):
            expect(data.keys() == {"part"}, "bytes in a part")
            return bytes(self.parts.read(data["part"]))
        return base64.b64decode(text(data), validate=True)


def text(data: Any, limit: int = 10**8) -> str:
    expect(type(data) is str and len(data) <= limit, "a text")
    return str(data)


def _tagged(tag: str, data: Any) -> dict[str, Any]:
    return {TAG: tag, "v": data}


def _name(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _advice(value: Any) -> str:
    if callable(value) or isinstance(value, type):
        return "it is code, not data"
    if hasattr(value, "predict") or hasattr(value, "fit"):
        return "it is a fitted model: code and state, not data"
    if hasattr(value, "__dataclass_fields__"):
        return "it is an object of a class; dataclasses.asdict(...) of it can cross"
    if hasattr(value, "savefig"):
        return "it is a figure; show it, and it comes out as a picture"
    if hasattr(value, "__next__"):
        return "it is an iterator; list(...) of it can cross"
    return ""


# -- dates and times ---------------------------------------------------------------------------------------------------
def _zone(zone: datetime.tzinfo | None) -> Any:
    if zone is None:
        return None
    if isinstance(zone, datetime.timezone):
        offset = zone.utcoffset(None)
        return [offset.days, offset.seconds, offset.microseconds]
    key = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if not isinstance(key, str):
        raise Uncrossable(_name(type(zone)), "it is a time zone without a name")
    return key


def _read_zone(data: Any) -> datetime.tzinfo | None:
    if data is None:
        return None
    if isinstance(data, str):
        return zoneinfo.ZoneInfo(text(data, 100))
    return datetime.timezone(datetime.timedelta(*_integers(data, 3)))


def _integers(data: Any, count: int) -> list[int]:
    expect(isinstance(data, list) and len(data) == count and all(type(n) is int for n in data), f"{count} numbers")
    return list(data)


def _moment(_: Encoder, value: datetime.datetime) -> Any:
    return [value.replace(tzinfo=None, fold=0).isoformat(), _zone(value.tzinfo), value.fold]


def _read_moment(_: Decoder, data: Any) -> datetime.datetime:
    expect(isinstance(data, list) and len(data) == 3 and data[2] in (0, 1), "a datetime")
    moment = datetime.datetime.fromisoformat(text(data[0], 40))
    return moment.replace(tzinfo=_read_zone(data[1]), fold=data[2])


def _clock(_: Encoder, value: datetime.time) -> Any:
    return [value.replace(tzinfo=None, fold=0).isoformat(), _zone(value.tzinfo), value.fold]


def _read_clock(_: Decoder, data: Any) -> datetime.time:
    expect(isinstance(data, list) and len(data) == 3 and data[2] in (0, 1), "a time")
    return datetime.time.fromisoformat(text(data[0], 40)).replace(tzinfo=_read_zone(data[1]), fold=data[2])


def _read_numbers(decoder: Decoder, data: Any) -> list[Any]:
    expect(isinstance(data, list) and len(data) == 2 and data[0] in _CODES.values(), "a list of numbers")
    numbers = array.array(data[0])
    numbers.frombytes(decoder.raw(data[1]))
    return numbers.tolist()


def _read_decimal(_: Decoder, data: Any) -> decimal.Decimal:
    return decimal.Decimal(text(data, 10_000))


# -- the tables of types -----------------------------------------------------------------------------------------------
FLAT = frozenset({str, float, bool, type(None)})
_CODES: dict[type, str] = {float: "d", int: "q"}

_WRITERS: dict[type, tuple[str, Callable[[Encoder, Any], Any]]] = {
    tuple: ("tuple", Encoder.items),
    set: ("set", Encoder.items),
    frozenset: ("frozenset", Encoder.items),
    collections.OrderedDict: ("ordered", Encoder.pairs),
    collections.Counter: ("counter", Encoder.pairs),
    collections.deque: ("deque", lambda e, v: [e.items(v), v.maxlen]),
    bytes: ("bytes", Encoder.raw),
    bytearray: ("bytearray", Encoder.raw),
    complex: ("complex", lambda _, v: [v.real, v.imag]),
    range: ("range", lambda _, v: [v.start, v.stop, v.step]),
    decimal.Decimal: ("decimal", lambda _, v: str(v)),
    fractions.Fraction: ("fraction", lambda e, v: [e.encode(v.numerator), e.encode(v.denominator)]),
    uuid.UUID: ("uuid", lambda _, v: v.hex),
    datetime.datetime: ("datetime", _moment),
    datetime.date: ("date", lambda _, v: v.isoformat()),
    datetime.time: ("time", _clock),
    datetime.timedelta: ("timedelta", lambda _, v: [v.days, v.seconds, v.microseconds]),
}

_READERS: dict[str, Callable[[Decoder, Any], Any]] = {
    "int": lambda _, v: int(text(v), 16),
    "numbers": _read_numbers,
    "dict": Decoder.pairs,
    "tuple": lambda d, v: tuple(d.items(v)),
    "set": lambda d, v: set(d.items(v)),
    "frozenset": lambda d, v: frozenset(d.items(v)),
    "ordered": lambda d, v: collections.OrderedDict(d.pairs(v)),
    "counter": lambda d, v: collections.Counter(d.pairs(v)),
    "deque": lambda d, v: collections.deque(d.items(v[0]), v[1]),
    "bytes": Decoder.raw,
    "bytearray": lambda d, v: bytearray(d.raw(v)),
    "complex": lambda _, v: complex(*map(float, v)),
    "range": lambda _, v: range(*_integers(v, 3)),
    "decimal": _read_decimal,
    "fraction": lambda d, v: fractions.Fraction(*d.items(v)),
    "uuid": lambda _, v: uuid.UUID(hex=text(v, 32)),
    "datetime": _read_moment,
    "date": lambda _, v: datetime.date.fromisoformat(text(v, 20)),
    "time": _read_clock,
    "timedelta": lambda _, v: datetime.timedelta(*_integers(v, 3)),
    "npy": lambda d, v: arrays.read(v, d.parts),
    "npy-scalar": lambda d, v: arrays.read_scalar(v, d),
    "picture": lambda d, v: pictures.read(v, d.parts),
    "frame": lambda d, v: frames.read_frame(v, d),
    "series": lambda d, v: frames.read_series(v, d),
    "index": lambda d, v: frames.read_index(v, d),
    "moment": lambda _, v: frames.read_scalar(v),
    "arrow": lambda d, v: tables.read_table(v, d.parts),
    "polars": lambda d, v: tables.read_polars(v, d.parts),
}

# The module that must be loaded, the tag, the test, the writer; the first match counts.
_LIBRARIES: tuple[tuple[str, str, Callable[[Any], bool], Callable[[Encoder, Any], Any]], ...] = (
    ("pandas", "frame", frames.is_frame, lambda e, v: frames.write_frame(v, e)),
    ("pandas", "series", frames.is_series, lambda e, v: frames.write_series(v, e)),
    ("pandas", "index", frames.is_index, lambda e, v: frames.write_index(v, e)),
    ("pandas", "moment", frames.is_scalar, lambda _, v: frames.write_scalar(v)),
    ("numpy", "npy", arrays.is_array, lambda e, v: arrays.write(v, e.parts)),
    ("numpy", "npy-scalar", arrays.is_scalar, lambda e, v: arrays.write_scalar(v, e)),
    ("polars", "polars", tables.is_polars, lambda e, v: tables.write_polars(v, e.parts)),
    ("pyarrow", "arrow", tables.is_table, lambda e, v: tables.write_table(v, e.parts)),
    ("PIL.Image", "picture", pictures.is_picture, lambda e, v: pictures.write(v, e.parts)),
)
