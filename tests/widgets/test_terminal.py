"""The card at a terminal: a challenge that has to be typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Desk
from jupyter_autocoder.widgets.show import show_ticket
from jupyter_autocoder.widgets.terminal import challenge

WARNING = "yes"
ACT = "Buy 10 AAPL"


@pytest.fixture
def port(desk: Desk) -> CardPort:
    entry = desk.take("buy 10 AAPL").entry
    assert entry is not None
    return CardPort(desk, entry.id, desk.me)


def typing(*lines: str) -> Callable[[str], str]:
    waiting = iter(lines)
    return lambda _: next(waiting)


def test_the_exact_words_confirm(port: CardPort) -> None:
    told: list[str] = []

    state = challenge(port, ask=typing(WARNING, ACT), tell=told.append)

    assert state == "filled"
    assert "Preview only: not executed" in told[0]
    assert "10 filled at $150.00" in told[-1]


@pytest.mark.parametrize(
    "lines", [("no",), ("",), (WARNING, ""), (WARNING, "yes"), (WARNING, "buy 10 aapl"), (WARNING, "y")]
)
def test_anything_else_leaves_the_ticket_waiting(port: CardPort, lines: tuple[str, ...]) -> None:
    assert challenge(port, ask=typing(*lines), tell=lambda _: None) == "pending"


def test_a_ticket_that_changed_while_it_was_read_has_to_be_typed_anew(port: CardPort, prices: SetPrices) -> None:
    def ask(question: str) -> str:
        if ACT in question and not moved:
            moved.append(True)
            prices.set("AAPL", "160")
            return ACT
        return WARNING if question.startswith("Warning") else "no"

    moved: list[bool] = []
    told: list[str] = []

    state = challenge(port, ask=ask, tell=told.append)

    assert state == "pending"
    assert any("the price moved from $150.00 to $160.00" in text for text in told)


def test_without_a_terminal_nothing_is_asked(desk: Desk) -> None:
    entry = desk.take("buy 10 AAPL").entry
    told: list[str] = []
    assert entry is not None

    shown = show_ticket(desk, entry, tell=told.append)

    assert shown.control is None
    assert "Preview only: not executed" in told[0]
    assert desk.book.get(entry.id).state == "pending"
