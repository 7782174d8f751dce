"""What a person is told of a value that cannot cross: its name, its type, where in it, why, and what can."""

from __future__ import annotations

from typing import NoReturn

from jupyter_autocoder.errors import ValueCannotCross

CAN_CROSS = (
    "plain Python data (numbers, texts, bytes, lists, dicts, sets, dates, Decimals), numpy arrays without objects, "
    "pandas and polars objects, Arrow tables, PIL images"
)


def cannot(name: str, kind: str, why: str, where: str = "", *, do: str = "") -> NoReturn:
    """Raise ValueCannotCross for a value that is no data."""
    place = f"{name} ({where})" if where else name
    what = f"{place} is a {kind}: it cannot cross as data"
    raise ValueCannotCross(what, name=name, type_name=kind, why=why, do=do or f"what can cross: {CAN_CROSS}")


def refuse(name: str, kind: str, why: str, *, do: str = "") -> NoReturn:
    """Raise ValueCannotCross for a value that did not come across."""
    do = do or f"what can cross: {CAN_CROSS}"
    raise ValueCannotCross(f"{name} could not cross", name=name, type_name=kind, why=why, do=do)


def adopt_instead(name: str, why: str) -> str:
    """What to do about code and fitted models that were to come out: take over the source that made them."""
    is_code = "it is code" in why or "fitted model" in why
    return f"`%autocode adopt {name}` puts its source into your next cell" if is_code else ""
