"""Tickets: canonical text, hash, and reading them back."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_autocoder.trade.orders import Order, Size
from jupyter_autocoder.trade.terms import OrderClass, OrderType, Side
from jupyter_autocoder.trade.tickets import (
    FollowUp,
    Leg,
    Money,
    Remark,
    Seen,
    Ticket,
    client_order_id,
    decode,
    digest,
    encode,
    leg_from,
    order_of,
)

LEG = Leg(
    side=Side.BUY, symbol="AAPL", name="Apple Inc.", qty=Decimal("10"), price=Decimal("150.10"), cost=Decimal("1501")
)


def ticket(**changes: object) -> Ticket:
    known = {
        "id": "abc123", "owner": "ada", "mode": "paper", "broker": "paper", "account": "PAPER-ada",
        "text": "buy 10 AAPL", "legs": (LEG,), "created": 1_000, "expires": 61_000,
    }  # fmt: skip
    return Ticket(**{**known, **changes})  # type: ignore[arg-type]


FULL = ticket(
    legs=(
        dataclasses.replace(LEG, order_class=OrderClass.BRACKET, take_profit=Decimal("170"), stop_loss=Decimal("140")),
        Leg(side=Side.SELL, symbol="BRK.B", notional=Decimal("500.50"), type=OrderType.MARKET),
    ),
    quotes={"AAPL": Seen(bid=Decimal("150"), ask=Decimal("150.1"), last=Decimal("150"), time=999)},
    money=Money(
        cash=Decimal(1), equity=Decimal(2), buying_power=Decimal(3), cash_after=Decimal(0),
        buying_power_after=Decimal(0)),
    warnings=(Remark(rule="duplicate", message="again", leg=0), Remark(rule="model_read", message="by a model")),
    follow_ups=(FollowUp(order=Order(side=Side.BUY, symbol="MSFT", size=Size(qty=Decimal(1))).to_dict(), after=1),),
    limits={"max_order_notional": "100"},
    weights={"AAPL": Decimal("40")},
    changed=("AAPL: moved",),
)  # fmt: skip


@pytest.mark.parametrize("made", [ticket(), FULL], ids=["plain", "full"])
def test_a_ticket_is_read_back_as_it_was_written(made: Ticket) -> None:
    again = decode(made.body())

    assert again == made
    assert again.body() == made.body()
    assert again.hash == digest(made.body()) == made.hash


def test_the_text_is_canonical() -> None:
    body = ticket(legs=(dataclasses.replace(LEG, price=Decimal("150.1000")),)).body()

    assert body == ticket().body()
    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert '"qty":"10"' in body


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "live"},
        {"account": "PAPER-eve"},
        {"text": "buy 10 AAPL "},
        {"expires": 61_001},
        {"legs": (dataclasses.replace(LEG, qty=Decimal("10.000000001")),)},
        {"legs": (LEG, LEG)},
        {"warnings": (Remark(rule="x", message="y"),)},
        {"read_by": "model"},
    ],
    ids=str,
)
def test_every_difference_changes_the_hash(change: dict[str, object]) -> None:
    assert ticket(**change).hash != ticket().hash


def test_a_float_has_no_place_in_a_ticket() -> None:
    with pytest.raises(TypeError, match="no floats"):
        encode({"price": 1.5})


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "null", "{}", '{"version":2}', '{"version":1}', '{"version":1,"surprise":1}',
        ticket().body().replace('"qty":"10"', '"qty":10'),  # a number where a string has to be
        ticket().body().replace('"side":"buy"', '"side":"borrow"'),
        ticket().body().replace('"qty":"10"', '"qty":"10","notional":"5"'),
    ],
)  # fmt: skip
def test_what_is_no_ticket_is_refused(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's and ours are both ValueErrors
        decode(body)


def test_a_client_order_id_names_ticket_and_leg_and_fits_a_broker() -> None:
    assert client_order_id("abc", 0) == "jac-abc-0"
    assert FULL.client_order_id(1) == "jac-abc123-1"
    assert len(client_order_id("f" * 12, 99)) <= 128


def test_a_leg_has_exactly_one_size() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Leg(side=Side.BUY, symbol="A")
    with pytest.raises(ValueError, match="exactly one"):
        Leg(side=Side.BUY, symbol="A", qty=Decimal(1), notional=Decimal(1))


def test_a_follow_up_holds_an_order() -> None:
    assert order_of(FULL.follow_ups[0]).symbol == "MSFT"


@given(
    st.text(st.characters(codec="utf-8"), max_size=60), st.decimals(min_value="0.000000001", max_value="1e12", places=9)
)
def test_any_words_and_amounts_survive(words: str, qty: Decimal) -> None:
    made = ticket(text=words, legs=(dataclasses.replace(LEG, qty=qty),))

    assert decode(made.body()) == made
    assert leg_from(encode(made.legs[0])) == made.legs[0]
