"""How tickets come of one another: one takes another's place, and the proceeds of a sale make new ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from jupyter_autocoder.broking.entries import Entry
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.store import Row
from jupyter_autocoder.trade.states import State


def origin(sale: str, index: int) -> str:
    """The cause of a follow-up, which makes it once only."""
    return f"follow:{sale}:{index}"


def next_ticket(book: TicketBook, entry: Entry) -> str:
    """What a control goes on with where its ticket is done; empty where nothing waits.

    That is the ticket that took its place with another price or other words, or else one that the proceeds of this
    one, or of the sale that this one came of, made while it waits.
    """
    if not entry.done:
        return ""
    newest = _newest(book, entry)
    if newest.id != entry.id:
        return newest.id
    for older in _upwards(book, entry):
        for index in range(len(older.ticket.follow_ups)):
            made = book.made_of(origin(older.id, index))
            if made and (found := _newest(book, book.get(made))).state is State.PENDING:
                return found.id
    return ""


def is_follow_up(book: TicketBook, entry: Entry) -> bool:
    """Whether a ticket came of a sale's proceeds, with whatever price since; its words are then the sale's."""
    # Who takes a ticket's place is its successor; a follow-up has a parent that it does not replace.
    pairs = itertools.pairwise(_upwards(book, entry))
    return any(older.successor != younger.id for younger, older in pairs)


def said_before(book: TicketBook, found: list[Row]) -> Row | None:
    """The first of some tickets that a person's words made themselves."""
    return next((row for row in found if not is_follow_up(book, book.get(row["id"]))), None)


def _newest(book: TicketBook, entry: Entry) -> Entry:
    """Follow what took a ticket's place; the same words said anew are shown where they were said."""
    while entry.state is State.SUPERSEDED and entry.successor:
        younger = book.get(entry.successor)
        if younger.ticket.parent != entry.id:
            break
        entry = younger
    return entry


def _upwards(book: TicketBook, entry: Entry) -> Iterator[Entry]:
    yield entry
    while entry.ticket.parent:
        entry = book.get(entry.ticket.parent)
        yield entry
