"""What commands and magics print about trading: plain data beside a text for each."""

from __future__ import annotations

from typing import Any

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.answers import table
from jupyter_autocoder.broking.audit import AuditReport, Who
from jupyter_autocoder.broking.card import moment
from jupyter_autocoder.broking.entries import Summary
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.desk.desk import Desk
from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.picture import portfolio_svg
from jupyter_autocoder.trade.record import record_text
from jupyter_autocoder.trade.states import State

DAY = 86_400.0
CELL = 64


def tickets_data(found: tuple[Summary, ...]) -> list[dict[str, Any]]:
    """``tickets list --json``."""
    return [
        {
            "id": one.id,
            "state": one.state.value,
            "mode": one.mode,
            "headline": one.headline,
            "message": one.message,
            "created": moment(one.created),
            "expires": moment(one.expires),
        }
        for one in found
    ]


def tickets_text(found: tuple[Summary, ...]) -> str:
    """``tickets list``: one line each, newest first."""
    if not found:
        return "There are no tickets."
    rows = [(one.id, one.state.value, one.mode.upper(), moment(one.created), _cut(one.headline)) for one in found]
    return "\n".join(table(("ticket", "state", "mode", "made", "order"), rows))


def ticket_text(desk: Desk, ticket: str) -> str:
    """``tickets show``: the record of one ticket, brought up to date with the broker where that is possible here."""
    entry = desk.book.get(ticket)
    if entry.ticket.mode != "live" or not desk.waits_for_server:
        desk.refresh(ticket)
    return record_text(desk.card(ticket))


def overview(desk: Desk) -> dict[str, Any]:
    """``%trade`` without words: holdings, what waits or is open, the switch, and a picture as ``text/html``."""
    waiting = desk.tickets(
        states=(State.PENDING, State.DRAFT, State.CONFIRMED, State.SUBMITTING, State.ACCEPTED, State.PARTIALLY_FILLED,
                State.CANCEL_REQUESTED, State.UNKNOWN)
    )  # fmt: skip
    if desk.waits_for_server:
        text = "LIVE: the account is shown in the Jupyter server's sidebar.\n" + tickets_text(waiting)
        return {"text": text, "html": "", "data": {"tickets": tickets_data(waiting)}}
    broker = desk.broker()
    held = desk.answers().positions()
    switch = desk.trading()
    text = f"{held.text}\n\n{tickets_text(waiting)}\n\nTrading is {switch}."
    picture = portfolio_svg(broker.account(), broker.positions(), note=broker.note)
    data = {**held.data, "tickets": tickets_data(waiting), "trading": switch.value}
    return {"text": text, "html": picture, "data": data}


def set_trading(store: Store, word: str, who: Who, *, reason: str = "") -> str:
    """``trading active|reducing|halted``: needs the store alone, so it works whatever the broker or a kernel does."""
    try:
        state = Switch(word)
    except ValueError:
        known = ", ".join(Switch)
        raise UsageError(f"there is no state {word!r} of trading", do=f"say one of {known}") from None
    TicketBook(store).set_switch(state, who, reason=reason)
    return f"Trading is {state}. Cancels pass in every state."


def audit_text(report: AuditReport) -> str:
    """What ``tickets verify`` prints."""
    if report.ok:
        return f"The audit is whole: {report.rows} rows, each continuing the one before."
    return "\n".join([f"The audit has {len(report.problems)} problems:", *report.problems])


def retain(store: Store, days: int, who: Who) -> int:
    """Apply the retention setting: cut what is older than `days`; 0 keeps everything. Return the rows removed."""
    if days <= 0:
        return 0
    return audit.cut(store, before=TicketBook(store).now() - days * DAY, who=who)


def _cut(text: str) -> str:
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
