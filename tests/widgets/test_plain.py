"""The card of stock widgets, and the thread that follows its ticket, beside each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Desk
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.widgets import plain
from jupyter_autocoder.widgets.plain import PlainCard


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def put(
    desk: Desk, prices: SetPrices, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], PlainCard]]:
    """Show a ticket of these words; every click counts as a browser's."""
    monkeypatch.setattr(plain, "click_time", lambda *_: time.time())
    prices.set("MSFT", "400")
    made: list[PlainCard] = []

    def show(words: str) -> PlainCard:
        entry = desk.take(words).entry
        assert entry is not None
        made.append(PlainCard(CardPort(desk, entry.id, desk.me), clock=watch))
        return made[-1]

    yield show
    for card in made:
        card.close()


def button(card: PlainCard, words: str) -> Any:
    return next(one for one in card.children[-2].children if words in one.description)


def confirm(card: PlainCard, watch: Watch) -> None:
    watch.now += 1
    for box in card._ticks.values():
        box.value = True
    card._typed.value = "aapl"
    card.children[-2].children[1].click()


@pytest.fixture
def resting(put: Callable[[str], PlainCard], watch: Watch) -> PlainCard:
    """The card of a sale that waits at the broker; its proceeds are to buy."""
    confirm(put("buy 10 AAPL"), watch)
    card = put("sell all my AAPL at 155 and buy MSFT with the proceeds")
    confirm(card, watch)
    return card


def pending(desk: Desk) -> list[str]:
    return [one.id for one in desk.tickets() if one.state is State.PENDING]


def test_a_click_on_a_button_of_the_sale_that_has_filled_meanwhile_spares_its_follow_up(
    desk: Desk, resting: PlainCard, prices: SetPrices
) -> None:
    cancel = button(resting, "Cancel")
    prices.set("AAPL", "155")
    resting._draw(resting._port.handle({"kind": "draw"}))
    (follow_up,) = pending(desk)

    cancel.click()

    assert "another ticket" in resting._status.value
    assert resting._port.ticket == follow_up
    assert pending(desk) == [follow_up]


def test_a_dismissal_right_after_the_card_went_on_does_not_count(
    desk: Desk, resting: PlainCard, prices: SetPrices, watch: Watch
) -> None:
    prices.set("AAPL", "155")
    resting._draw(resting._port.handle({"kind": "draw"}))

    button(resting, "Dismiss").click()
    early = pending(desk)
    watch.now += 1
    button(resting, "Dismiss").click()

    assert len(early) == 1
    assert pending(desk) == []


def test_the_follower_tells_nothing_while_a_message_is_answered_and_holds_no_close_up(
    desk: Desk, put: Callable[[str], PlainCard]
) -> None:
    card = put("buy 1 AAPL")
    port = card._port
    told: list[dict[str, Any]] = []
    card._follower._on_news = told.append

    with port.between() as mine:
        desk.dismiss(port.ticket, desk.me)
        time.sleep(1.2)  # Two looks.
        during = list(told)
        began = time.monotonic()
        card.close()
        took = time.monotonic() - began

    assert mine
    assert during == []
    assert took < 1.5, "the thread does not wait for the answer that waits for it"
