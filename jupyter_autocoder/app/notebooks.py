"""Notebooks as files: read, write, and find the prompts in them."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import nbformat
from nbformat import NotebookNode

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.events import METADATA

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MAGIC = re.compile(r"\A\s*%%autocode\b[ \t]*(?P<line>[^\n]*)\n?(?P<cell>.*)\Z", re.DOTALL)
_TEXTS = (
    "model", "origin", "key", "prompt", "code", "source", "verdict", "backend", "error", "ticket", "state", "unlocked",
)  # fmt: skip
_COUNTS = ("attempts", "cost_micro_usd")
_TALLIES = {"checks": ("passed", "count"), "tokens": ("input", "output")}
# What has to be free on a disk before a run whose outputs are to be kept there, in bytes.
_ROOM = 64 * 1024
# A database's integer: what is larger is no count, and would not divide as a float.
_MOST = 2**63 - 1


def read(path: Path) -> NotebookNode:
    """Read a notebook. Raises UsageError where there is none or it cannot be understood."""
    try:
        with warnings.catch_warnings():
            # Old notebooks without cell ids are read all the same; nbformat adds the ids and says so.
            warnings.simplefilter("ignore")
            # What was converted from an older format holds plain dictionaries.
            with _open(path) as file:
                notebook: NotebookNode = nbformat.from_dict(nbformat.read(file, as_version=4))
    except FileNotFoundError:
        raise UsageError(f"there is no notebook {path}", do="correct the path") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read", why=why, do="correct the path or its rights") from None
    except Exception as error:  # nbformat raises its own, jsonschema's and ValueError for files that are no notebooks
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{path} is not a notebook that can be read", why=what, do="save it anew in Jupyter") from None
    if problem := _problem_of(notebook):
        raise UsageError(f"{path} is not a notebook that can be read", why=problem, do="save it anew in Jupyter")
    return notebook


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """Open a regular file; what else there is, as a pipe or a terminal, might let us wait for ever."""
    with open(path, encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        yield file


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by links of any kind too."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _problem_of(notebook: NotebookNode) -> str:
    """Say what nothing here could work with; nbformat only logs what breaks the format."""
    if not isinstance(notebook.get("cells"), list):
        return "it has no cells"
    if not isinstance(notebook.setdefault("metadata", NotebookNode()), dict):
        return "its metadata is no object"
    for number, cell in enumerate(notebook.cells, 1):
        if not isinstance(cell, NotebookNode):
            return f"cell {number} is no object"
        if wrong := _problem_of_cell(cell):
            return f"cell {number} has {wrong}"
    return ""


def _problem_of_cell(cell: NotebookNode) -> str:
    if not isinstance(cell.get("cell_type"), str) or not isinstance(cell.get("source"), str):
        return "a type or a source that is no text"
    metadata = cell.setdefault("metadata", NotebookNode())
    if not isinstance(metadata, dict) or not _are_texts(metadata.get("tags", [])):
        return "metadata that cannot be understood"
    if cell.cell_type == "code":
        cell.setdefault("execution_count", None)
        outputs = cell.setdefault("outputs", [])
        if not isinstance(outputs, list) or not all(map(_is_output, outputs)):
            return "outputs that cannot be understood"
    return ""


def _is_output(output: Any) -> bool:
    if not isinstance(output, dict) or not isinstance(output.get("metadata", {}), dict):
        return False
    match output.get("output_type"):
        case "stream":
            return isinstance(output.get("text"), str)
        case "error":
            return _are_texts(output.get("traceback", []))
        case "display_data" | "execute_result":
            return isinstance(output.get("data"), dict)
    return False


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def clear(notebook: NotebookNode) -> None:
    """Take away what earlier runs left, so that whatever stands in a cell later is this run's."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def expect_writable(path: Path) -> None:
    """Raise UsageError where `path` cannot be written, as far as can be known before a model is asked."""
    why = "it is a folder" if path.is_dir() else ""
    if path.exists() and not os.access(path, os.W_OK):
        why = "it is read-only"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(_ROOM))
    except OSError as error:
        why = str(error)
    if why:
        do = "free space or choose another path; nothing was run"
        raise UsageError(f"{path} cannot be written", why=why, do=do)


def expect_replaceable(path: Path) -> None:
    """Raise UsageError where `path` is a pipe or a device: the notebook would be renamed into its place."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(f"{path} is not a regular file", do="choose another path; nothing was written")


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all. Raises UsageError where that fails."""
    expect_replaceable(path)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(nbformat.writes(notebook) + "\n")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError(
            f"{path} could not be written", why=str(error), do="free space or choose another path"
        ) from None


def prompt_of(cell: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the option line and the body of an ``%%autocode`` cell, or None."""
    if cell.get("cell_type") != "code":
        return None
    match = _MAGIC.match(cell["source"])
    return (match["line"], match["cell"]) if match else None


def provenance_of(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the cell's outputs tell about how its answer came to be; empty where they tell nothing.

    Anybody may have written it, so the keys that are used here are left out where they hold something else than we
    write: texts, counts, and ``checks`` and ``tokens`` with all their counts.
    """
    found: Any = {}
    for output in cell.get("outputs", ()):
        found = output.get("metadata", {}).get(METADATA, found)
    return {key: value for key, value in found.items() if _is_ours(key, value)} if isinstance(found, dict) else {}


def _is_ours(key: str, value: object) -> bool:
    if key in _TEXTS:
        return isinstance(value, str)
    if key in _COUNTS:
        return value is None or _is_count(value)
    if key in _TALLIES:
        return isinstance(value, dict) and set(value) >= set(_TALLIES[key]) and all(map(_is_count, value.values()))
    return True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= _MOST


def texts_of(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a reader of the cell's outputs sees, as plain text, without the status display."""
    for output in cell.get("outputs", ()):
        kind = output["output_type"]
        if kind == "stream":
            yield output["text"]
        elif kind == "error":
            yield error_text(output)
        elif METADATA not in output.get("metadata", {}):
            yield str(output["data"].get("text/plain", ""))


def error_text(output: Mapping[str, Any]) -> str:
    """An error output as its reader sees it."""
    return "\n".join(output.get("traceback", ())) or f"{output.get('ename', '')}: {output.get('evalue', '')}"


def uncoloured(text: str) -> str:
    """Return `text` without a terminal's colours."""
    return _ANSI.sub("", text)
