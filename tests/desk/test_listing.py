"""What commands and magics print about trading."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Desk, Outcome, listing
from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Switch


@pytest.fixture
def desk(make: Callable[..., Desk]) -> Desk:
    return make(retention_days=1)


def test_a_list_has_a_line_per_ticket(desk: Desk, buy: Callable[..., Outcome]) -> None:
    empty = listing.tickets_text(desk.tickets())
    ticket = buy(desk, "buy 10 AAPL").entry.id

    text = listing.tickets_text(desk.tickets())

    assert empty == "There are no tickets."
    assert ticket in text
    assert "PAPER" in text
    assert json.loads(json.dumps(listing.tickets_data(desk.tickets())))[0]["state"] == "filled"


def test_one_ticket_is_shown_as_its_record(desk: Desk, buy: Callable[..., Outcome]) -> None:
    ticket = buy(desk, "buy 10 AAPL").entry.id

    text = listing.ticket_text(desk, ticket)

    assert "10 filled at $150.00" in text
    assert f"jac-{ticket}-0" in text


def test_the_overview_holds_positions_tickets_the_switch_and_a_picture(
    desk: Desk, prices: SetPrices, buy: Callable[..., Outcome]
) -> None:
    buy(desk, "buy 10 AAPL")
    buy(desk, "buy 100 F")
    prices.set("F", "9")
    desk.take("buy 1 F")

    found = listing.overview(desk)

    picture = ElementTree.fromstring(found["html"])
    words = "".join(picture.itertext())
    assert "AAPL 10" in words
    assert "-$100.00" in words
    assert "PAPER, play money" in words
    assert "pending" in found["text"]
    assert found["data"]["trading"] == "active"
    assert [one["symbol"] for one in found["data"]["positions"]] == ["AAPL", "F"]
    for active in ("<script", "<a", "href", "<image", "<foreignObject", "onload"):
        assert active not in found["html"]


def test_the_switch_needs_the_store_alone(store: Store, desk: Desk) -> None:
    text = listing.set_trading(store, "halted", desk.me, reason="lunch")

    assert "halted" in text
    assert desk.trading() is Switch.HALTED
    with pytest.raises(UsageError, match="nonsense"):
        listing.set_trading(store, "nonsense", desk.me)


def test_the_audit_is_reported_whole_or_with_its_problems(
    store: Store, desk: Desk, buy: Callable[..., Outcome]
) -> None:
    buy(desk, "buy 10 AAPL")
    whole = listing.audit_text(audit.verify(store))
    with store.write() as tx:
        tx.run("DROP TRIGGER trade_events_no_update")
        tx.run("UPDATE trade_events SET person = 'eve' WHERE seq = 1")

    broken = listing.audit_text(audit.verify(store))

    assert "is whole" in whole
    assert "row 1 was changed" in broken


def test_retention_keeps_everything_unless_it_is_set(store: Store, desk: Desk, buy: Callable[..., Outcome]) -> None:
    buy(desk, "buy 10 AAPL")

    assert listing.retain(store, 0, desk.me) == 0
    assert listing.retain(store, 1, desk.me) == 0
    desk.recover()
    assert audit.verify(store).rows > 0
