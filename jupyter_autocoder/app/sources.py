"""What there is to check in files, notebooks and locks: each piece of code with where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_autocoder.agent.checks import compile_checks, split
from jupyter_autocoder.app import notebooks
from jupyter_autocoder.errors import AutocoderError, UsageError
from jupyter_autocoder.lock import FILE_NAME, Entry, Lock, find, is_lock

Kind = Literal["python", "notebook", "lock"]
_KINDS: Mapping[str, Kind] = {".py": "python", ".pyi": "python", ".pyw": "python", ".ipynb": "notebook"}
_SCRIPT = re.compile(rb"#![^\n]*\bpython")
# Where a folder is searched, a lock may have any name that ends so; named by itself, any name at all.
_LOCKS = frozenset({".lock", ".json"})
_SKIPPED = frozenset({".ipynb_checkpoints", "__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One piece of code: `cell` counts a notebook's cells, or a lock's entries, from 1; None for a whole file.

    `error` says why there is none to be had from this file.
    """

    path: str
    text: str
    cell: int | None = None
    error: AutocoderError | None = None


def gather(path: Path, *, all_cells: bool, environ: Mapping[str, str]) -> Iterator[Source]:
    """Yield the code below `path`: Python files, notebooks, locks.

    A file that cannot be read is told in its place, and the others are read all the same. Raises UsageError where
    there is no such path, or a file that is none of these was named by itself.
    """
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.is_file() and not _is_skipped(one.relative_to(path)) and (kind := _kind_within(one, environ)):
                yield from _gather_file(one, kind, all_cells=all_cells, environ=environ)
    elif path.is_file():
        yield from _gather_file(path, _kind_of(path, environ), all_cells=all_cells, environ=environ)
    elif path.exists():
        raise UsageError(f"{path} is neither a regular file nor a folder", do="correct the path")
    else:
        raise UsageError(f"there is no file or folder {path}", do="correct the path")


def _kind_of(path: Path, environ: Mapping[str, str]) -> Kind:
    """What a file is that was named by itself: a lock by what is in it, since as Python its JSON would be allowed."""
    if _is_lock_by_name(path, environ) or path.suffix == ".lock":
        return "lock"
    if path.suffix != ".ipynb" and is_lock(path):
        return "lock"
    if kind := _KINDS.get(path.suffix) or _kind_of_script(path):
        return kind
    do = "name files that end in .py or .ipynb, locks, or folders of them"
    raise UsageError(f"{path} is neither a Python file nor a notebook nor a lock", do=do)


def _kind_of_script(path: Path) -> Kind | None:
    """Python where the first line names it as what runs the file."""
    try:
        with path.open("rb") as file:
            return "python" if _SCRIPT.match(file.read(200)) else None
    except OSError as error:
        raise UsageError(f"{path} cannot be read", why=str(error), do="correct its rights") from None


def _kind_within(path: Path, environ: Mapping[str, str]) -> Kind | None:
    """What a file is that lies in a searched folder; other programs' locks and data are None."""
    if _is_lock_by_name(path, environ) or (path.suffix in _LOCKS | {".py"} and is_lock(path)):
        return "lock"
    return _KINDS.get(path.suffix)


def _is_lock_by_name(path: Path, environ: Mapping[str, str]) -> bool:
    named = bool(environ.get("AUTOCODER_LOCK")) and notebooks.is_same_file(path, find(path.parent, environ))
    return named or path.name == FILE_NAME


def _is_skipped(relative: Path) -> bool:
    return any(part in _SKIPPED or part.startswith(".") for part in relative.parts[:-1])


def _gather_file(path: Path, kind: Kind, *, all_cells: bool, environ: Mapping[str, str]) -> Iterator[Source]:
    try:
        yield from _read_file(path, kind, all_cells=all_cells, environ=environ)
    except AutocoderError as error:
        yield Source(path=path.as_posix(), text="", error=error)


def _read_file(path: Path, kind: Kind, *, all_cells: bool, environ: Mapping[str, str]) -> Iterator[Source]:
    if kind == "notebook":
        yield from _gather_notebook(path, all_cells=all_cells, environ=environ)
    elif kind == "lock":
        for number, entry in enumerate(Lock(path).entries().values(), 1):
            yield Source(path=path.as_posix(), text=entry.code, cell=number)
            if entry.checks:
                yield Source(path=path.as_posix(), text=_script(entry.checks), cell=number)
    else:
        yield Source(path=path.as_posix(), text=_read(path))


def _gather_notebook(path: Path, *, all_cells: bool, environ: Mapping[str, str]) -> Iterator[Source]:
    lock = Lock(find(path.resolve().parent, environ))
    for number, cell in enumerate(notebooks.read(path).cells, 1):
        prompt = notebooks.prompt_of(cell)
        if prompt is not None:
            text, checks = split(prompt[1])
            for code in _generated(lock.entries(), text, checks, notebooks.provenance_of(cell)):
                yield Source(path=path.as_posix(), text=code, cell=number)
            if checks:
                yield Source(path=path.as_posix(), text=_script(checks), cell=number)
        elif all_cells and cell.cell_type == "code":
            yield Source(path=path.as_posix(), text=_plain(cell.source), cell=number)


def _script(checks: str) -> str:
    """The checks as they would run, or as they stand where they are no Python: then the checker says where."""
    try:
        return compile_checks(checks).source
    except (UsageError, SyntaxError, ValueError, RecursionError, MemoryError):
        return checks


def _generated(entries: Mapping[str, Entry], text: str, checks: str, provenance: Mapping[str, Any]) -> list[str]:
    """The code a cell stands for: what the lock would run, and what its output says was run."""
    locked = [
        e.code for e in entries.values() if (e.prompt.strip(), e.checks.strip()) == (text.strip(), checks.strip())
    ]
    shown = provenance.get("source")
    return list(dict.fromkeys([*locked, *([shown] if isinstance(shown, str) and shown else [])]))


def _plain(source: str) -> str:
    """A cell without IPython's own syntax, its line numbers kept: magics are the person's, not Python."""
    if source.lstrip().startswith("%%"):
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines()) + "\n"


def _read(path: Path) -> str:
    try:
        # What is no UTF-8 stays visible as lone surrogates, which the checker refuses.
        return path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UsageError(f"{path} cannot be read", why=str(error), do="correct its rights") from None
