"""The moves of a ticket inside a transaction: compare, set, and write the audit's row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_autocoder.broking import audit, rows
from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim, Entry, Fill
from jupyter_autocoder.errors import TicketConflict, TradeRefused
from jupyter_autocoder.store import Reading, Row, Writing
from jupyter_autocoder.trade.limits import Judgement, Switch
from jupyter_autocoder.trade.states import State, Step, advance, whole
from jupyter_autocoder.trade.tickets import digest

NONCE_LIFE = 900.0
CLOCK_SKEW = 60.0  # seconds by which the clocks of machines that share a store may differ


def expect(row: Row, *wanted: State, state: str = "") -> None:
    """Raise TicketConflict unless the ticket (or what `state` says of its leg) stands where it is expected."""
    there = state or row["status"]
    if there in wanted:
        return
    follow = f"; ticket {row['successor']} replaces it" if row["successor"] else ""
    what = f"ticket {row['id']} is {there}{follow}"
    raise TicketConflict(what, ticket=row["id"], state=there, why=row["message"], do="look at the ticket again")


def move(
    tx: Writing,
    row: Row,
    step: Step,
    who: Who,
    *,
    message: str = "",
    successor: str = "",
    holder: str = "",
    detail: Mapping[str, Any] | None = None,
) -> State:
    """Move a whole ticket with all its legs: the steps before anything is sent."""
    before = State(row["status"])
    after = advance(before, step)
    touched = tx.run(
        "UPDATE trade_tickets SET status = ?, message = ?, successor = ?, holder = ?, changed = ? "
        "WHERE id = ? AND status = ? AND hash = ?",
        after.value,
        message or row["message"],
        successor or row["successor"],
        holder,
        tx.now(),
        row["id"],
        before.value,
        row["hash"],
    )
    if touched != 1:
        raise TicketConflict(f"ticket {row['id']} was moved by somebody else", ticket=row["id"], state=before)
    tx.run("UPDATE trade_legs SET status = ?, changed = ? WHERE ticket = ?", after.value, tx.now(), row["id"])
    if step in (Step.CONFIRM, Step.ASK_AGAIN):
        confirmed = tx.now() if step is Step.CONFIRM else None
        tx.run("UPDATE trade_legs SET confirmed = ? WHERE ticket = ?", confirmed, row["id"])
    notes = {**(detail or {}), "message": message, "successor": successor}
    audit.append(
        tx, who, step, ticket=row["id"], before=before, after=after, ticket_hash=row["hash"], detail=notes
    )  # fmt: skip
    return after


def move_leg(tx: Writing, row: Row, leg: Row, step: Step, who: Who, fill: Fill) -> None:
    """Move one leg, and the ticket with it where that changes how the whole stands."""
    before = State(leg["status"])
    after = advance(before, step)
    if not rows.update_leg(tx, leg, after, fill):
        return
    detail = {**fill.detail, "message": fill.message, "filled_qty": fill.filled_qty, "filled_price": fill.filled_price}
    audit.append(
        tx, who, step, ticket=row["id"], leg=leg["leg"], before=before, after=after, ticket_hash=row["hash"],
        detail=detail,
    )  # fmt: skip
    together = whole(State(one["status"]) for one in rows.leg_rows(tx, row["id"]))
    if together != row["status"]:
        tx.run(
            "UPDATE trade_tickets SET status = ?, message = ?, changed = ? WHERE id = ?",
            together.value,
            fill.message or row["message"],
            tx.now(),
            row["id"],
        )
        audit.append(
            tx, who, "whole", ticket=row["id"], before=row["status"], after=together, ticket_hash=row["hash"]
        )  # fmt: skip


def check_claim(
    tx: Reading, row: Row, claim: Claim, *, wanted: State = State.PENDING, approvers: frozenset[str] = frozenset()
) -> None:
    """Compare a click with the stored ticket; raises without changing anything."""
    if claim.who.actor != "human":
        raise _refused("only a person confirms a ticket", "actor")
    if claim.who.person != row["owner"] and claim.who.person not in approvers:
        raise _refused("this ticket belongs to somebody else", "owner")
    if digest(row["body"]) != row["hash"]:
        raise _refused("the ticket was changed in the database; nothing is sent", "hash")
    if claim.hash != row["hash"]:
        raise _refused("the confirmation is for another text than the ticket's", "hash")
    expect(row, wanted)
    nonce = tx.row("SELECT * FROM trade_nonces WHERE nonce = ?", digest(claim.nonce))
    if nonce is None or nonce["ticket"] != row["id"]:
        raise _refused("the confirmation does not come from a control of this ticket", "nonce")
    if nonce["person"] != claim.who.person or nonce["session"] != claim.who.session:
        raise _refused("the confirmation comes from another person or session than the control", "nonce")
    if nonce["used"] is not None or tx.now() - nonce["issued"] > NONCE_LIFE:
        raise _refused("this control was used already, or is too old", "nonce")


def too_late(row: Row, now: float, clicked: float | None) -> str:
    """Why a click comes too late for a ticket; empty where it does not. A clock that went back makes it unknowable."""
    if max(now, clicked or 0.0) >= row["expires"]:
        return "it expired before the click was processed"
    if now < row["created"] - CLOCK_SKEW:
        return "the clock was set back since it was made, so nobody knows how old it is"
    return ""


def use_nonce(tx: Writing, claim: Claim) -> None:
    """Use the control up; raises when somebody else did so first."""
    touched = tx.run(
        "UPDATE trade_nonces SET used = ? WHERE nonce = ? AND ticket = ? AND used IS NULL",
        tx.now(),
        digest(claim.nonce),
        claim.ticket,
    )
    if touched != 1:
        raise _refused("this control was used already", "nonce")


def check_ticks(entry: Entry, judged: Judgement, ticks: frozenset[str]) -> None:
    """Raise unless every warning, as shown and as it is now, was ticked."""
    shown = {remark.key for remark in entry.ticket.warnings}
    if fresh := [remark for remark in judged.warnings if remark.key not in shown]:
        what = "something changed since the ticket was shown: " + "; ".join(remark.message for remark in fresh)
        raise TradeRefused(what, reasons=("new_warning",), do="draft it again")
    if missing := [remark for remark in entry.ticket.warnings if remark.key not in ticks]:
        what = "warnings were not answered: " + "; ".join(remark.message for remark in missing)
        raise TradeRefused(what, reasons=tuple(remark.rule for remark in missing), do="tick each warning, then confirm")


def approved(tx: Writing, row: Row, who: Who, needed: int) -> bool:
    """Record a person's word and say whether enough have spoken."""
    if needed <= 1:
        return True
    added = tx.run(
        "INSERT INTO trade_approvals (ticket, person, at) VALUES (?, ?, ?) ON CONFLICT (ticket, person) DO NOTHING",
        row["id"],
        who.person,
        tx.now(),
    )
    if added:
        audit.append(
            tx, who, "approve", ticket=row["id"], before=row["status"], after=row["status"], ticket_hash=row["hash"]
        )
    count = tx.row("SELECT count(*) AS n FROM trade_approvals WHERE ticket = ?", row["id"])
    return count is not None and count["n"] >= needed


def stopped(tx: Reading, entry: Entry, leg: int) -> str:
    """Why the kill switch does not let this leg go; empty where it does."""
    state = rows.switch(tx)
    if state is Switch.HALTED:
        return "trading was halted before this was sent"
    if state is Switch.REDUCING and not entry.order(leg).reducing:
        return "trading became reducing-only before this was sent"
    return ""


def _refused(what: str, reason: str) -> TradeRefused:
    return TradeRefused(what, reasons=(reason,), do="look at the ticket and confirm it there")
