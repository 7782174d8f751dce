"""A watch over how much disk a sandbox takes, for backends that write to the host's disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from jupyter_autocoder.sandbox.inner import Inner

PERIOD = 0.4
"""Seconds between two looks."""
MOST_FILES = 20_000


def watch_size(folders: Sequence[str], limit: int, inner: Inner) -> None:
    """Kill the sandbox when its `folders` hold more than `limit` bytes or too many files; ends with the sandbox."""
    threading.Thread(target=_watch, args=(folders, limit, inner), name="sandbox-disk-watch", daemon=True).start()


def _watch(folders: Sequence[str], limit: int, inner: Inner) -> None:
    while not inner.has_ended(within=PERIOD):
        size, files = 0, 0
        for folder in folders:
            more, many = usage(folder)
            size, files = size + more, files + many
        if size > limit or files > MOST_FILES:
            inner.kill(because="disk")


def usage(folder: str) -> tuple[int, int]:
    """Bytes on disk and number of entries below a folder; links are not followed, what vanishes is not counted."""
    size = files = 0
    for _, folders, names, descriptor in os.fwalk(folder, onerror=None, follow_symlinks=False):
        for name in (*folders, *names):
            files += 1
            try:
                size += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
            except OSError:
                continue
        if files > MOST_FILES:
            break
    return size, files
