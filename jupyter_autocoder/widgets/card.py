"""The card as an anywidget: its own document, its own rules against stray clicks, one module shared with the sidebar.

No trait holds anything of a ticket, so that a synced trait that somebody overwrites, or one saved in a notebook, means
nothing: the card asks by messages, and every answer is read anew from the store.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import anywidget

from jupyter_autocoder.desk import CardPort
from jupyter_autocoder.widgets.follower import Follower
from jupyter_autocoder.widgets.kernel import click_time

HERE = Path(__file__).parent
_NOT_A_CLICK = "only a click in the card confirms; code in a cell does not"
_ACTS = frozenset({"confirm", "retry", "edit", "dismiss", "cancel"})


class CardWidget(anywidget.AnyWidget):
    """The live control of one ticket; close it when the ticket is done."""

    _esm = HERE / "card.js"
    _css = HERE / "card.css"

    def __init__(self, port: CardPort) -> None:
        super().__init__()
        self._port = port
        self._follower = Follower(port, on_news=self._tell)
        self.on_msg(self._heard)

    def __repr__(self) -> str:
        """What is read where no widget can be shown, as in a terminal."""
        return "(Nothing can be clicked here: confirm in JupyterLab, on the card in a notebook or in the sidebar.)"

    def close(self) -> None:
        """Stop following the order and take the control away."""
        follower = getattr(self, "_follower", None)
        if follower is not None:
            follower.stop()
        super().close()

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send to the browser, and keep the answer on the browser's own choice of a subshell.

        ipykernel 7 routes what the browser sends next to where this was sent from; a click would wait for a busy cell.
        """
        super().send(content, buffers)
        with contextlib.suppress(AttributeError):
            del self.comm._reply_subshell_id

    def _heard(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """Handle a message from the browser; it may come on a thread of its own while a cell is busy."""
        kind = message.get("kind") if isinstance(message, dict) else None
        if kind in _ACTS:
            clicked = click_time(self.comm.comm_id if self.comm is not None else "", message)
            if clicked is None:
                self.send({**self._port.draw(), "problem": _NOT_A_CLICK, "do": ""})
                return
            # Both clocks count: the browser's word may only make a click later than the kernel's header says.
            said = message.get("clicked")
            message = {**message, "clicked": max(clicked, said) if type(said) in (int, float) else clicked}
        reply = self._port.handle(message)
        self.send(reply)
        if reply["kind"] == "card":
            self._follower.look(reply["card"])

    def _tell(self, reply: dict[str, Any]) -> None:
        self.send(reply)
