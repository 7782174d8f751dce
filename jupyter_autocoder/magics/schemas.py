"""What the notebook's variables are, for a conversation: names, types, shapes and columns.

What they hold is told only where a setting (``[notebook] show_data``) says so.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container, Iterator, Mapping
from types import ModuleType
from typing import Any

from jupyter_autocoder.events import Variable
from jupyter_autocoder.sandbox import describe

MOST = 500
LONGEST = 4000


def schemas(namespace: Mapping[str, Any], hidden: Container[str], *, rows: int) -> str:
    """Return a JSON list of the data among `namespace`, by name; `rows` of each are shown in `sample`, 0 for none.

    Functions, classes and modules are left out: their code stands in the notebook's cells.
    """
    names = sorted(name for name in namespace if name not in hidden and not name.startswith("_"))
    told = (told for name in names for told in _told(name, namespace[name], rows))
    return json.dumps([dataclasses.asdict(variable) for variable, _ in zip(told, range(MOST), strict=False)])


def _told(name: str, value: Any, rows: int) -> Iterator[Variable]:
    try:
        if callable(value) or isinstance(value, ModuleType):
            return
        found = describe(name, value, rows=rows)
    except Exception:  # it cannot cross, or a method of its own raised: it is still there to be named
        found = Variable(name=name, type=type(value).__name__)
    yield dataclasses.replace(found, type=found.type[:LONGEST], sample=found.sample[:LONGEST])
