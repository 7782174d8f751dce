"""What the ticket book takes and gives: frozen values, no database in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.trade.limits import Judgement, Recent, Switch
from jupyter_autocoder.trade.states import FINAL, State
from jupyter_autocoder.trade.tickets import Leg, Remark, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a click says: which ticket, in which form it was seen, and the one-time nonce of the control.

    `who` comes from the authenticated session, never from the message. `clicked` is when the click was made (epoch
    seconds), which may be long before it is processed. `ticks` are the keys of the warnings that were ticked.
    """

    ticket: str
    hash: str
    nonce: str
    who: Who
    clicked: float | None = None
    ticks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a click: where the ticket stands now, why, and whether one more person must confirm."""

    state: State
    reasons: tuple[Remark, ...] = ()
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the gate reads inside the confirming transaction."""

    now: float
    switch: Switch
    recent: tuple[Recent, ...]
    known_symbols: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Leave to send one leg, once: what is sent and under which id."""

    ticket: Ticket
    leg: int
    order: Leg
    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What became known of a leg; None or an empty text leaves what is there."""

    broker_order_id: str = ""
    filled_qty: Decimal | None = None
    filled_price: Decimal | None = None
    fees: Decimal | None = None
    message: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEntry:
    """One leg on its way; `sent` is when the POST was allowed (None: never), times in epoch seconds."""

    leg: int
    client_order_id: str
    state: State
    sent: float | None
    broker_order_id: str
    filled_qty: Decimal
    filled_price: Decimal | None
    fees: Decimal
    message: str
    changed: float

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def at_broker(self) -> bool:
        return not self.final and self.sent is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A ticket as it stands in the store; `hash` is the sealed one, `message` the last remark on it."""

    ticket: Ticket
    hash: str
    state: State
    legs: tuple[LegEntry, ...]
    session: str
    message: str
    successor: str
    holder: str
    created: float
    expires: float
    changed: float
    approvals: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.ticket.id

    @property
    def done(self) -> bool:
        """Whether nothing will change any more; a mixed basket is done when each of its legs is."""
        return self.state in FINAL or (bool(self.legs) and all(leg.final for leg in self.legs))

    def order(self, leg: int) -> Leg:
        return self.ticket.legs[leg]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A ticket as one line of a list."""

    id: str
    owner: str
    mode: str
    account: str
    state: State
    headline: str
    message: str
    created: float
    expires: float
    changed: float


Gate = Callable[[Entry, Standing], Judgement]
