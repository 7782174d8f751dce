"""Folders that are this person's alone, also where everybody may write beside them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LASTING = "/var/tmp"  # noqa: S108 - what lies there is checked to be ours and private


def ours_in(base: str) -> Path:
    """Name our folder in one that everybody may write to."""
    return Path(base) / f"jupyter-autocoder-{os.getuid()}"


def make_private(folder: Path) -> Path:
    """Make `folder` if need be and see that it is ours alone; raises OSError where it cannot be."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # In a folder that everybody may write to, somebody else may have put a link or a folder of theirs in our place.
    if folder.is_symlink() and not _is_ours(folder.parent):
        raise NotADirectoryError(errno.ENOTDIR, "is not a folder of yours")
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "belongs to somebody else")
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def _is_ours(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & stat.S_IWOTH
