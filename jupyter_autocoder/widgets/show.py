"""Shows a ticket where it was asked for: the static record always, a live control below it where a person sits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from jupyter_autocoder.desk import CardPort, Desk, Entry
from jupyter_autocoder.trade.record import record_html, record_text
from jupyter_autocoder.widgets import kernel, terminal

Control = Literal["auto", "card", "plain", "none"]
_NO_WIDGETS = "Nothing can be clicked here: this kernel has no {0}. Install it, or confirm in JupyterLab's sidebar."


class Shown:
    """A ticket on show; the record is rewritten at every change, the control goes when the ticket is done."""

    def __init__(self, desk: Desk, ticket: str, *, display: Callable[..., Any] | None = None) -> None:
        self.port = CardPort(desk, ticket, desk.me, on_change=self._rewrite)
        self.control: Any = None
        self._display = display
        self._handle: Any = None
        self._receipts: list[Any] = []
        self._live = False
        self._place: Any = None
        self._written: dict[str, Any] = {}

    @property
    def ticket(self) -> str:
        """The id of the ticket on show: a changed price may have put a new one in its place."""
        return self.port.ticket

    def open(self, control: Control) -> None:
        """Show the record, and below it the control."""
        self._live = control != "none"
        self.port.draw()
        if control == "none":
            return
        try:
            self.control = _make_control(control, self.port)
        except ImportError as error:
            if self._display is not None:
                name = (error.name or "ipywidgets").partition(".")[0]
                self._display({"text/plain": _NO_WIDGETS.format(name)}, raw=True)
            return
        if self._display is not None:
            self._place = self._display(self.control, display_id=True)

    def close(self) -> None:
        """Take the control away; the record stays."""
        if self.control is not None:
            control, self.control = self.control, None
            control.close()
        if self._place is not None:
            # A saved notebook would say "model not found" where the control was.
            with contextlib.suppress(RuntimeError):
                self._place.update({"text/html": "", "text/plain": ""}, raw=True)
            self._place = None

    def _rewrite(self, card: dict[str, Any]) -> None:
        # How much time is left is told by the control alone: the record must stay true when nobody rewrites it.
        record = {**card, "seconds_left": 0}
        if record == self._written or self._display is None:
            return
        before, self._written = self._written, record
        if self._handle is None:
            if self._live:
                # A receipt has to stay when a follow-up takes this place: the sale's own, and then each follow-up's.
                self._receipts = [
                    self._display({"text/html": "", "text/plain": ""}, raw=True, display_id=True)
                    for _ in card["follow_ups"]
                ]
            self._handle = self._display(_bundle(card), raw=True, display_id=True)
        else:
            with contextlib.suppress(RuntimeError):  # The kernel is on its way out.
                # What another ticket took the place of has none: nothing came of it.
                led_here = before.get("next") == card["id"] and not before.get("successor")
                if self._receipts and led_here:
                    self._receipts.pop(0).update(_bundle(before), raw=True)
                self._handle.update(_bundle(card), raw=True)
        if card["done"] and not card["next"]:
            self.close()


def _bundle(card: Mapping[str, Any]) -> dict[str, str]:
    return {"text/html": record_html(card), "text/plain": record_text(card)}


def _make_control(control: Control, port: CardPort) -> Any:
    if control == "plain":
        from jupyter_autocoder.widgets.plain import PlainCard

        return PlainCard(port)
    from jupyter_autocoder.widgets.card import CardWidget

    return CardWidget(port)


def show_ticket(
    desk: Desk, entry: Entry, *, control: Control = "auto", tell: Callable[[str], None] | None = None
) -> Shown:
    """Show a ticket in the way that fits where this runs; never blocks where nobody sits.

    In a kernel: record and control, or the record alone for a runner without a person (nbclient, papermill). At a
    terminal: the record and a typed challenge. Elsewhere: the record by `tell`. Nothing here confirms by itself.
    """
    if kernel.in_kernel():
        from IPython.display import display

        shown = Shown(desk, entry.id, display=display)
        chosen: Control = control if control != "auto" else ("card" if kernel.has_person() else "none")
        # A live ticket is confirmed in the server's sidebar; a control here would only look as if it could.
        shown.open("none" if entry.ticket.mode == "live" else chosen)
        return shown
    shown = Shown(desk, entry.id)
    if tell is not None and control != "none" and terminal.at_a_terminal():
        terminal.challenge(shown.port, tell=tell)
    elif tell is not None:
        tell(record_text(desk.card(entry.id)))
    return shown
