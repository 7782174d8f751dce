"""The table of states: what may follow what."""

from __future__ import annotations

import itertools

import pytest

from jupyter_autocoder.errors import IllegalStep
from jupyter_autocoder.trade.states import FINAL, TABLE, State, Step, advance, whole


def test_a_ticket_walks_from_draft_to_filled() -> None:
    steps = (Step.PROPOSE, Step.CONFIRM, Step.SUBMIT, Step.ACCEPT, Step.FILL_PART, Step.FILL)

    state, seen = State.DRAFT, []
    for step in steps:
        state = advance(state, step)
        seen.append(state)

    assert seen == ["pending", "confirmed", "submitting", "accepted", "partially_filled", "filled"]


@pytest.mark.parametrize(
    ("state", "step"),
    [pair for pair in itertools.product(State, Step) if pair not in TABLE],
    ids=lambda part: str(part),
)
def test_a_step_that_the_table_does_not_hold_raises_naming_state_and_step(state: State, step: Step) -> None:
    with pytest.raises(IllegalStep) as caught:
        advance(state, step)

    assert (caught.value.state, caught.value.step) == (state, step)
    assert state in str(caught.value)
    assert step in str(caught.value)


def test_nothing_leaves_a_final_state() -> None:
    ends = {"filled", "dismissed", "expired", "superseded", "blocked", "rejected", "cancelled", "replaced"}

    assert ends == FINAL
    assert not [pair for pair in TABLE if pair[0] in FINAL]


def test_only_a_confirmed_or_a_lost_leg_can_be_sent() -> None:
    into_submitting = {(state, step) for (state, step), then in TABLE.items() if then is State.SUBMITTING}

    assert into_submitting == {(State.CONFIRMED, Step.SUBMIT), (State.UNKNOWN, Step.RESUBMIT)}


def test_only_a_click_confirms() -> None:
    into_confirmed = {(state, step) for (state, step), then in TABLE.items() if then is State.CONFIRMED}

    assert into_confirmed == {(State.PENDING, Step.CONFIRM)}


def test_what_was_sent_never_returns_to_a_person_as_if_it_had_not_been() -> None:
    sent = {State.SUBMITTING, State.ACCEPTED, State.PARTIALLY_FILLED, State.CANCEL_REQUESTED, State.UNKNOWN}

    back = {pair for pair, then in TABLE.items() if pair[0] in sent and then in (State.PENDING, State.CONFIRMED)}

    assert back == set()


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ((State.FILLED,), State.FILLED),
        ((State.FILLED, State.FILLED), State.FILLED),
        ((State.FILLED, State.UNKNOWN), State.UNKNOWN),  # the most unsettled speaks
        ((State.ACCEPTED, State.SUBMITTING), State.SUBMITTING),
        ((State.FILLED, State.REJECTED), State.PARTIALLY_FILLED),  # something did happen
        ((State.ACCEPTED, State.CONFIRMED), State.ACCEPTED),
        ((State.REJECTED, State.BLOCKED), State.REJECTED),
        ((State.CANCELLED, State.EXPIRED), State.CANCELLED),
        ((State.REPLACED, State.REPLACED), State.REPLACED),
    ],
)
def test_a_basket_stands_where_its_least_settled_leg_stands(legs: tuple[State, ...], expected: State) -> None:
    assert whole(legs) is expected
