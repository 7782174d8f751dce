"""The desk: words become a ticket, a person's click an order, and the order is followed to its end.

::

    desk = Desk(store, owner="ada", session="kernel-1")
    outcome = desk.take("Buy 10 shares of AAPL")          # a ticket that waits; nothing was sent
    nonce = desk.control(outcome.entry.id, who)           # fetched by the control that draws the ticket
    outcome = desk.confirm(Claim(ticket=..., hash=..., nonce=nonce, who=who))
    entry = desk.follow(outcome.entry.id, timeout=30)

Every face and the chat use these methods; none of them has another way to an order. Who clicked is told by the face's
authenticated session. No method, option or variable confirms by itself. All methods block and are safe on any thread.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.broking import audit, base
from jupyter_autocoder.broking.answers import Answers
from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.base import Broker
from jupyter_autocoder.broking.card import card
from jupyter_autocoder.broking.drafting import Drafter, Wish, matching, recorded, spend
from jupyter_autocoder.broking.entries import Claim, Entry, Fill, Standing, Summary
from jupyter_autocoder.broking.sending import Sender
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.desk.help import Helper, helped
from jupyter_autocoder.desk.lineage import is_follow_up, next_ticket, origin, said_before
from jupyter_autocoder.desk.live import ASK_LIVE, Place, live_refusal
from jupyter_autocoder.desk.management import manage
from jupyter_autocoder.desk.outcome import Outcome, OutcomeKind
from jupyter_autocoder.desk.questions import names, question
from jupyter_autocoder.desk.said import same_words, storable, ticket_named, weight
from jupyter_autocoder.errors import BrokerError, IllegalStep, TicketConflict, TradeRefused, UsageError
from jupyter_autocoder.llm.identity import current_user
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade import read_command
from jupyter_autocoder.trade.limits import Judgement, Switch
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.states import FINAL, State
from jupyter_autocoder.trade.terms import Kind, ReadBy
from jupyter_autocoder.trade.tickets import Ticket

DAY = 86_400.0
# Nothing was sent of a ticket that stands like this, and nothing will be.
_EDITABLE = frozenset({State.PENDING, State.EXPIRED, State.DISMISSED, State.BLOCKED})


class Desk:
    """One person's trading in one session; `place` says whether this process is the Jupyter server.

    `shares_user` is True where code in the person's kernel runs as the same user as this server: then live trading
    needs a second opt-in. `helper` puts words that the grammar refused to a model; `broker` is made from the settings
    unless given. The owner is that of the settings, or the hub's or the system's user, unless given.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        settings: Settings | None = None,
        broker: Broker | None = None,
        owner: str = "",
        session: str = "",
        place: Place = "kernel",
        shares_user: bool = True,
        helper: Helper | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings_module.current() if settings is None else settings
        self.store = Store() if store is None else store
        self.owner = owner or self.settings.trade.owner or current_user()
        self.session = session
        self.book = TicketBook(self.store)
        self._place = place
        self._shares_user = shares_user
        self._helper = helper
        self._sleep = sleep
        self._given = broker
        self._making = threading.Lock()
        self._recovered = False

    @property
    def live(self) -> bool:
        """Whether real money is meant: the exact word, nothing else."""
        return self.settings.trade.mode == "live"

    @property
    def me(self) -> Who:
        return Who(actor="human", person=self.owner, session=self.session)

    # -- words -----------------------------------------------------------------------------------------------------
    def take(self, text: str, *, helper: Helper | None = None, instead_of: str = "") -> Outcome:
        """Read words and act on the reading; only a ticket can come of it, never an order.

        A ticket's id alone shows that ticket again. `helper` stands in for the desk's own, where this call has to be
        stopped in another way; a ticket made of the words takes the place of the waiting one named by `instead_of`.
        """
        if ticket := ticket_named(text):
            return self.open(ticket)
        account = self._held()
        # What a model read cannot be read anew in the server, where live orders are completed.
        chosen = None if self.waits_for_server else helper or self._helper
        reading, remark = helped(read_command(storable(text), account), account, chosen)
        outcome = self.act(reading, instead_of=instead_of)
        return replace(outcome, text=f"{outcome.text} {remark}") if remark else outcome

    def act(self, reading: Reading, *, instead_of: str = "") -> Outcome:
        """Do what a reading asks, as far as words may: draft a ticket, answer, cancel, halt, or ask back.

        Raises TradeRefused when the gate says no, with every reason.
        """
        self._begin()
        if reading.kind in (Kind.ORDER, Kind.ORDERS):
            return self._shown(self.draft(reading, instead_of=instead_of), reading)
        if reading.kind is Kind.QUERY:
            answer = self.answers().answer(reading)
            return Outcome(kind="answer", text=answer.text, data=answer.data, reading=reading)
        if reading.kind is Kind.CANCEL:
            return manage(self, reading)
        kind: OutcomeKind = "ask" if reading.kind is Kind.CLARIFY else "nothing"
        return Outcome(kind=kind, text=question(reading), reading=reading, data=reading.to_dict())

    def open(self, ticket: str) -> Outcome:
        """Show a ticket of this person's again; in the server, complete one that a kernel drafted."""
        self._begin()
        entry = self._check_owner(ticket, self.me)
        drafted = entry.state is State.DRAFT and not self.waits_for_server
        return self._shown(self.prepare(ticket) if drafted else entry)

    def edit(self, ticket: str, text: str, who: Who) -> Outcome:
        """Read a person's other words for a ticket; what they make takes its place, and nothing else does.

        Raises TradeRefused on another person's ticket, TicketConflict when something came of this one meanwhile.
        """
        entry = self._check_owner(ticket, who)
        if entry.state not in _EDITABLE:
            raise TicketConflict(f"ticket {ticket} is {entry.state}", ticket=ticket, state=entry.state, do="look at it")
        if text.split() == entry.ticket.text.split() and is_follow_up(self.book, entry):
            raise UsageError(
                "these are the words of the sale, which is done", do="say only what to buy, and for how much"
            )
        outcome = self.take(text, instead_of=ticket)
        if outcome.kind == "ticket" and self.book.get(ticket).state is State.PENDING:
            self.book.dismiss(ticket, who)  # A change of an open order is no new version of this one.
        return outcome

    def draft(self, reading: Reading, *, instead_of: str = "") -> Entry:
        """Make the ticket of an acting reading and let it wait for a person."""
        if self.waits_for_server:
            return self._record_draft(Wish.of(reading))
        wish = replace(Wish.of(reading), parent=instead_of)
        cancels = tuple(
            order.client_order_id
            for target in reading.cancels
            for order in matching(target, self.broker().open_orders())
        )
        return self._propose(replace(wish, cancels=cancels))

    def basket(self, weights: Mapping[str, Any], *, whole: bool = False, text: str = "") -> Outcome:
        """Make one ticket towards target weights in percent of equity, from a mapping or a column of a frame.

        `whole`: what is held and not named goes to zero. Raises UsageError on a weight that is no number.
        """
        wanted = {str(symbol).strip().upper(): weight(symbol, said) for symbol, said in weights.items()}
        if not wanted:
            raise UsageError("there are no weights", do="give a mapping of symbols to percentages")
        words = text or "weights: " + ", ".join(f"{symbol} {percent}" for symbol, percent in wanted.items())
        if self.waits_for_server:
            return self._shown(self._record_draft(Wish(text=words, weights=wanted, whole=whole, read_by="weights")))
        return self.propose(Wish(text=words, weights=wanted, whole=whole, read_by="weights"))

    def prepare(self, ticket: str) -> Entry:
        """Complete a draft that a kernel recorded; called in the server, which has the broker."""
        if self.waits_for_server:
            raise TradeRefused(ASK_LIVE, reasons=("place",))
        entry = self._check_owner(ticket, self.me)
        if entry.ticket.weights:
            wish = Wish(
                text=entry.ticket.text, weights=entry.ticket.weights, whole=entry.ticket.whole, read_by="weights"
            )
        else:
            # The words are read anew: what a kernel says that they mean counts for nothing here.
            wish = Wish.of(read_command(entry.ticket.text, self._held()))
        standing = self.book.standing(self._account())
        try:
            made = self.drafter().prepare(replace(wish, id=ticket), standing)
        except TradeRefused as error:
            self.book.refuse(ticket, error.what, self.me)
            raise
        return self.book.complete(made, self.me)

    def propose(self, wish: Wish, reading: Reading | None = None) -> Outcome:
        """Make a ticket of a wish and let it wait for a person."""
        return self._shown(self._propose(wish), reading)

    def _propose(self, wish: Wish, *, cause: str = "") -> Entry:
        """Seal and show; without a `cause`, what a person said before makes room, and so does what this one edits."""
        wish = replace(wish, text=storable(wish.text))
        standing = self.book.standing(self._account())
        replaces: tuple[str, ...] = ()
        if not cause:
            found = self.book.same_words(wish.text, self.owner, since=standing.now - DAY)
            if before := said_before(self.book, found):
                wish, replaces = same_words(wish, before, standing.now)
            if wish.parent and self.book.get(wish.parent).state is State.PENDING:
                replaces = tuple(dict.fromkeys([*replaces, wish.parent]))
        ticket = self.drafter().prepare(wish, standing)
        try:
            return self.book.propose(ticket, self.me, origin=cause or None, replaces=replaces)
        except (TicketConflict, IllegalStep):
            # What was to be edited moved on at this very moment: then the new words are one order too many.
            if not replaces or (wish.parent and self.book.get(wish.parent).state not in _EDITABLE):
                raise
            # What the older ticket of the same words became has to stand on the new one.
            return self._propose(replace(wish, note="", same_text=""))

    def _record_draft(self, wish: Wish) -> Entry:
        if wish.read_by == ReadBy.MODEL:
            raise TradeRefused(
                "live orders are drafted here from words that the fixed rules can read", reasons=("model",)
            )
        ticket = recorded(wish, self.settings.trade, owner=self.owner, now=self.book.now())
        return self.book.draft(ticket, self.me)

    def _shown(self, entry: Entry, reading: Reading | None = None) -> Outcome:
        view = self.card(entry.id)
        text = (
            f"{view['banner']}\n{view['headline']}\n{view['state_words']} (ticket {entry.id}, until {view['expires']})"
        )
        return Outcome(kind="ticket", text=text, entry=entry, reading=reading, data=view)

    def _held(self) -> dict[str, Any]:
        """What a reading may know of the account."""
        held = {} if self.waits_for_server else {one.symbol: one.qty for one in self.broker().positions()}
        return {"positions": held}

    # -- a person's click ------------------------------------------------------------------------------------------
    def control(self, ticket: str, who: Who) -> str:
        """Return the one-time nonce for a control that shows this ticket to this person."""
        return self.book.nonce(ticket, who)

    def confirm(self, claim: Claim) -> Outcome:
        """Judge a click and, when everything is as the person saw it, send the order: at most once.

        Raises TradeRefused or TicketConflict when nothing may come of the click. A moved price gives a new ticket.
        """
        if self.waits_for_server:
            raise TradeRefused(ASK_LIVE, reasons=("place",))
        approvers = frozenset(self.settings.trade.approvers)
        entry = self.book.check(claim, approvers=approvers)
        drafter = self.drafter()
        if entry.ticket.mode != drafter.mode or entry.ticket.broker != self.broker().name:
            raise TradeRefused(
                "the ticket was made for another broker or mode than this one", reasons=("mode_mismatch",)
            )
        snapshot = drafter.snapshot(dict.fromkeys([leg.symbol for leg in entry.ticket.legs]))
        standing = self.book.standing(entry.ticket.account)
        if standing.now < entry.expires and (changed := drafter.changes(entry, snapshot, standing)):
            return self._show_changes(claim, entry, changed, approvers)

        def gate(now_entry: Entry, now: Standing) -> Judgement:
            return drafter.judge_again(now_entry, snapshot, now)

        verdict = self.book.confirm(claim, gate, approvers=approvers, needed=self._needed(entry.ticket))
        if verdict.state is State.CONFIRMED:
            entry = self.sender().send(claim.ticket)
            self._follow_up(entry)
            return self._after(entry)
        return self._after(self.book.get(claim.ticket))

    def retry(self, claim: Claim, leg: int) -> Outcome:
        """Send a leg of unknown fate again under the same id, on a person's click, if the broker refuses duplicates."""
        if self.waits_for_server:
            raise TradeRefused(ASK_LIVE, reasons=("place",))
        entry = self.book.check(claim, wanted=State.UNKNOWN)
        if changed := self.drafter().stale(entry, self.book.standing(entry.ticket.account)):
            do = "let this one go, then say it again"
            raise TradeRefused(f"not sent: {'; '.join(changed)}", reasons=("changed",), do=do)
        return self._after(self.sender().resend(claim, leg))

    def dismiss(self, ticket: str, who: Who) -> Entry:
        self._check_owner(ticket, who)
        return self.book.dismiss(ticket, who)

    def cancel(self, ticket: str, who: Who) -> Entry:
        """Cancel what of a ticket is open, or dismiss it where nothing was sent; always possible."""
        entry = self._check_owner(ticket, who)
        if entry.state in (State.DRAFT, State.PENDING):
            return self.book.dismiss(ticket, who)
        return self.sender().cancel(ticket, who)

    def _show_changes(self, claim: Claim, entry: Entry, changed: tuple[str, ...], approvers: frozenset[str]) -> Outcome:
        """Replace the ticket by one with today's numbers; where the gate refuses that one, block the old."""
        standing = self.book.standing(entry.ticket.account)
        try:
            successor = self.drafter().prepare(self.drafter().again(entry.ticket, changed), standing)
        except TradeRefused as error:
            self.book.block(claim, error.what, approvers=approvers)
            return self._after(self.book.get(claim.ticket))
        return self._after(self.book.supersede(claim, successor, approvers=approvers))

    def _after(self, entry: Entry) -> Outcome:
        view = self.card(entry.id)
        text = f"{view['state_words']}: {view['headline']}"
        if view["changed"]:
            text += "\n" + "\n".join(view["changed"])
        return Outcome(kind="ticket", text=text, entry=entry, data=view)

    def _needed(self, ticket: Ticket) -> int:
        above = self.settings.trade.approve_above
        return 2 if above is not None and ticket.notional >= Decimal(str(above)) else 1

    def _check_owner(self, ticket: str, who: Who) -> Entry:
        entry = self.book.get(ticket)
        if who.person != entry.ticket.owner:
            raise TradeRefused("this ticket belongs to somebody else", reasons=("owner",))
        return entry

    # -- following -------------------------------------------------------------------------------------------------
    def refresh(self, ticket: str) -> Entry:
        """Ask the broker about what is open of a ticket; what was to follow a fill becomes a ticket of its own."""
        entry = self.book.get(ticket)
        if entry.state in (State.DRAFT, State.PENDING):
            self.book.expire(ticket=ticket)
            return self.book.get(ticket)
        if not entry.done:
            entry = self.sender().refresh(ticket)
        self._follow_up(entry)
        return entry

    def follow(
        self, ticket: str, *, timeout: float, on_change: Callable[[Entry], None] | None = None, pause: float = 0.5
    ) -> Entry:
        """Refresh until the ticket is done or the time is over, slower and slower; tell each change."""
        entry, waited = self.refresh(ticket), 0.0
        while not entry.done and waited < timeout:
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 5.0)
            before, entry = entry, self.refresh(ticket)
            if on_change is not None and entry != before:
                on_change(entry)
        return entry

    def recover(self) -> tuple[Entry, ...]:
        """Put in order what ended processes left behind; called when a desk opens. Never sends."""
        if self.waits_for_server:
            self.book.expire()
            return ()
        entries = self.sender().recover(account=self._account())
        if days := self.settings.trade.retention_days:
            audit.cut(self.store, before=self.book.now() - days * DAY, who=audit.SYSTEM)
        for entry in entries:
            self._follow_up(entry)
        return entries

    def _begin(self) -> None:
        """Recover before the first thing that this desk does; a broker that is away now is asked again later."""
        if not self._recovered:
            self._recovered = True
            with contextlib.suppress(BrokerError):
                self.recover()

    def _follow_up(self, entry: Entry) -> None:
        for index, follow_up in enumerate(entry.ticket.follow_ups):
            leg = entry.legs[follow_up.after]
            if leg.state not in FINAL or not leg.filled_qty or leg.filled_price is None:
                continue
            if entry.ticket.owner != self.owner or self.book.made_of(cause := origin(entry.id, index)):
                continue
            proceeds = leg.filled_qty * leg.filled_price - leg.fees
            wish = Wish(
                text=entry.ticket.text,
                orders=(spend(follow_up, proceeds),),
                read_by=entry.ticket.read_by,
                note=f"The sale in ticket {entry.id} brought {proceeds:,.2f} dollars.",
                parent=entry.id,
            )
            try:
                self._propose(wish, cause=cause)
            except TradeRefused as error:
                self.book.note(
                    entry.id, follow_up.after, Fill(message=f"what was to follow was not drafted: {error.what}")
                )
            except TicketConflict:
                continue  # Another process was faster.

    # -- lists and the switch --------------------------------------------------------------------------------------
    def card(self, ticket: str) -> dict[str, Any]:
        """The ticket as texts for a face (see `broking.card`); `next` is the ticket to go on with where it is done."""
        entry = self.book.get(ticket)
        texts = card(entry, now=self.book.now(), events=[dict(event) for event in self.book.events(ticket)])
        return {**texts, "next": next_ticket(self.book, entry)}

    def tickets(self, *, states: tuple[State, ...] = (), limit: int = 100) -> tuple[Summary, ...]:
        """This person's newest tickets."""
        return self.book.recall(owner=self.owner, states=states, limit=limit)

    def trading(self) -> Switch:
        return self.book.switch()

    def set_trading(self, state: Switch, who: Who, *, reason: str = "") -> None:
        """Set the kill switch; called by the command and by a person's button. Words can only halt (see `act`)."""
        self.book.set_switch(state, who, reason=reason)

    def answers(self) -> Answers:
        return Answers(self.broker(), self.book, owner=self.owner)

    # -- what it works with ----------------------------------------------------------------------------------------
    def drafter(self) -> Drafter:
        refusal = live_refusal(self.settings.trade, self._place, shares_user=self._shares_user)
        return Drafter(self.broker(), self.settings.trade, owner=self.owner, names=names, live_refusal=refusal)

    def sender(self) -> Sender:
        return Sender(self.book, self.broker(), lookup_time=self.settings.trade.lookup_time, sleep=self._sleep)

    def close(self) -> None:
        """Let go of the broker's connections; the store is the caller's."""
        if self._given is not None:
            self._given.close()

    def broker(self) -> Broker:
        """The broker of the settings, made at first use; raises TradeRefused when it is not of the mode they say."""
        with self._making:
            if self._given is None:
                self._given = base.find(self.settings.trade, self.store, self.owner)
            wanted = "live" if self.live else "paper"
            if self._given.mode != wanted:
                what = f"the settings say {wanted}, the broker is {self._given.mode}"
                raise TradeRefused(what, reasons=("mode_mismatch",), do="correct [trade] mode and broker")
            return self._given

    def _account(self) -> str:
        return self.broker().account().id

    @property
    def waits_for_server(self) -> bool:
        """Whether live orders can only be drafted here: the broker and its keys are in the Jupyter server."""
        return self.live and self._place == "kernel"
