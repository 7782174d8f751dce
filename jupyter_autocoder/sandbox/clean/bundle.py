"""MIME bundles: an allow-list, each type with its own cleaner; what has none is left out with a note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_autocoder.sandbox.clean import text


@dataclass
class Bundle:
    """Cleaned data by MIME type with the little metadata that is kept, and remarks on what was left out."""

    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(len(value) if isinstance(value, str) else len(repr(value)) for value in self.data.values())


def clean_bundle(data: object, metadata: object) -> Bundle:
    """Clean what a display message holds; never raises on what is inside."""
    bundle = Bundle()
    if not isinstance(data, dict):
        return bundle
    for kind, cleaner in _CLEANERS.items():
        if kind in data:
            value = cleaner(data[kind])
            if value:
                bundle.data[kind] = value
    dropped = [kind for kind in data if kind not in _CLEANERS]
    if dropped:
        bundle.notes.append("left out: " + ", ".join(text.one_line(kind, 80) for kind in dropped[:5]))
    return bundle


_CLEANERS: dict[str, Callable[[Any], Any]] = {
    "text/plain": lambda value: text.clean(value),
}
