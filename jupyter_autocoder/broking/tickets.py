"""Tickets in the store: every move is one compare-and-set and one row of the audit, in one transaction.

::

    book.propose(ticket, who)                    draft -> pending, sealed
    nonce = book.nonce(ticket.id, who)           fetched by the control that shows the ticket, good for one click
    book.confirm(claim, gate)                    pending -> confirmed, or what the gate says
    sending = book.begin_send(ticket.id, leg)    confirmed -> submitting; the client order id is on disk
    book.record(ticket.id, leg, step, ...)       what came of the one POST, or of a look-up

Nothing here talks to a broker. The claim of a click is compared with the stored row; the order is built from the row.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence

from jupyter_autocoder.broking import audit, moves, rows
from jupyter_autocoder.broking.audit import BROKER, SYSTEM, Who
from jupyter_autocoder.broking.entries import Claim, Entry, Fill, Gate, Sending, Standing, Summary, Verdict
from jupyter_autocoder.broking.process import drop, has_dropped, is_gone, take_up, this_process
from jupyter_autocoder.errors import StoreError, TicketConflict, TradeRefused
from jupyter_autocoder.store import Reading, Row, Store, Writing
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.states import State, Step
from jupyter_autocoder.trade.tickets import Ticket, digest

DAY = 86_400.0


class TicketBook:
    """All tickets of one store; safe to use from many threads and processes at once."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- proposing -------------------------------------------------------------------------------------------------
    def propose(self, ticket: Ticket, who: Who, *, origin: str | None = None, replaces: Sequence[str] = ()) -> Entry:
        """Seal a ticket and let it wait for a person; the pending ones that it `replaces` make room for it.

        `origin` makes it once only: raises TicketConflict when a ticket of the same origin is there already.
        """
        with self.store.write() as tx:
            for older in replaces:
                moves.move(tx, rows.ticket_row(tx, older), Step.SUPERSEDE, who, successor=ticket.id)
            self._insert(tx, ticket, who, origin=origin)
            return self._entry(tx, ticket.id)

    def draft(self, ticket: Ticket, who: Who) -> Entry:
        """Record words that another process (the server, which has the broker) turns into a ticket."""
        with self.store.write() as tx:
            rows.insert_ticket(tx, ticket, who, State.DRAFT)
            audit.append(tx, who, "draft", ticket=ticket.id, after=State.DRAFT)
            return self._entry(tx, ticket.id)

    def complete(self, ticket: Ticket, who: Who) -> Entry:
        """Replace a recorded draft by the sized and judged ticket of the same id: draft -> pending."""
        with self.store.write() as tx:
            moves.expect(rows.ticket_row(tx, ticket.id), State.DRAFT)
            rows.complete_ticket(tx, ticket)
            rows.insert_legs(tx, ticket, State.DRAFT)
            moves.move(tx, rows.ticket_row(tx, ticket.id), Step.PROPOSE, who)
            return self._entry(tx, ticket.id)

    def refuse(self, ticket: str, message: str, who: Who) -> None:
        """Block a recorded draft of which no ticket can be made."""
        with self.store.write() as tx:
            row = rows.ticket_row(tx, ticket)
            moves.expect(row, State.DRAFT)
            moves.move(tx, row, Step.BLOCK, who, message=message)

    # -- reading ---------------------------------------------------------------------------------------------------
    def get(self, ticket: str) -> Entry:
        """Return one ticket with its legs; raises TradeRefused when there is none of that id."""
        with self.store.read() as tx:
            return self._entry(tx, ticket)

    def recall(self, *, owner: str = "", states: Sequence[State] = (), limit: int = 100) -> tuple[Summary, ...]:
        """The newest tickets first, as short lines; an empty `owner` or `states` means all."""
        with self.store.read() as tx:
            return rows.summaries(tx, owner=owner, states=states, limit=limit)

    def open(self, *, account: str = "") -> tuple[Entry, ...]:
        """Every ticket of which a leg is on its way or with the broker."""
        with self.store.read() as tx:
            return tuple(self._entry(tx, ticket) for ticket in rows.open_tickets(tx, account=account))

    def same_words(self, ticket_words: str, owner: str, *, since: float) -> list[Row]:
        """The newest tickets made of the same words by the same person, the newest first."""
        with self.store.read() as tx:
            return tx.rows(
                "SELECT id, status, created, successor FROM trade_tickets "
                "WHERE owner = ? AND words = ? AND created >= ? ORDER BY created DESC, id LIMIT 20",
                owner,
                digest(ticket_words),
                since,
            )

    def made_of(self, origin: str) -> str:
        """The id of the ticket that a cause has led to; empty when it has not."""
        with self.store.read() as tx:
            row = tx.row("SELECT id FROM trade_tickets WHERE origin = ?", origin)
        return "" if row is None else str(row["id"])

    def events(self, ticket: str) -> list[Row]:
        with self.store.read() as tx:
            return audit.events(tx, ticket)

    def standing(self, account: str) -> Standing:
        """The switch and the recent orders now; judged again inside the transaction that confirms."""
        with self.store.read() as tx:
            return self._standing(tx, account)

    def now(self) -> float:
        with self.store.read() as tx:
            return tx.now()

    # -- the switch ------------------------------------------------------------------------------------------------
    def switch(self) -> Switch:
        with self.store.read() as tx:
            return rows.switch(tx)

    def set_switch(self, state: Switch, who: Who, *, reason: str = "") -> None:
        """Set the kill switch for everybody who shares the store; it works while any kernel is busy."""
        with self.store.write() as tx:
            before = rows.switch(tx)
            rows.set_switch(tx, state, who.person, reason)
            audit.append(tx, who, "switch", before=before, after=state, detail={"reason": reason})

    # -- a person's click ------------------------------------------------------------------------------------------
    def nonce(self, ticket: str, who: Who) -> str:
        """Make the one-time secret of a control that shows the ticket to this person."""
        value = secrets.token_urlsafe(24)
        with self.store.write() as tx:
            rows.ticket_row(tx, ticket)
            tx.run(
                "INSERT INTO trade_nonces (nonce, ticket, person, session, issued, used) VALUES (?, ?, ?, ?, ?, NULL)",
                digest(value),
                ticket,
                who.person,
                who.session,
                tx.now(),
            )
        return value

    def check(self, claim: Claim, *, wanted: State = State.PENDING, approvers: frozenset[str] = frozenset()) -> Entry:
        """Compare a claim with the row without using it up; raises what `confirm` would raise."""
        with self.store.read() as tx:
            row = rows.ticket_row(tx, claim.ticket)
            moves.check_claim(tx, row, claim, wanted=wanted, approvers=approvers)
            return self._entry(tx, claim.ticket)

    def confirm(self, claim: Claim, gate: Gate, *, approvers: frozenset[str] = frozenset(), needed: int = 1) -> Verdict:
        """Judge a click, once: pending -> confirmed, or expired, or blocked by the gate.

        `needed` is how many different persons must confirm, out of the owner and `approvers`. Raises TradeRefused on a
        wrong hash, a used or foreign nonce, another person, or a warning without its tick, and TicketConflict when the
        ticket is not pending (any more); then nothing has changed.
        """
        with self.store.write() as tx:
            row = rows.ticket_row(tx, claim.ticket)
            moves.check_claim(tx, row, claim, approvers=approvers)
            if late := moves.too_late(row, tx.now(), claim.clicked):
                moves.move(tx, row, Step.EXPIRE, claim.who, message=late)
                return Verdict(state=State.EXPIRED)
            entry = self._entry(tx, claim.ticket)
            judged = gate(entry, self._standing(tx, row["account"]))
            if judged.refusals:
                message = "; ".join(remark.message for remark in judged.refusals)
                moves.move(tx, row, Step.BLOCK, claim.who, message=message)
                return Verdict(state=State.BLOCKED, reasons=judged.refusals)
            moves.check_ticks(entry, judged, claim.ticks)
            moves.use_nonce(tx, claim)
            if not moves.approved(tx, row, claim.who, needed):
                return Verdict(state=State.PENDING, waits=True)
            moves.move(tx, row, Step.CONFIRM, claim.who, detail={"ticks": sorted(claim.ticks)}, holder=this_process())
            return Verdict(state=State.CONFIRMED)

    def dismiss(self, ticket: str, who: Who) -> Entry:
        """Give a ticket up; needs no nonce, since nothing can come of it. Raises TicketConflict when it is too late."""
        with self.store.write() as tx:
            row = rows.ticket_row(tx, ticket)
            moves.expect(row, State.DRAFT, State.PENDING, State.UNKNOWN)
            moves.move(tx, row, Step.DISMISS, who)
            return self._entry(tx, ticket)

    def block(self, claim: Claim, message: str, *, approvers: frozenset[str] = frozenset()) -> None:
        """Block a pending ticket on whose click the present says no."""
        with self.store.write() as tx:
            row = rows.ticket_row(tx, claim.ticket)
            moves.check_claim(tx, row, claim, approvers=approvers)
            moves.move(tx, row, Step.BLOCK, claim.who, message=message)

    def expire(self, *, ticket: str = "") -> int:
        """Move what waited too long to expired; return how many."""
        with self.store.write() as tx:
            tx.run("DELETE FROM trade_nonces WHERE issued < ?", tx.now() - DAY)
            late = rows.late(tx, tx.now(), ticket)
            for row in late:
                moves.move(tx, row, Step.EXPIRE, SYSTEM)
        return len(late)

    def supersede(self, claim: Claim, successor: Ticket, *, approvers: frozenset[str] = frozenset()) -> Entry:
        """Replace a pending ticket by one that shows what changed; the click is used up, a new one is needed."""
        with self.store.write() as tx:
            row = rows.ticket_row(tx, claim.ticket)
            moves.check_claim(tx, row, claim, approvers=approvers)
            moves.use_nonce(tx, claim)
            moves.move(tx, row, Step.SUPERSEDE, claim.who, successor=successor.id)
            self._insert(tx, successor, SYSTEM)
            return self._entry(tx, successor.id)

    # -- sending ---------------------------------------------------------------------------------------------------
    def begin_send(self, ticket: str, leg: int, *, again: Claim | None = None) -> Sending | None:
        """Take the one leave to send a leg; the kill switch is read in the same transaction.

        None: the switch said no, and the leg is blocked. `again` is a person's claim to send a leg of unknown fate once
        more under the same id. Raises TicketConflict when somebody else took the leave, or there is none to take.
        """
        take_up(self.store.where, ticket)
        with self.store.write() as tx:
            row = rows.ticket_row(tx, ticket)
            if digest(row["body"]) != row["hash"]:
                raise TradeRefused(f"ticket {ticket} was changed in the database; nothing is sent", reasons=("hash",))
            there = rows.leg_row(tx, ticket, leg)
            state = State.CONFIRMED if again is None else State.UNKNOWN
            moves.expect(row, state, state=there["status"])
            if again is not None:
                moves.check_claim(tx, row, again, wanted=State.UNKNOWN)
                moves.use_nonce(tx, again)
            entry = self._entry(tx, ticket)
            stop = moves.stopped(tx, entry, leg)
            if stop and again is None:
                moves.move_leg(tx, row, there, Step.BLOCK, SYSTEM, Fill(message=stop))
            if stop:
                return None
            tx.run("UPDATE trade_tickets SET holder = ? WHERE id = ?", this_process(), ticket)
            tx.run("UPDATE trade_legs SET sent = ? WHERE ticket = ? AND leg = ?", tx.now(), ticket, leg)
            step = Step.SUBMIT if again is None else Step.RESUBMIT
            moves.move_leg(tx, row, there, step, SYSTEM if again is None else again.who, Fill())
        return Sending(
            ticket=entry.ticket, leg=leg, order=entry.ticket.legs[leg], client_order_id=there["client_order_id"]
        )

    def record(self, ticket: str, leg: int, step: Step, fill: Fill | None = None, who: Who = BROKER) -> Entry:
        """Write what a broker said of a leg; what is known already adds no row to the audit."""
        with self.store.write() as tx:
            row, there = rows.ticket_row(tx, ticket), rows.leg_row(tx, ticket, leg)
            moves.move_leg(tx, row, there, step, who, fill or Fill())
            return self._entry(tx, ticket)

    def note(self, ticket: str, leg: int, fill: Fill) -> Entry:
        """Write news of a leg that leave its state as it is: a look-up without result, more shares filled."""
        with self.store.write() as tx:
            row, there = rows.ticket_row(tx, ticket), rows.leg_row(tx, ticket, leg)
            if rows.update_leg(tx, there, State(there["status"]), fill):
                state = there["status"]
                detail = {**fill.detail, "message": fill.message, "filled_qty": fill.filled_qty}
                audit.append(
                    tx, BROKER, "note", ticket=ticket, leg=leg, before=state, after=state,
                    ticket_hash=row["hash"], detail=detail,
                )  # fmt: skip
            return self._entry(tx, ticket)

    def ask_again(self, *, account: str = "", ticket: str = "") -> tuple[Entry, ...]:
        """Find tickets that were confirmed by a process that is gone or gave up, and return those to their person.

        A ticket of which nothing was sent goes back to pending (or expires). Where some legs were sent already, the
        others are blocked, so that none is sent without a new click; those tickets are returned too.
        """
        with self.store.write() as tx:
            there_are = rows.stranded(tx, account=account, ticket=ticket)
            found = [row for row in there_are if is_gone(row["holder"]) or self.dropped(row["holder"], row["id"])]
            for row in found:
                if row["status"] == State.CONFIRMED:
                    late = tx.now() >= row["expires"]
                    moves.move(tx, row, Step.EXPIRE if late else Step.ASK_AGAIN, SYSTEM)
                    continue
                for there in rows.leg_rows(tx, row["id"]):
                    if there["status"] == State.CONFIRMED:
                        message = "not sent: sending ended before this order's turn"
                        moves.move_leg(
                            tx, rows.ticket_row(tx, row["id"]), there, Step.BLOCK, SYSTEM, Fill(message=message)
                        )
            entries = tuple(self._entry(tx, row["id"]) for row in found)
        for entry in entries:
            take_up(self.store.where, entry.id)
        return entries

    def drop(self, ticket: str) -> None:
        """Return what was confirmed here and is not sent to its person, now or as soon as the store can be written."""
        drop(self.store.where, ticket)
        with contextlib.suppress(StoreError):
            self.ask_again(ticket=ticket)

    def dropped(self, holder: str, ticket: str) -> bool:
        """Whether this process holds a ticket of which it will send nothing more."""
        return has_dropped(holder, self.store.where, ticket)

    def lost(self, *, ticket: str = "", account: str = "", older_than: float = 120.0) -> tuple[Entry, ...]:
        """Tickets with a leg that was being sent by a process that is gone or gave up, or impossibly long ago."""
        with self.store.read() as tx:
            found = []
            for row in rows.submitting(tx, ticket=ticket, account=account):
                # A time to come is none: the clock was set back since.
                recent = -moves.CLOCK_SKEW <= tx.now() - row["sent"] <= older_than
                if not recent or is_gone(row["holder"]) or self.dropped(row["holder"], row["id"]):
                    found.append(self._entry(tx, row["id"]))
            return tuple(found)

    # -- inside a transaction --------------------------------------------------------------------------------------
    def _insert(self, tx: Writing, ticket: Ticket, who: Who, *, origin: str | None = None) -> None:
        if origin and (there := tx.row("SELECT id, status FROM trade_tickets WHERE origin = ?", origin)):
            what = f"ticket {there['id']} was made of the same cause already"
            raise TicketConflict(what, ticket=there["id"], state=there["status"])
        rows.insert_ticket(tx, ticket, who, State.DRAFT, origin=origin)
        rows.insert_legs(tx, ticket, State.DRAFT)
        audit.append(tx, who, "draft", ticket=ticket.id, after=State.DRAFT)
        moves.move(tx, rows.ticket_row(tx, ticket.id), Step.PROPOSE, who)

    def _entry(self, tx: Reading, ticket: str) -> Entry:
        return rows.entry(tx, rows.ticket_row(tx, ticket))

    def _standing(self, tx: Reading, account: str) -> Standing:
        now = tx.now()
        return Standing(
            now=now,
            switch=rows.switch(tx),
            recent=rows.recent(tx, account, since=now - DAY),
            known_symbols=rows.known_symbols(tx, account),
        )
