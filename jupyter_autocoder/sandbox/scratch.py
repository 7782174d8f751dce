"""The sandbox's scratch folder, read from the host: every name, link, mode and size in it is hostile."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from jupyter_autocoder.errors import SandboxDied

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a planted FIFO would otherwise wait for its other end.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
COUNT = 10_000
DEPTH = 20


class Unsafe(Exception):
    """Raised when a name leads through a link, out of the folder, or to something else than a regular file."""


class Scratch:
    """A window onto the folder `path` (on the host); each step of a way is opened by itself and follows no link."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open_file(self, way: Sequence[str]) -> int:
        """A descriptor of the regular file that `way` leads to. Raises Unsafe, or FileNotFoundError."""
        _refuse_odd(way)
        with self._folder(way[:-1]) as folder:
            try:
                descriptor = os.open(way[-1], _FILE, dir_fd=folder)
            except FileNotFoundError:
                raise
            except OSError as error:
                raise Unsafe(error.strerror or "it cannot be opened") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unsafe("it is not a regular file")
        return descriptor

    def link(self, way: Sequence[str], target: str) -> None:
        """Make `way` a link to `target`, with the folders it needs; only an older link is replaced. Raises Unsafe."""
        _refuse_odd(way)
        for depth in range(1, len(way)):
            with self._folder(way[: depth - 1]) as folder, _as_owner(folder), contextlib.suppress(FileExistsError):
                os.mkdir(way[depth - 1], 0o700, dir_fd=folder)
        with self._folder(way[:-1]) as folder, _as_owner(folder):
            try:
                if stat.S_ISLNK(os.stat(way[-1], dir_fd=folder, follow_symlinks=False).st_mode):
                    os.unlink(way[-1], dir_fd=folder)
            except FileNotFoundError:
                pass
            try:
                os.symlink(target, way[-1], dir_fd=folder)
            except OSError as error:
                raise Unsafe(error.strerror or "it cannot be made") from None

    def discard(self, name: str) -> None:
        """Remove the folder `name` with the files in it; what hostile code hid deeper stays, on its own account."""
        _refuse_odd([name])
        with contextlib.suppress(OSError, Unsafe), self._folder([]) as above, _as_owner(above):
            with self._folder([name]) as folder, os.scandir(folder) as entries:
                for entry in itertools.islice(entries, COUNT):
                    with contextlib.suppress(OSError):
                        os.unlink(entry.name, dir_fd=folder)
            os.rmdir(name, dir_fd=above)

    def walk(self) -> list[tuple[tuple[str, ...], int]]:
        """The regular files below, hidden ones left out: the way to each, and its size in bytes."""
        found: list[tuple[tuple[str, ...], int]] = []
        waiting: list[tuple[str, ...]] = [()]
        while waiting and len(found) < COUNT:
            way = waiting.pop()
            with contextlib.suppress(Unsafe, FileNotFoundError), self._folder(way) as folder:
                for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)[:COUNT]:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False) and len(way) < DEPTH:
                        waiting.append((*way, entry.name))
                    elif entry.is_file(follow_symlinks=False):
                        found.append(((*way, entry.name), entry.stat(follow_symlinks=False).st_size))
        return sorted(found)[:COUNT]

    @contextlib.contextmanager
    def _folder(self, way: Sequence[str]) -> Iterator[int]:
        try:
            descriptor = os.open(self._path, _FOLDER)
        except OSError:
            raise SandboxDied("the sandbox's files are gone with its kernel") from None
        try:
            for step in way:
                try:
                    deeper = os.open(step, _FOLDER, dir_fd=descriptor)
                except FileNotFoundError:
                    raise
                except OSError as error:
                    raise Unsafe(error.strerror or "it cannot be opened") from None
                os.close(descriptor)
                descriptor = deeper
            yield descriptor
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _as_owner(folder: int) -> Iterator[None]:
    """Make files as the folder's owner on this thread: root itself has no number inside (EOVERFLOW)."""
    if os.geteuid() != 0:
        yield
        return
    owner = os.fstat(folder)
    # setfsuid(2): unlike seteuid it is one thread's own, so the rest of the process keeps its rights.
    libc = ctypes.CDLL(None)
    libc.setfsgid(owner.st_gid)
    libc.setfsuid(owner.st_uid)
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


def _refuse_odd(way: Sequence[str]) -> None:
    for step in way:
        if step in ("", ".", "..") or "/" in step or "\0" in step:
            raise Unsafe("a name that is no name")
