"""Import nbclient in a quarter of a second.

nbclient imports nbformat, which imports jsonschema, which imports rfc3987_syntax where it is installed, and that one
compiles a grammar at import: 1.2 of 1.45 s, measured on jsonschema 4.26. The grammar is for checking IRIs, which
notebooks do not have. So it is compiled when the first IRI is checked, by whoever checks one.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAME = "rfc3987_syntax"


@contextmanager
def deferred_grammar() -> Iterator[None]:
    """Within this block jsonschema gets a stand-in for rfc3987_syntax that loads the real one at its first use."""
    if _NAME in sys.modules or "jsonschema" in sys.modules or importlib.util.find_spec(_NAME) is None:
        yield
        return
    stand_in = types.ModuleType(_NAME)
    stand_in.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
    sys.modules[_NAME] = stand_in
    try:
        yield
    finally:
        # Whoever imports it from here on gets the real one.
        if sys.modules.get(_NAME) is stand_in:
            del sys.modules[_NAME]


def _is_valid_syntax(*arguments: Any, **options: Any) -> Any:
    return importlib.import_module(_NAME).is_valid_syntax(*arguments, **options)
