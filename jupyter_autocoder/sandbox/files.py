"""Files in and out of the sandbox: inputs copied into its read-only inbox, results copied out of its scratch folder."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from jupyter_autocoder import text
from jupyter_autocoder.errors import SandboxError, UsageError
from jupyter_autocoder.sandbox.scratch import Scratch, Unsafe

_CHUNK = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchFile:
    """A regular file that the code left in its working directory: its name (``plots/a.png``) and size in bytes."""

    name: str
    size: int


def listing(scratch: Scratch) -> tuple[ScratchFile, ...]:
    """The files that could be collected; links, devices, hidden files and names that deceive are not among them."""
    found = ((PurePosixPath(*way).as_posix(), size) for way, size in scratch.walk())
    return tuple(ScratchFile(name=name, size=size) for name, size in found if _is_honest(name))


def copy_in(path: Path, folder: Path, name: str) -> None:
    """Copy the host's regular file `path` as `name` into the inbox `folder`. Raises UsageError, SandboxError."""
    if name in ("", ".", "..") or "/" in name or not _is_honest(name):
        raise UsageError(f"{name!r} is not a file name", do="give the file a plain name")
    try:
        if not path.is_file():
            raise UsageError(f"{path} is not a file", why="it does not exist or is something else", do="check the path")
        # Written aside and renamed: code that is already running sees the whole file or none.
        partial = folder / f".{name}.partial"
        try:
            shutil.copyfile(path, partial)
            partial.chmod(0o444)
            partial.rename(folder / name)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise SandboxError(f"{path} could not be handed to the sandbox", why=why, do="free some space") from None


def show(scratch: Scratch, name: str, inside: str) -> None:
    """Make `name` in the scratch folder a link to `inside`, a path of the sandbox. Raises UsageError."""
    try:
        scratch.link(PurePosixPath(name).parts, inside)
    except Unsafe as error:
        do = "name the file otherwise, or start with --fresh"
        raise UsageError(f"{name} cannot be shown to the code", why=str(error), do=do) from None


def copy_out(scratch: Scratch, name: str, to: Path, *, limit: int, overwrite: bool = False) -> Path:
    """Copy the sandbox's file `name` to the path `to` (or into it, when it is a folder) and return where it went.

    It is copied once, as a plain file without its mode, and appears whole or not at all. Raises UsageError for a name
    that is no regular file below the scratch folder or is larger than `limit` bytes, and for a target that exists.
    """
    way = PurePosixPath(name).parts
    target = to / way[-1] if way and to.is_dir() else to
    try:
        if not way or any(part.startswith(".") for part in way) or not _is_honest(name):
            raise Unsafe("hidden, absolute and deceiving names do not leave the sandbox")
        source = scratch.open_file(way)
    except FileNotFoundError:
        do = "let the code write it to its working directory, and check the name"
        raise UsageError(f"the sandbox has no file {name!r}", do=do) from None
    except Unsafe as error:
        raise UsageError(f"{name!r} cannot be copied out of the sandbox", why=str(error)) from None
    try:
        size = os.fstat(source).st_size
        if size > limit:
            raise UsageError(f"{name!r} is too large to be copied out", why=f"{size:,} bytes; at most {limit:,} may")
        _place(source, size, target, overwrite=overwrite)
    finally:
        os.close(source)
    return target


def _place(source: int, size: int, target: Path, *, overwrite: bool) -> None:
    try:
        if not overwrite and _exists(target):
            raise FileExistsError
        descriptor, partial = tempfile.mkstemp(prefix=".autocoder-", dir=target.parent)
        try:
            with open(descriptor, "wb") as file:
                _copy(source, file.fileno(), size)
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            if overwrite:
                os.replace(partial, target)
            else:
                os.link(partial, target)  # unlike a rename this never replaces anything
        finally:
            Path(partial).unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError(f"{target} exists already", why="nothing is overwritten", do="choose another name") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written", why=error.strerror or str(error)) from None


def _copy(source: int, target: int, size: int) -> None:
    done = 0
    while done < size:
        count = os.sendfile(target, source, done, min(_CHUNK, size - done))
        if count == 0:
            break  # it shrank meanwhile: what was there has been copied
        done += count


def _exists(path: Path) -> bool:
    try:
        return stat.S_IFMT(path.lstat().st_mode) != 0
    except FileNotFoundError:
        return False


def _umask() -> int:
    """This process's umask, read without changing it (proc(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o077


def _is_honest(name: str) -> bool:
    """Whether a person who reads `name` sees what it is: no control characters, no reordering, valid text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return text.plain(name) == name and name.isprintable() and name == name.strip() and "\\" not in name
