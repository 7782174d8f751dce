"""What the kernel tells about the message that is being handled: from a browser's widget, from a cell, from nobody."""

from __future__ import annotations

import collections
import datetime as dt
import threading
from typing import Any

REMEMBERED = 10_000
_SEEN: collections.OrderedDict[str, None] = collections.OrderedDict()
_LOCK = threading.Lock()


def shell() -> Any:
    """The running IPython shell, None in a plain Python."""
    import sys

    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def parent() -> dict[str, Any]:
    """The message that this code is run for; empty outside a kernel."""
    kernel = getattr(shell(), "kernel", None)
    found = None if kernel is None else kernel.get_parent("shell")
    return found if isinstance(found, dict) else {}


def in_kernel() -> bool:
    return getattr(shell(), "kernel", None) is not None


def has_person() -> bool:
    """Whether somebody sits in front: runners without a person do not allow input from a keyboard."""
    content = parent().get("content")
    return isinstance(content, dict) and content.get("allow_stdin") is True


def click_time(comm_id: str, content: object) -> float | None:
    """When the front-end of this comm sent `content` (epoch seconds); None when it did not, or did so before.

    A seat-belt, not a wall: code in the kernel can forge a parent message. It keeps `button.click()` in a cell, a
    thread or a callback from counting as a person's, and one message from counting twice.
    """
    message = parent()
    header, outer = message.get("header"), message.get("content")
    if not isinstance(header, dict) or not isinstance(outer, dict) or header.get("msg_type") != "comm_msg":
        return None
    data = outer.get("data")
    if outer.get("comm_id") != comm_id or not isinstance(data, dict) or data.get("content") != content:
        return None
    if not _first_time(str(header.get("msg_id"))):
        return None
    date = header.get("date")
    if isinstance(date, str):
        try:
            date = dt.datetime.fromisoformat(date)
        except ValueError:
            return None
    return date.timestamp() if isinstance(date, dt.datetime) else None


def _first_time(message: str) -> bool:
    with _LOCK:
        if message in _SEEN:
            return False
        _SEEN[message] = None
        while len(_SEEN) > REMEMBERED:
            _SEEN.popitem(last=False)
    return True
