"""JSON values from inside: walked node by node, within bounds, before anybody recurses into them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

# Whoever shows or saves a value recurses into it; browsers and Python's own writers give up some 600 levels down.
DEPTH = 60
NODES = 500_000


def leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every value with the key it stands under; raises ValueError for a tree that is too large or deep."""
    waiting: list[tuple[str, Any, int]] = [("", tree, 0)]
    seen = 0
    while waiting:
        key, value, depth = waiting.pop()
        seen += 1
        if depth > DEPTH or seen > NODES:
            raise ValueError
        yield key, value
        if isinstance(value, dict):
            waiting.extend((str(k), v, depth + 1) for k, v in value.items())
        elif isinstance(value, list):
            waiting.extend((key, v, depth + 1) for v in value)


def is_sound(tree: Any) -> bool:
    """Whether `tree` can be written as JSON again and read by everybody: bounded, of whole characters and numbers."""
    try:
        return all(_is_whole(key) and _is_whole(value) for key, value in leaves(tree))
    except ValueError:
        return False


def _is_whole(value: Any) -> bool:
    # Python's parser takes NaN, and makes halves of characters and infinities; no other one reads them back.
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True
