"""Keeps two writers of one file apart, by a lock file that does not lie beside it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
from jupyter_core import paths

from jupyter_autocoder import folders
from jupyter_autocoder.errors import LockError

_WAIT = 10.0


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Be the only writer of `path`. Raises LockError, saying why nobody can be or that somebody else is."""
    guard = _acquire(path)
    try:
        yield
    finally:
        guard.release()


def unwritable(path: Path, why: str, do: str) -> LockError:
    """Say that `path` stays as it is, why, and what to do."""
    do = f"{do}; the answer itself is in the cell's output"
    return LockError(f"{path} could not be written; it is unchanged", path=str(path), why=why, do=do)


def _acquire(path: Path) -> filelock.BaseFileLock:
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]
    reasons = []
    for folder in _folders():
        try:
            guard = filelock.FileLock(folders.make_private(folder) / f"autocode-{name}.lck", timeout=_WAIT)
            guard.acquire()
        except filelock.Timeout:
            why = f"another program has been writing it for {_WAIT:g} s"
            raise unwritable(path, why, "end that program, or run the cell again") from None
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror or error}")
        else:
            return guard
    why = "there is no folder to keep other writers away from: " + "; ".join(reasons)
    raise unwritable(path, why, "set JUPYTER_RUNTIME_DIR to a folder of yours that can be written")


def _folders() -> Iterator[Path]:
    """The folders for the guard, best first.

    A home may be read-only, as in a container; the store then keeps to /var/tmp as well.
    """
    yield Path(paths.jupyter_runtime_dir())
    yield from map(folders.ours_in, dict.fromkeys((folders.LASTING, tempfile.gettempdir())))
