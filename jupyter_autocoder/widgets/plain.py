"""The card in stock ipywidgets, for front-ends that cannot load ours: the same port, the same rules in Python.

A stock button sends no more than "click", so what the browser cannot guard is asked for in words: the symbol has to be
typed before anything live, short or warned of, and a click too soon after a change does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets  # type: ignore[import-untyped]

from jupyter_autocoder.desk import CardPort
from jupyter_autocoder.trade.record import record_html
from jupyter_autocoder.widgets.follower import Follower
from jupyter_autocoder.widgets.kernel import click_time


class PlainCard(ipywidgets.VBox):  # type: ignore[misc]
    """The live control of one ticket; close it when the ticket is done."""

    def __init__(self, port: CardPort, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._port = port
        self._clock = clock
        self._follower = Follower(port, on_news=self._draw)
        self._reply: dict[str, Any] = {}
        self._armed_at = 0.0
        self._draw(port.draw())

    def close(self) -> None:
        """Stop following the order and take the control away."""
        follower = getattr(self, "_follower", None)
        if follower is not None:
            follower.stop()
        super().close()

    def _draw(self, reply: dict[str, Any]) -> None:
        if reply["kind"] == "away":
            self._status.value = f"{reply['problem']} {reply['do']}".strip()
            return
        card = reply["card"]
        changed = not self._reply or _shape(self._reply["card"]) != _shape(card)
        self._reply = {**reply, "nonce": reply["nonce"] or self._reply.get("nonce", "")}
        if changed:
            self._armed_at = self._clock() + card["arm_after"]
            self._build(card)
        problem = " ".join(part for part in (reply.get("problem", ""), reply.get("do", "")) if part)
        self._status.value = problem or card["state_words"]
        self._follower.look(card)

    def _build(self, card: dict[str, Any]) -> None:
        self._status = ipywidgets.Label(value=card["state_words"])
        self._ticks = {
            warning["key"]: ipywidgets.Checkbox(value=False, description=warning["message"], indent=False,
                                                layout=ipywidgets.Layout(width="100%"))
            for warning in card["warnings"] if card["confirmable"]
        }  # fmt: skip
        self._typed = ipywidgets.Text(placeholder=f"type {self._word(card)}", description="To confirm:")
        buttons = [self._button(card["id"], "Dismiss", "dismiss")] if card["confirmable"] else []
        if card["confirmable"]:
            style = "primary" if card["side"] == "buy" else "warning"
            buttons.append(self._button(card["id"], f"{_sign(card)} {card['act']}", "confirm", style))
        if card["cancellable"]:
            buttons.append(self._button(card["id"], "Cancel the order", "cancel"))
        for leg in card["retry"]:
            words = f"Send order {leg + 1} again under the same id"
            buttons.append(self._button(card["id"], words, "retry", leg=leg))
        if card["retry"]:
            buttons.append(self._button(card["id"], "Let it go", "dismiss"))
        asks = [self._typed] if card["confirmable"] and card["needs_hold"] else []
        self.children = (
            ipywidgets.HTML(value=record_html(card)),
            *self._ticks.values(),
            *asks,
            ipywidgets.HBox(buttons),
            self._status,
        )

    def _button(self, ticket: str, words: str, kind: str, style: str = "", leg: int | None = None) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=words, tooltip=words, button_style=style, layout=ipywidgets.Layout(width="auto")
        )
        button.on_click(lambda clicked: self._clicked(clicked, ticket, kind, leg))
        return button

    def _clicked(self, button: ipywidgets.Button, ticket: str, kind: str, leg: int | None) -> None:
        at = click_time(button.comm.comm_id if button.comm is not None else "", {"event": "click"})
        if at is None:
            self._status.value = "only a click in the card counts; code in a cell does not"
            return
        card = self._reply["card"]
        if problem := self._not_ready(card, kind):
            self._status.value = problem
            return
        # The button's own ticket: the card may have gone on while the click was on its way.
        message = {"kind": kind, "ticket": ticket, "hash": card["hash"], "nonce": self._reply["nonce"], "clicked": at}
        message["ticks"] = [key for key, box in self._ticks.items() if box.value]
        if leg is not None:
            message["leg"] = leg
        self._reply["nonce"] = ""
        self._draw(self._port.handle(message))

    def _not_ready(self, card: dict[str, Any], kind: str) -> str:
        # A dismissal, too, may have been meant for the order that stood here to be cancelled.
        if kind in ("confirm", "dismiss", "retry") and self._clock() < self._armed_at:
            return "The card had only just changed: read it, then click again."
        if kind != "confirm":
            return ""
        if not all(box.value for box in self._ticks.values()):
            return "Tick each warning first."
        if card["needs_hold"] and self._typed.value.strip().upper() != self._word(card):
            return f"Type {self._word(card)} first."
        return ""

    def _word(self, card: dict[str, Any]) -> str:
        legs = card["legs"]
        return card["type_symbol"] or (legs[0]["symbol"] if len(legs) == 1 else "SEND")


def _sign(card: dict[str, Any]) -> str:
    return {"buy": "▲", "sell": "▼"}.get(card["side"], "◆")


def _shape(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, "seconds_left": 0}
