"""This process's own memory: the only place where a message shows that a kernel sends and never finishes.

ZMQ collects all parts of a message before anyone sees the first, and puts no limit on their number.
"""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 512 * 2**20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Growth:
    """How much this process has grown since this was made."""

    def __init__(self) -> None:
        self._before = _resident()

    @property
    def is_wild(self) -> bool:
        """Whether it is more than anything does that waits for a kernel."""
        return _resident() - self._before > LIMIT


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
