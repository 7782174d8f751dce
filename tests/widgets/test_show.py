"""The static record beside the control, where several faces show the same ticket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Desk
from jupyter_autocoder.widgets.show import Shown


class Page:
    """What a notebook shows of some displays, in their places."""

    def __init__(self) -> None:
        self.places: list[Any] = []

    def display(self, data: Any, **_: Any) -> Place:
        self.places.append(data)
        return Place(self, len(self.places) - 1)

    @property
    def records(self) -> list[str]:
        return [data["text/plain"] for data in self.places if isinstance(data, dict) and data["text/plain"]]


class Place:
    def __init__(self, page: Page, at: int) -> None:
        self.page, self.at = page, at

    def update(self, data: Any, **_: Any) -> None:
        self.page.places[self.at] = data


@pytest.fixture
def show(desk: Desk) -> Iterator[Callable[[str], tuple[Shown, Page]]]:
    made: list[Shown] = []

    def do(ticket: str) -> tuple[Shown, Page]:
        page = Page()
        made.append(Shown(desk, ticket, display=page.display))
        made[-1].open("plain")
        return made[-1], page

    yield do
    for one in made:
        one.close()


def click(port: CardPort) -> dict[str, Any]:
    drawn = port.draw()
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]
    message = {"kind": "confirm", "ticket": drawn["card"]["id"], "hash": drawn["card"]["hash"]}
    return dict(port.handle({**message, "nonce": drawn["nonce"], "ticks": ticks})["card"])


def ticket(desk: Desk, words: str) -> str:
    entry = desk.take(words).entry
    assert entry is not None
    return entry.id


def test_two_cards_of_one_ticket_go_on_together_when_the_price_moved(
    desk: Desk, prices: SetPrices, show: Callable[[str], tuple[Shown, Page]]
) -> None:
    old = ticket(desk, "buy 10 AAPL")
    (here, _), (there, page) = show(old), show(old)
    prices.set("AAPL", "160")
    click(here.port)

    there.port.draw()
    record = page.records[-1]
    sold = click(there.port)

    assert here.ticket == there.ticket != old
    assert "the price moved" in record
    assert "Preview only: not executed" in record
    assert sold["state"] == "filled"
    assert [text.count("State: Filled") for text in page.records] == [1]


def test_the_receipt_of_a_sale_has_its_place_though_the_price_moved_in_another_face(
    desk: Desk, prices: SetPrices, show: Callable[[str], tuple[Shown, Page]]
) -> None:
    prices.set("MSFT", "400")
    click(CardPort(desk, ticket(desk, "buy 10 AAPL"), desk.me))
    old = ticket(desk, "sell 10 AAPL and buy MSFT with the proceeds")
    (here, _), (there, page) = show(old), show(old)
    prices.set("AAPL", "160")
    click(here.port)

    there.port.draw()
    click(there.port)

    assert ["State: Filled" in text for text in page.records] == [True, False]
    assert "SELL 10 AAPL" in page.records[0]
    assert "of MSFT" in page.records[1]
