"""The port of a card: the few messages that a control may send, wherever it is drawn.

The notebook's widget and the sidebar's endpoint both speak it; `ticket` is the id of the card that the person saw::

    draw                         -> the card's texts and a fresh one-time nonce
    confirm  hash nonce ticks    -> the click; `clicked` says when it was made
    dismiss | cancel
    edit     text                -> new words; the ticket they make takes this one's place
    retry    hash nonce leg      -> send a leg of unknown fate again, under the same id
    alive

The ticket at hand may go on to another one while a message is on its way: what was meant for the one does nothing to
the other. A message without a `ticket` is meant for the one that the control was made for; a hash and a nonce are of
one ticket alone, and name it too.

A message is a claim, never an authority: who speaks comes from the face's session, what is sent from the stored row.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim, Entry
from jupyter_autocoder.desk.desk import Desk
from jupyter_autocoder.desk.said import ticket_named
from jupyter_autocoder.errors import AutocoderError, UsageError

Reply = dict[str, Any]
LONGEST_TEXT = 2000
_LOOKS = ("draw", "alive")


class CardPort:
    """One control's conversation about one ticket; safe on any thread, one message at a time.

    `on_change` is told the card's texts after everything that may have changed them; `drawn` is what they were made of.
    """

    def __init__(
        self, desk: Desk, ticket: str, who: Who, *, on_change: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self.desk = desk
        self.ticket = ticket
        self._first = ticket
        self.drawn: Entry | None = None
        self._who = who
        self._on_change = on_change
        self._one_at_a_time = threading.RLock()

    def handle(self, message: object) -> Reply:
        """Answer one message; never raises for what a message says: a problem is an answer too."""
        with self._one_at_a_time:
            try:
                return self._answer(message)
            except AutocoderError as error:
                return self._problem(error)

    def _problem(self, error: AutocoderError) -> Reply:
        """Tell a problem beside the card, which may show what is no longer so; alone, where the store is away."""
        told = {"problem": error.what, "do": error.do}
        try:
            return {**self.draw(), **told}
        except AutocoderError:
            return {"kind": "away", **told}

    def draw(self) -> Reply:
        """The card as it stands, with a nonce where a click could do something.

        Where another ticket took the place of this one, or its proceeds made one, the control goes on with that.
        """
        with self._one_at_a_time:
            # Read before the texts: what changes in between is seen at the next look.
            self.drawn = self.look()
            card = self.desk.card(self.ticket)
            if self._on_change is not None:
                self._on_change(card)
            if card["next"]:
                self.ticket = card["next"]
                return self.draw()
            needs = card["confirmable"] or card["retry"]
            return {"kind": "card", "card": card, "nonce": self.desk.control(self.ticket, self._who) if needs else ""}

    @contextlib.contextmanager
    def between(self) -> Iterator[bool]:
        """Keep messages out for a while; False, and nothing is kept out, where one is being answered just now."""
        # Never waits: the answer may close the control, and so wait for the thread that asks here.
        mine = self._one_at_a_time.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._one_at_a_time.release()

    def look(self) -> Entry:
        """Read the ticket as the store has it now, whoever changed it."""
        return self.desk.book.get(self.ticket)

    def refresh(self) -> Entry:
        """Bring the ticket up to date with the broker."""
        with self._one_at_a_time:
            return self.desk.refresh(self.ticket)

    def _answer(self, message: object) -> Reply:
        if not isinstance(message, Mapping):
            raise UsageError("a message is an object with a kind")
        kind = message.get("kind")
        if kind not in _LOOKS:
            self._check_meant(message)
        if kind == "alive":
            return {"kind": "alive"}
        if kind == "confirm":
            self._adopt(self.desk.confirm(self._claim(message)).entry)
        elif kind == "retry":
            leg = message.get("leg")
            if type(leg) is not int or leg < 0:
                raise UsageError("a leg is a number")
            self.desk.retry(self._claim(message), leg)
        elif kind == "dismiss":
            self.desk.dismiss(self.ticket, self._who)
        elif kind == "cancel":
            self.desk.cancel(self.ticket, self._who)
        elif kind == "edit":
            self._adopt(self._edit(message.get("text")))
        elif kind == "draw":
            self.desk.refresh(self.ticket)
        else:
            raise UsageError(f"unknown message: {str(kind)[:40]!r}")
        return self.draw()

    def _check_meant(self, message: Mapping[str, Any]) -> None:
        """Raise unless the message is for the ticket at hand: the control may have gone on since the click."""
        named = "hash" in message and "nonce" in message
        if message.get("ticket", self.ticket if named else self._first) != self.ticket:
            raise UsageError(
                "the card had just gone on to another ticket, and nothing was done",
                do="read what it shows now, then click again",
            )

    def _claim(self, message: Mapping[str, Any]) -> Claim:
        ticks, clicked = message.get("ticks", []), message.get("clicked")
        if not isinstance(ticks, (list, tuple)) or not all(isinstance(tick, str) for tick in ticks):
            raise UsageError("ticks are a list of texts")
        # A time that is no number would compare with nothing, and so never be too late.
        if clicked is not None and (type(clicked) not in (int, float) or not math.isfinite(clicked)):
            raise UsageError("clicked is a time in seconds")
        if not str(message.get("nonce", "")).isascii():
            raise UsageError("a nonce is what the control was given")
        return Claim(
            ticket=self.ticket,
            hash=str(message.get("hash", "")),
            nonce=str(message.get("nonce", "")),
            who=self._who,
            clicked=clicked,
            ticks=frozenset(ticks),
        )

    def _edit(self, text: object) -> Entry | None:
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            raise UsageError("say the order in words")
        if ticket_named(text):
            # These words would show a ticket that is there already, and this one is not to make room for that.
            raise UsageError("that is a ticket's id, not an order", do="say the order in words")
        outcome = self.desk.edit(self.ticket, text, self._who)
        if outcome.kind != "ticket":
            raise UsageError(outcome.text)
        return outcome.entry

    def _adopt(self, entry: Entry | None) -> None:
        """Go on with the ticket that took the place of this one."""
        if entry is not None:
            self.ticket = entry.id
