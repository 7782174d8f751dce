"""Sending what was confirmed, at most once, and finding out what became of it.

The order of things is the whole point: the leave to send is on disk before the one POST; what the POST says is written
after it; whatever is in doubt is looked up, never sent again without a person. Exactly-once is impossible without a
broker that refuses duplicates; what is given is *at most once by us, reconciled afterwards*.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation

from jupyter_autocoder.broking.audit import BROKER, SYSTEM, Who
from jupyter_autocoder.broking.base import Broker, Report, SeenBefore
from jupyter_autocoder.broking.entries import Claim, Entry, Fill, LegEntry, Sending
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import BrokerError, TicketConflict, TradeRefused
from jupyter_autocoder.trade.limits import MARKET_PAD, Switch
from jupyter_autocoder.trade.states import FINAL, TABLE, State, Step
from jupyter_autocoder.trade.terms import Side, canonical
from jupyter_autocoder.trade.tickets import Leg, Ticket

BASKET_WAIT = 10.0
_STEP_OF = {
    State.ACCEPTED: Step.ACCEPT,
    State.PARTIALLY_FILLED: Step.FILL_PART,
    State.FILLED: Step.FILL,
    State.REJECTED: Step.REJECT,
    State.CANCELLED: Step.CANCEL,
    State.EXPIRED: Step.EXPIRE,
    State.REPLACED: Step.REPLACE,
    State.CANCEL_REQUESTED: Step.REQUEST_CANCEL,
}
# Legs after one of these are not sent: the basket as it was confirmed does not exist any more.
_BROKEN = frozenset({State.REJECTED, State.UNKNOWN, State.BLOCKED, State.CANCELLED, State.EXPIRED, State.SUBMITTING})
SAFE_TO_RETRY = "not found at the broker; safe to retry with the same id"
NOT_SAFE = "not found at the broker, which does not refuse duplicates: check there before ordering again"


class Sender:
    """Moves confirmed tickets through one broker; `lookup_time` is how long a lost order is searched, in seconds."""

    def __init__(
        self,
        book: TicketBook,
        broker: Broker,
        *,
        lookup_time: float = 30.0,
        basket_wait: float = BASKET_WAIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._book = book
        self._broker = broker
        self._lookup_time = lookup_time
        self._basket_wait = basket_wait
        self._sleep = sleep

    # -- sending ---------------------------------------------------------------------------------------------------
    def send(self, ticket: str) -> Entry:
        """Send the legs of a confirmed ticket in their order; what breaks the basket ends it there."""
        with self._or_drop(ticket):
            return self._send(ticket)

    @contextlib.contextmanager
    def _or_drop(self, ticket: str) -> Iterator[None]:
        """Whatever goes wrong, nothing more is sent on this click: a person is asked, or told what was not sent."""
        try:
            yield
        except TicketConflict:
            raise  # Somebody else is sending it.
        except BaseException:
            self._book.drop(ticket)
            raise

    def _send(self, ticket: str) -> Entry:
        entry = self._book.get(ticket)
        kept = "" if self._book.switch() is Switch.HALTED else self._make_room(entry.ticket)
        for leg in entry.legs:
            if leg.state is not State.CONFIRMED:
                continue
            if reason := kept or self._hold_back(ticket, leg.leg):
                self._book.record(ticket, leg.leg, Step.BLOCK, Fill(message=reason), who=SYSTEM)
                continue
            sending = self._book.begin_send(ticket, leg.leg)
            if sending is not None:
                self._post(sending)
        return self._book.get(ticket)

    def _make_room(self, ticket: Ticket) -> str:
        """Cancel what the ticket replaces and wait for the proof; why nothing may be sent, empty when it may."""
        for client_order_id in ticket.cancels:
            try:
                if more := self._filled_since(ticket, self._broker.lookup(client_order_id)):
                    return f"not sent, and {client_order_id} was left alone: {more}"
                with contextlib.suppress(BrokerError):
                    self._broker.cancel(client_order_id)
                report, waited = self._broker.lookup(client_order_id), 0.0
                while report is not None and report.state not in FINAL and waited < self._basket_wait:
                    self._sleep(0.2)
                    report, waited = self._broker.lookup(client_order_id), waited + 0.2
            except BrokerError as error:
                return f"not sent: nobody knows whether {client_order_id} was cancelled ({error.what})"
            if report is None or report.state is not State.CANCELLED:
                state = "not known" if report is None else str(report.state)
                return f"not sent: {client_order_id}, which was to be cancelled first, is {state}"
            if more := self._filled_since(ticket, report):
                return f"not sent, though {client_order_id} was cancelled: {more}"
        return ""

    @staticmethod
    def _filled_since(ticket: Ticket, report: Report | None) -> str:
        """How much of an order that is to be changed has filled since the ticket was sized; empty for nothing."""
        known = None if report is None else ticket.filled_before.get(report.client_order_id)
        if report is None or known is None or report.filled_qty == known:
            return ""
        return f"{canonical(report.filled_qty)} shares of it have filled by now, not {canonical(known)}; say it anew"

    def resend(self, claim: Claim, leg: int) -> Entry:
        """Send a leg of unknown fate once more under the same id, on a person's click, after a look-up without result.

        Raises TradeRefused when the broker does not refuse duplicates for long enough, or was not asked for certain.
        """
        entry = self._book.check(claim, wanted=State.UNKNOWN)
        if leg >= len(entry.legs):
            raise TradeRefused(f"ticket {claim.ticket} has no leg {leg}", reasons=("unknown_leg",))
        there = entry.legs[leg]
        if not self._may_resend(there):
            raise TradeRefused(NOT_SAFE, reasons=("idempotency",), do="look at the orders at the broker itself")
        report = self._broker.lookup(there.client_order_id)
        if report is not None:
            return self.apply(entry, leg, report)
        sending = self._book.begin_send(claim.ticket, leg, again=claim)
        if sending is None:
            raise TradeRefused("trading is halted; nothing was sent", reasons=("halted",))
        with self._or_drop(claim.ticket):
            self._post(sending)
        return self._book.get(claim.ticket)

    def _post(self, sending: Sending) -> None:
        ticket, leg = sending.ticket.id, sending.leg
        try:
            report = self._broker.submit(sending.order, client_order_id=sending.client_order_id)
        except SeenBefore as error:
            self._lose(ticket, leg, f"the broker has seen this id before: {error.what}")
            self.look_up(ticket, leg)
        except BrokerError as error:
            if error.definite:
                fill = Fill(message=error.what, detail={"status": error.status})
                self._book.record(ticket, leg, Step.REJECT, fill, who=BROKER)
                return
            self._lose(ticket, leg, error.what)
            self.look_up(ticket, leg)
        except BaseException as error:
            # Also an interrupt from the keyboard: the order may be on its way, and nobody may believe it is not.
            self._lose(ticket, leg, f"interrupted: {type(error).__name__}")
            raise
        else:
            self.apply(self._book.get(ticket), leg, report)

    def _lose(self, ticket: str, leg: int, message: str) -> None:
        # Somebody else's look-up may have found the order meanwhile; then it is not lost.
        with contextlib.suppress(TicketConflict):
            if self._book.get(ticket).legs[leg].state is State.SUBMITTING:
                self._book.record(ticket, leg, Step.LOSE, Fill(message=message), who=SYSTEM)

    def _hold_back(self, ticket: str, leg: int) -> str:
        """Why a later leg of a basket is not sent; empty when it may go."""
        if leg == 0:
            return ""
        entry = self._book.get(ticket)
        for before in entry.legs[:leg]:
            if before.state in _BROKEN:
                return f"not sent: leg {before.leg + 1} is {before.state}"
        order = entry.order(leg)
        if order.after is not None and (reason := self._await_fill(ticket, order.after)):
            return reason
        if order.side is not Side.BUY or not any(one.side is Side.SELL for one in entry.ticket.legs[:leg]):
            return ""
        return self._await_proceeds(ticket, leg, order)

    def _await_fill(self, ticket: str, leg: int) -> str:
        """Wait a little until the order before has filled; why the next is not sent, empty when it may."""
        waited, pause = 0.0, 0.1
        while (before := self.refresh(ticket).legs[leg]).state is not State.FILLED:
            if before.final or waited >= self._basket_wait:
                return f"not sent: order {leg + 1}, which was to come first, has not filled; say this one when it has"
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 1.0)
        return ""

    def _await_proceeds(self, ticket: str, leg: int, order: Leg) -> str:
        """Wait a little for the sales before a purchase, where the purchase needs their money."""
        needed = order.cost * MARKET_PAD + order.fees
        waited, pause = 0.0, 0.1
        while self._broker.account().buying_power < needed:
            entry = self.refresh(ticket)
            sold = all(one.final for one in entry.legs[:leg] if entry.order(one.leg).side is Side.SELL)
            if (sold and self._broker.account().buying_power < needed) or waited >= self._basket_wait:
                return "not sent: the sales before it have not brought in enough yet; ask again when they have filled"
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 1.0)
        return ""

    # -- finding out -----------------------------------------------------------------------------------------------
    def look_up(self, ticket: str, leg: int) -> Entry:
        """Ask the broker what became of one leg, and write down the answer."""
        entry = self._book.get(ticket)
        there = entry.legs[leg]
        try:
            report = self._broker.lookup(there.client_order_id)
        except BrokerError as error:
            return self._book.note(ticket, leg, Fill(message=f"checking with the broker: {error.what}"))
        if report is not None:
            return self.apply(entry, leg, report)
        if there.state is not State.UNKNOWN:
            return entry
        searched = self._book.now() - (there.sent or 0.0) >= self._lookup_time
        message = "checking with the broker: not found yet"
        if searched:
            message = SAFE_TO_RETRY if self._may_resend(there) else NOT_SAFE
        return self._book.note(ticket, leg, Fill(message=message))

    def refresh(self, ticket: str) -> Entry:
        """Look up every leg that is with the broker; returns the ticket as it stands then."""
        self._find_lost(ticket)
        entry = self._book.get(ticket)
        if any(leg.state is State.CONFIRMED for leg in entry.legs) and self._book.dropped(entry.holder, ticket):
            self._book.ask_again(ticket=ticket)
            entry = self._book.get(ticket)
        for leg in entry.legs:
            if leg.at_broker and leg.state is not State.SUBMITTING:
                entry = self.look_up(ticket, leg.leg)
        return entry

    def _find_lost(self, ticket: str = "", *, account: str = "") -> None:
        """Stop believing that a leg is being sent when its process is gone or has been at it for too long."""
        for entry in self._book.lost(ticket=ticket, account=account):
            for leg in entry.legs:
                if leg.state is State.SUBMITTING:
                    self._lose(entry.id, leg.leg, "the process that sent it ended before the answer came")

    def apply(self, entry: Entry, leg: int, report: Report) -> Entry:
        """Write a broker's report; one that does not fit the ticket stops all trading and says so."""
        there = entry.legs[leg]
        wrong = differences(entry.order(leg), report)
        if wrong:
            return self._alarm(entry, there, wrong)
        fill = Fill(
            broker_order_id=report.broker_order_id,
            filled_qty=report.filled_qty,
            filled_price=report.filled_price,
            fees=report.fees,
            message=report.message,
            detail={"raw": report.raw} if report.raw else {},
        )
        step = _STEP_OF[report.state]
        # The broker may not have got to our cancel yet; that it still works on the order is no step back.
        waits = there.state is State.CANCEL_REQUESTED and step in (Step.ACCEPT, Step.FILL_PART)
        known = there.state is report.state and step is not Step.FILL_PART
        if waits or known or (there.state, step) not in TABLE:
            return self._book.note(entry.id, leg, fill)
        return self._book.record(entry.id, leg, step, fill)

    def _alarm(self, entry: Entry, there: LegEntry, wrong: str) -> Entry:
        message = f"the order at the broker is not the one that was confirmed: {wrong}"
        self._book.set_switch(Switch.HALTED, SYSTEM, reason=f"ticket {entry.id}: {message}")
        if there.state is State.SUBMITTING:
            return self._book.record(entry.id, there.leg, Step.LOSE, Fill(message=message), who=SYSTEM)
        return self._book.note(entry.id, there.leg, Fill(message=message))

    def _may_resend(self, there: LegEntry) -> bool:
        kind, _, seconds = self._broker.capabilities().idempotency.partition(":")
        if kind == "permanent":
            return True
        age = self._book.now() - (there.sent or 0.0)
        return kind == "window" and seconds.isdigit() and age < int(seconds)

    # -- cancelling and recovering ---------------------------------------------------------------------------------
    def cancel(self, ticket: str, who: Who) -> Entry:
        """Ask the broker to cancel what of a ticket is still open; the kill switch never stands in the way."""
        entry = self._book.get(ticket)
        if entry.state in (State.DRAFT, State.PENDING):
            return self._book.dismiss(ticket, who)
        for leg in entry.legs:
            if leg.state is State.UNKNOWN:
                leg = self.look_up(ticket, leg.leg).legs[leg.leg]
            if leg.state in (State.ACCEPTED, State.PARTIALLY_FILLED):
                self._cancel(ticket, leg, who)
        return self.refresh(ticket)

    def _cancel(self, ticket: str, leg: LegEntry, who: Who) -> None:
        self._book.record(ticket, leg.leg, Step.REQUEST_CANCEL, who=who)
        try:
            self._broker.cancel(leg.client_order_id)
        except BrokerError as error:
            if not error.definite:
                self._book.note(ticket, leg.leg, Fill(message=f"the cancel may not have arrived: {error.what}"))
                return
            step = Step.FILL_PART if leg.state is State.PARTIALLY_FILLED else Step.ACCEPT
            self._book.record(ticket, leg.leg, step, Fill(message=f"cancel refused: {error.what}"))

    def recover(self, *, account: str = "") -> tuple[Entry, ...]:
        """Put in order what an ended process left behind; called when a desk opens. Nothing is ever sent here.

        Confirmed and never sent: a person is asked again. Being sent: looked up, and unknown until the broker tells.
        """
        self._book.expire()
        touched = [entry.id for entry in self._book.ask_again(account=account)]
        self._find_lost(account=account)
        for entry in self._book.open(account=account):
            self.refresh(entry.id)
            touched.append(entry.id)
        return tuple(self._book.get(ticket) for ticket in dict.fromkeys(touched))


def differences(order: Leg, report: Report) -> str:
    """Say where a broker's order differs from the leg that a person confirmed; empty where it does not.

    What the broker does not mention is not compared, except symbol and side, which every order has.
    """
    if not report.economics:
        return ""
    wanted, found = order.economics(), report.economics
    wrong = [
        f"{name} is {found.get(name)}, not {wanted.get(name)}"
        for name in wanted.keys() | found.keys()
        if (name in found or name in ("symbol", "side")) and not _same(wanted.get(name), found.get(name))
    ]
    return "; ".join(sorted(wrong))


def _same(one: str | None, other: str | None) -> bool:
    if one == other:
        return True
    try:
        return one is not None and other is not None and Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
