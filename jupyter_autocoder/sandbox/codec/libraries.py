"""Libraries whose values can cross: never imported to find out, since a value of their types means that they are."""

from __future__ import annotations

import sys
from types import ModuleType


def loaded(name: str) -> ModuleType | None:
    """The module `name` if it is imported whole; None while another thread still imports it: no value can be its."""
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module
