"""What a run for a conversation gives while it goes on, told to the Jupyter server that asked for the run.

Each output is a message of our own type, which front ends pass over: a display message would end in the log of a
notebook that did not ask for it. Its topic names the session that asked, so that only that one need take notice.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_autocoder.events import LIVE_OUTPUT

# Bytes: everybody who follows the kernel gets these messages, and a server cuts off a kernel that sends 3 MB at once.
SHOWN = 2**20


class Live:
    """Sends the outputs of one run; called from the thread that answers the request, for `kernel`'s current parent."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._parent = kernel.get_parent() if kernel is not None else {}
        self._left = SHOWN if getattr(kernel, "iopub_socket", None) is not None else 0
        self._number = 0

    def send(self, output: dict[str, Any] | None) -> None:
        """Send an output, None for none; nothing more after one that there was no room for."""
        if output is None or self._left <= 0:
            return
        self._left -= len(json.dumps(output))
        if self._left <= 0:
            return
        self._kernel.session.send(
            self._kernel.iopub_socket,
            LIVE_OUTPUT,
            {"number": self._number, "output": output},
            parent=self._parent,
            ident=f"{LIVE_OUTPUT}.{self._parent.get('header', {}).get('session', '')}".encode(),
        )
        self._number += 1
