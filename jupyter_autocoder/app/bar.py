"""A progress bar for people: on the terminal's error stream, between the lines of the report."""

from __future__ import annotations

from typing import TextIO

_WIDTH = 20
_CLEAR = "\r\x1b[K"


class Writer:
    """Writes text to `out`; where `terminal` is one, a bar stands below it until the next text."""

    def __init__(self, out: TextIO, terminal: TextIO | None) -> None:
        self._out = out
        self._terminal = terminal

    def __call__(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.write(_CLEAR)
            self._terminal.flush()
        self._out.write(text)
        self._out.flush()

    def at(self, done: int, total: int) -> None:
        """Say that `done` of `total` cells have ended."""
        if self._terminal is None or not total:
            return
        filled = _WIDTH * done // total
        self._terminal.write(f"{_CLEAR}{'█' * filled}{'░' * (_WIDTH - filled)} cell {done + 1} of {total}")
        self._terminal.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._terminal is not None:
            self._terminal.write(_CLEAR)
            self._terminal.flush()


def writer(out: TextIO, terminal: TextIO) -> Writer:
    """A writer with a bar where a person watches, without one in a pipe or a CI's log."""
    return Writer(out, terminal if terminal.isatty() else None)
