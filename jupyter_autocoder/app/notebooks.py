"""Notebooks as files: read, write, and find the prompts in them."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.events import METADATA

_MAGIC = re.compile(r"\A\s*%%autocode\b[ \t]*(?P<line>[^\n]*)\n?(?P<cell>.*)\Z", re.DOTALL)


def read(path: Path) -> NotebookNode:
    """Read a notebook. Raises UsageError where there is none or it cannot be understood."""
    try:
        with warnings.catch_warnings():
            # Old notebooks without cell ids are read all the same; nbformat adds the ids and says so.
            warnings.simplefilter("ignore")
            notebook: NotebookNode = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise UsageError(f"There is no notebook {path}.", do="correct the path") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read.", why=str(error), do="correct the path or its rights") from None
    except Exception as error:  # nbformat raises its own, jsonschema's and ValueError for files that are no notebooks
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"{path} is not a notebook that can be read.", why=what, do="save it anew in Jupyter"
        ) from None
    if not isinstance(notebook.get("cells"), list):
        raise UsageError(f"{path} is not a notebook that can be read.", why="it has no cells", do="save it anew")
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all. Raises UsageError where that fails."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(nbformat.writes(notebook) + "\n")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError(
            f"{path} could not be written.", why=str(error), do="free space or choose another path"
        ) from None


def prompt_of(cell: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the option line and the body of an ``%%autocode`` cell, or None."""
    if cell.get("cell_type") != "code":
        return None
    match = _MAGIC.match(cell["source"])
    return (match["line"], match["cell"]) if match else None


def provenance_of(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the cell's outputs tell about how its answer came to be; empty where they tell nothing."""
    found: dict[str, Any] = {}
    for output in cell.get("outputs", ()):
        found = output.get("metadata", {}).get(METADATA, found)
    return dict(found)


def texts_of(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader of the cell's outputs sees, as plain text, without the status display."""
    for output in cell.get("outputs", ()):
        kind = output["output_type"]
        if kind == "stream":
            yield output["text"]
        elif kind == "error":
            yield error_text(output)
        elif METADATA not in output.get("metadata", {}):
            yield output["data"].get("text/plain", "")


def error_text(output: Mapping[str, Any]) -> str:
    """An error output as its reader sees it."""
    return "\n".join(output.get("traceback", ())) or f"{output['ename']}: {output['evalue']}"
