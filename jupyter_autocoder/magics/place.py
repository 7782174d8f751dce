"""Where one cell's status stands: a display that is updated in place, or a terminal's line that is written over."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display

from jupyter_autocoder.magics.status import Bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Place(Protocol):
    """What a Status draws on; metadata comes with the last state alone."""

    def publish(self, bundle: Bundle, metadata: Mapping[str, Any]) -> None: ...


class Updated:
    """One display that is updated in place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def publish(self, bundle: Bundle, metadata: Mapping[str, Any]) -> None:
        if self._handle is None:
            self._handle = display(bundle, raw=True, metadata=dict(metadata), display_id=True)
        else:
            self._handle.update(bundle, raw=True, metadata=dict(metadata))


class Line:
    """One line of a terminal, which takes no updates; the last state is a display of its own."""

    def __init__(self) -> None:
        self._width = 0

    def publish(self, bundle: Bundle, metadata: Mapping[str, Any]) -> None:
        if metadata:
            self._write("", end="\r")
            display(bundle, raw=True, metadata=dict(metadata))
        else:
            self._write(bundle["text/plain"].partition("\n")[0])

    def _write(self, line: str, end: str = "") -> None:
        # Written over with spaces: not everything that takes a carriage return knows a terminal's commands.
        sys.stdout.write(f"\r{line.ljust(self._width)}{end}")
        sys.stdout.flush()
        self._width = len(line)


def place_of(shell: InteractiveShell) -> Place:
    """The place that fits whoever sent the running cell.

    A notebook's front-end says which cell it is; runners without a person keep what they are told. A person without a
    cell sits at ``jupyter console``, a Qt console or IPython itself: none of them updates a display.
    """
    kernel = getattr(shell, "kernel", None)
    parent = {} if kernel is None else kernel.get_parent()
    is_person = kernel is None or bool(parent.get("content", {}).get("allow_stdin"))
    return Line() if is_person and not parent.get("metadata") else Updated()
