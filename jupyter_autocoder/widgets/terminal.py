"""The card in a terminal: the record as text, and a challenge that has to be typed. Paper only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from jupyter_autocoder.desk import CardPort
from jupyter_autocoder.trade.record import record_text


def at_a_terminal() -> bool:
    """Whether a person can read and type here."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def challenge(
    port: CardPort,
    *,
    ask: Callable[[str], str] = input,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> str:
    """Show a ticket and let a person type the act to confirm it; return the state it ends in.

    Anything but the exact words leaves the ticket waiting; an empty line dismisses nothing. A ticket that changed while
    it was read is shown anew and has to be typed anew. Live orders are never confirmed here.
    """
    while True:
        reply = port.draw()
        card = reply["card"]
        tell(record_text(card))
        if not card["confirmable"] or card["mode"] == "live":
            return str(card["state"])
        ticks = []
        for warning in card["warnings"]:
            if ask(f"Warning: {warning['message']}. Type yes to go on: ").strip().lower() != "yes":
                tell("Not confirmed; the ticket waits.")
                return str(card["state"])
            ticks.append(warning["key"])
        if ask(f"Type exactly  {card['act']}  to send this: ").strip() != card["act"]:
            tell("Not confirmed; the ticket waits.")
            return str(card["state"])
        seen = {"ticket": card["id"], "hash": card["hash"], "nonce": reply["nonce"]}
        after = port.handle({"kind": "confirm", **seen, "ticks": ticks, "clicked": clock()})
        if problem := after.get("problem"):
            tell(f"{problem} {after.get('do', '')}".strip())
            return str((after.get("card") or card)["state"])
        if after["card"]["id"] == card["id"]:
            tell(record_text(after["card"]))
            return str(after["card"]["state"])
        tell("Something changed meanwhile; this is the new ticket:")
