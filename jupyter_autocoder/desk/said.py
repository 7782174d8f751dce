"""What a person said: made fit to keep, and recognised when it is said again."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from jupyter_autocoder.broking.drafting import Wish
from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.store import Row
from jupyter_autocoder.trade.states import State

LONGEST_TEXT = 2000
_TICKET = re.compile(r"(?:ticket )?([0-9a-f]{12})")


def weight(symbol: object, weight: object) -> Decimal:
    try:
        return Decimal(str(weight))
    except InvalidOperation:
        raise UsageError(
            f"the weight of {symbol} is no number: {weight!r}", do="give percentages from 0 to 100"
        ) from None


def ticket_named(text: str) -> str:
    """The id of a ticket, where a text is nothing else; empty otherwise."""
    found = _TICKET.fullmatch(text.strip())
    return found[1] if found else ""


def storable(text: str) -> str:
    """Words that every database and browser can hold: no half characters, no NUL; raises UsageError on a flood."""
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"that is {len(text)} characters", do=f"say an order in at most {LONGEST_TEXT}")
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def same_words(wish: Wish, before: Row, now: float) -> tuple[Wish, tuple[str, ...]]:
    """Mark a wish whose words were a ticket already; return it with the id of the ticket that makes room for it."""
    state, minutes = State(before["status"]), int((now - before["created"]) // 60)
    words = f"the same words made ticket {before['id']} {minutes} min ago, which is {state}"
    if state is State.PENDING:
        return replace(wish, note=f"Replaces it: {words}. {wish.note}".strip()), (before["id"],)
    if state in (State.DISMISSED, State.EXPIRED, State.SUPERSEDED, State.BLOCKED, State.DRAFT):
        return replace(wish, note=f"By the way: {words}. {wish.note}".strip()), ()
    return replace(wish, same_text=words), ()
