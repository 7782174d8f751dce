"""What models cost, hold and can do: the dated table beside this file, and a person's own file laid over it.

Money is in whole micro-USD everywhere. A model that stands in neither file has no known price, which is never zero.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from jupyter_autocoder.errors import SettingsError

MILLION = 1_000_000
_LARGEST_FILE = 1_000_000
# A million dollars for a million tokens; the most tokens that anybody asks for cost what a database can still count.
_LARGEST_NUMBER = 1_000_000 * MILLION
# The tokens of one image at most, where a model's row does not say: as many patches as any of the models takes.
PER_IMAGE = 10_000
# gpt-4o-2024-11-20 and gpt-3.5-turbo-0125 are snapshots of the model before the date.
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one request used: `cached` and `written` are parts of `input`."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of the table; a price of None is unknown, a window of None is not limited as far as we know."""

    name: str
    input: int | None = None
    cached: int | None = None
    written: int | None = None
    output: int | None = None
    long_from: int | None = None
    long_input: int | None = None
    long_cached: int | None = None
    long_written: int | None = None
    long_output: int | None = None
    window: int | None = None
    max_output: int | None = None
    features: frozenset[str] = frozenset({"tools", "images", "json_schema"})
    shutdown: datetime.date | None = None
    tools_effort: str = ""
    image: int = PER_IMAGE
    image_low: int | None = None

    @property
    def priced(self) -> bool:
        """Whether a bill can be computed: an embedding model has no output to price."""
        return self.input is not None and (self.output is not None or "embeddings" in self.features)

    def cost(self, tokens: Tokens) -> int | None:
        """Give the price of `tokens` in micro-USD, rounded up; None where the price is unknown."""
        if not self.priced:
            return None
        long = self.long_from is not None and tokens.input >= self.long_from
        fresh = self._rate("input", long=long) or 0
        cached, written = self._rate("cached", long=long), self._rate("written", long=long)
        plain = max(0, tokens.input - tokens.cached - tokens.written)
        total = plain * fresh + tokens.output * (self._rate("output", long=long) or 0)
        total += tokens.cached * (fresh if cached is None else cached)
        total += tokens.written * (fresh if written is None else written)
        return -(-total // MILLION)

    def ceiling(self, *, input_tokens: int, output_tokens: int) -> int | None:
        """Give the most that a request of this size can cost: nothing cached, everything stored for later."""
        written = input_tokens if (self.written or 0) > (self.input or 0) else 0
        return self.cost(Tokens(input=input_tokens, written=written, output=output_tokens))

    def _rate(self, kind: str, *, long: bool) -> int | None:
        rate: int | None = getattr(self, f"long_{kind}") if long else None
        return getattr(self, kind) if rate is None else rate


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """All models known by name, as of a date; `own` are those that stand in the person's file."""

    as_of: datetime.date
    source: str
    models: Mapping[str, Model] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def find(self, name: str) -> Model:
        """Give a model's row, for a dated snapshot its model's; an unknown model is a row of unknowns."""
        found = self.models.get(name) or self.models.get(_SNAPSHOT.sub("", name))
        return dataclasses.replace(found, name=name) if found else Model(name=name)

    def find_local(self, name: str) -> Model:
        """Give the row of a model on this machine: as the person's file says, else free of charge."""
        found = self.find(name)
        return found if name in self.own else dataclasses.replace(found, **_FREE)

    def knows(self, name: str) -> bool:
        """Whether the table has a row for this model."""
        return name in self.models or _SNAPSHOT.sub("", name) in self.models


_PRICES = ("input", "cached", "written", "output")
_FREE: Mapping[str, Any] = {**dict.fromkeys(_PRICES, 0), **{f"long_{kind}": None for kind in _PRICES}}


def load(prices_file: str = "") -> PriceTable:
    """Read the table, with the person's file over it key by key; raises SettingsError naming what is wrong in it."""
    table = _shipped()
    if not prices_file:
        return table
    path = Path(prices_file).expanduser()
    try:
        # A device or a pipe has no end.
        if path.exists() and (not path.is_file() or path.stat().st_size > _LARGEST_FILE):
            raise _wrong(path, "", f"cannot be read: it is no file of at most {_LARGEST_FILE:,} bytes")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, "", f"cannot be read: {error}") from None
    return _lay_over(table, data, path)


@functools.cache
def _shipped() -> PriceTable:
    text = resources.files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    models = {name: _model(name, row) for name, row in data["models"].items()}
    return PriceTable(as_of=data["as_of"], source=data["source"], models=models)


def _lay_over(table: PriceTable, data: Mapping[str, Any], path: Path) -> PriceTable:
    unknown = set(data) - {"as_of", "source", "models"}
    if unknown:
        raise _wrong(path, sorted(unknown)[0], "is no key of a price table; wanted as_of, source or [models.NAME]")
    if not isinstance(data.get("as_of", table.as_of), datetime.date):
        raise _wrong(path, "as_of", "must be a date such as 2026-11-23")
    models = dict(table.models)
    rows = data.get("models", {})
    if not isinstance(rows, Mapping):
        raise _wrong(path, "models", "must be a table of models: [models.NAME]")
    for name, row in rows.items():
        try:
            models[name] = _model(name, row, models.get(name))
        except (TypeError, ValueError, AttributeError) as error:
            raise _wrong(path, f"models.{name}", str(error)) from None
    return PriceTable(
        as_of=data.get("as_of", table.as_of),
        source=str(data.get("source", path)),
        models=models,
        own=frozenset(rows),
    )


def _model(name: str, row: Mapping[str, Any], base: Model | None = None) -> Model:
    kinds = {f.name: f.type for f in dataclasses.fields(Model) if f.name != "name"}
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key not in kinds:
            msg = f"{key!r} is no key of a model; there are {', '.join(kinds)}"
            raise ValueError(msg)
        values[key] = _value(key, value)
    return dataclasses.replace(base or Model(name=name), **values)


_WANTED: Mapping[str, tuple[str, type[Any]]] = {
    "features": ("a list of texts", list),
    "shutdown": ("a date", datetime.date),
    "tools_effort": ("a text", str),
}


def _value(key: str, value: Any) -> Any:
    wanted, kind = _WANTED.get(key, ("a whole number of at least 0", int))
    # Exact types: true is an int to Python, and a price of 2.5 would be a million times too small.
    if type(value).__name__ != kind.__name__ or (kind is int and not 0 <= value <= _LARGEST_NUMBER):
        msg = f"{key} is {value!r}, wanted {wanted}"
        raise TypeError(msg)
    return frozenset(map(str, value)) if key == "features" else value


def _wrong(path: Path, key: str, why: str) -> SettingsError:
    what = f"the price file {path} is wrong" + (f" at {key}" if key else "")
    do = "mend the file, or take model.prices_file out of the settings"
    return SettingsError(what, source=str(path), key=key, why=why, do=do)
