"""Parameters as papermill knows them: a cell after the one tagged ``parameters``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from jupyter_autocoder.errors import UsageError

_TAG = "injected-parameters"


def parse_value(text: str) -> Any:
    """A parameter's value as papermill reads it: a number, a truth value, None, or else the text itself."""
    words = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def inject(notebook: NotebookNode, parameters: Sequence[Sequence[str]]) -> None:
    """Put a cell with the (name, value) pairs after the cell tagged ``parameters``, or first. Raises UsageError."""
    if not parameters:
        return
    for name, _ in parameters:
        if not name.isidentifier():
            raise UsageError(f"-p {name}: that is not a variable's name", do="name a variable of the notebook")
    source = "# Parameters\n" + "\n".join(f"{name} = {parse_value(value)!r}" for name, value in parameters)
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [_TAG]})
    tags = [cell.get("metadata", {}).get("tags", []) for cell in notebook.cells]
    place = next((index + 1 for index, names in enumerate(tags) if "parameters" in names), 0)
    notebook.cells[:] = [old for old in notebook.cells if _TAG not in old.get("metadata", {}).get("tags", [])]
    notebook.cells.insert(place, cell)
