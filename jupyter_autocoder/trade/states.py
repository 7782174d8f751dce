"""The one table of a ticket's states: what may follow what, and on which event.

::

    draft -> pending -> confirmed -> submitting -> accepted -> partially_filled -> filled

with the exits ``dismissed | expired | superseded | blocked`` before anything was sent and ``rejected | unknown |
cancelled | expired | replaced`` after. What the table does not hold cannot happen: there is no step from `PENDING`
to `SUBMITTING`, and none out of a final state. `UNKNOWN` (sent, and no proof of what became of it) is left only by a
broker's look-up, or by a person who sends it again under the same id.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from jupyter_autocoder.errors import IllegalStep


class State(enum.StrEnum):
    """Where a ticket, or one leg of it, stands."""

    DRAFT = "draft"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    SUBMITTING = "submitting"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    CANCEL_REQUESTED = "cancel_requested"
    UNKNOWN = "unknown"
    FILLED = "filled"
    DISMISSED = "dismissed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    REPLACED = "replaced"


class Step(enum.StrEnum):
    """What happens to it."""

    PROPOSE = "propose"  # sized, quoted and through the gate: a person may look at it
    CONFIRM = "confirm"  # a person's click
    ASK_AGAIN = "ask_again"  # confirmed, never sent, and the process that held it is gone
    SUBMIT = "submit"  # committed before the one POST
    RESUBMIT = "resubmit"  # a person's click on a ticket that the broker does not know, under the same id
    DISMISS = "dismiss"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"
    BLOCK = "block"
    LOSE = "lose"  # no proof of what became of the POST
    ACCEPT = "accept"  # this and all below: the broker's word
    FILL_PART = "fill_part"
    FILL = "fill"
    REJECT = "reject"
    REQUEST_CANCEL = "request_cancel"
    CANCEL = "cancel"
    REPLACE = "replace"


_BROKER_SAYS = {
    Step.ACCEPT: State.ACCEPTED,
    Step.FILL_PART: State.PARTIALLY_FILLED,
    Step.FILL: State.FILLED,
    Step.REJECT: State.REJECTED,
    Step.CANCEL: State.CANCELLED,
    Step.EXPIRE: State.EXPIRED,
    Step.REPLACE: State.REPLACED,
}


def _rows() -> dict[tuple[State, Step], State]:
    rows = {
        (State.DRAFT, Step.PROPOSE): State.PENDING,
        (State.DRAFT, Step.BLOCK): State.BLOCKED,
        (State.DRAFT, Step.DISMISS): State.DISMISSED,
        (State.DRAFT, Step.EXPIRE): State.EXPIRED,
        (State.PENDING, Step.CONFIRM): State.CONFIRMED,
        (State.PENDING, Step.DISMISS): State.DISMISSED,
        (State.PENDING, Step.EXPIRE): State.EXPIRED,
        (State.PENDING, Step.SUPERSEDE): State.SUPERSEDED,
        (State.PENDING, Step.BLOCK): State.BLOCKED,
        (State.CONFIRMED, Step.SUBMIT): State.SUBMITTING,
        (State.CONFIRMED, Step.ASK_AGAIN): State.PENDING,
        (State.CONFIRMED, Step.EXPIRE): State.EXPIRED,
        (State.CONFIRMED, Step.BLOCK): State.BLOCKED,
        (State.SUBMITTING, Step.LOSE): State.UNKNOWN,
        (State.UNKNOWN, Step.RESUBMIT): State.SUBMITTING,
        # A person who has seen that the broker does not know it may also let it go.
        (State.UNKNOWN, Step.DISMISS): State.DISMISSED,
    }
    # A look-up may find the order anywhere on its way, whatever we saw of it last.
    for state in (State.SUBMITTING, State.UNKNOWN, State.ACCEPTED):
        rows |= {(state, step): then for step, then in _BROKER_SAYS.items()}
    for state in (State.PARTIALLY_FILLED, State.CANCEL_REQUESTED):
        rows |= {(state, step): then for step, then in _BROKER_SAYS.items() if step is not Step.REJECT}
    # What has filled in part does not go back to nothing filled.
    del rows[State.PARTIALLY_FILLED, Step.ACCEPT]
    for state in (State.ACCEPTED, State.PARTIALLY_FILLED):
        rows[state, Step.REQUEST_CANCEL] = State.CANCEL_REQUESTED
    return rows


TABLE: Mapping[tuple[State, Step], State] = MappingProxyType(_rows())
FINAL = frozenset(State) - {state for state, _ in TABLE}
WAITS_FOR_PERSON = frozenset({State.DRAFT, State.PENDING})
AT_BROKER = frozenset({State.SUBMITTING, State.UNKNOWN, State.ACCEPTED, State.PARTIALLY_FILLED, State.CANCEL_REQUESTED})


def advance(state: State, step: Step) -> State:
    """Return the state after `step`; raises IllegalStep, naming both, when the table does not hold it."""
    try:
        return TABLE[state, step]
    except KeyError:
        what = f"a ticket that is {state} cannot take the step {step}"
        known = ", ".join(sorted(one for then, one in TABLE if then is state)) or "none, it is final"
        raise IllegalStep(what, state=state, step=step, why=f"possible steps: {known}") from None


def whole(legs: Iterable[State]) -> State:
    """Return the state of a ticket from those of its legs, once it was confirmed.

    The most unsettled leg speaks for all. When every leg is final and they differ, a basket of which anything filled
    is ``partially_filled``, and otherwise the worst end counts.
    """
    states = set(legs)
    if len(states) == 1:
        return states.pop()
    for state in (State.UNKNOWN, State.SUBMITTING, State.CANCEL_REQUESTED, State.PARTIALLY_FILLED):
        if state in states:
            return state
    if State.FILLED in states:
        return State.PARTIALLY_FILLED
    # Some legs wait for their turn while others are already with the broker.
    for state in (State.ACCEPTED, State.CONFIRMED, State.REJECTED, State.CANCELLED, State.EXPIRED, State.BLOCKED):
        if state in states:
            return state
    return State.REPLACED
