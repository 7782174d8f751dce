"""The words of trading: complete at construction, decimal to the last digit, and unable to act when they should not."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_autocoder.trade.orders import (
    Action,
    Changes,
    Intent,
    Kind,
    Order,
    OrderClass,
    OrderType,
    PercentOf,
    Query,
    Reading,
    Side,
    Size,
    StopLoss,
    TakeProfit,
    Target,
    amount,
    canonical,
)

TEN = Size(qty=Decimal(10))
BUY = Order(side=Side.BUY, symbol="AAPL", size=TEN)


def _order(**changes: Any) -> Order:
    order: dict[str, Any] = {"side": Side.BUY, "symbol": "AAPL", "size": TEN}
    return Order(**order | changes)


@pytest.mark.parametrize(
    ("value", "text"),
    [("150.10", "150.1"), ("1E+3", "1000"), ("0.500", "0.5"), ("-0", "0"), ("1e-8", "0.00000001"), ("100", "100")],
)
def test_an_amount_is_written_in_one_way(value: str, text: str) -> None:
    assert canonical(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e12", max_value="1e12"))
def test_a_written_amount_reads_back_as_the_same_number(value: Decimal) -> None:
    assert amount(canonical(value)) == value


@pytest.mark.parametrize("value", [1, 1.5, True, "ten", "1,000", ["1"]])
def test_an_amount_that_is_no_string_of_digits_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        amount(value)


@pytest.mark.parametrize(
    "size",
    [
        {},
        {"qty": Decimal(1), "notional": Decimal(1)},
        {"percent": Decimal(5)},
        {"percent_of": PercentOf.CASH},
        {"qty": Decimal(0)},
        {"qty": Decimal(-1)},
        {"qty": 10},
        {"qty": 1.5},
        {"qty": Decimal("NaN")},
        {"notional": Decimal("Infinity")},
        {"target_qty": Decimal(-1)},
    ],
)
def test_a_size_is_exactly_one_amount_above_zero(size: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Size(**size)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.LIMIT},
        {"type": OrderType.STOP},
        {"type": OrderType.STOP_LIMIT, "limit_price": Decimal(1)},
        {"type": OrderType.TRAILING_STOP},
        {"limit_price": Decimal(1)},
        {"type": OrderType.LIMIT, "limit_price": Decimal(1), "stop_price": Decimal(1)},
        {"type": OrderType.TRAILING_STOP, "trail_percent": Decimal(1), "trail_price": Decimal(1)},
        {"type": OrderType.LIMIT, "limit_price": Decimal(-1)},
        {"symbol": ""},
        {"symbol": "aapl"},
        {"intent": Intent.SHORT},
        {"side": Side.SELL, "intent": Intent.COVER},
        {"order_class": OrderClass.BRACKET},
        {"order_class": OrderClass.OTO},
        {"take_profit": TakeProfit(percent=Decimal(5))},
        {
            "order_class": OrderClass.OCO,
            "take_profit": TakeProfit(percent=Decimal(5)),
            "stop_loss": StopLoss(percent=Decimal(5)),
        },
        {"after": -1},
    ],
)
def test_an_order_whose_parts_do_not_fit_is_not_built(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        _order(**changes)


@pytest.mark.parametrize("exits", [{}, {"limit_price": Decimal(1), "percent": Decimal(1)}])
def test_an_exit_is_a_price_or_a_percentage(exits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TakeProfit(**exits)


def test_an_order_survives_json() -> None:
    order = _order(
        size=Size(percent=Decimal("33.33"), percent_of=PercentOf.POSITION),
        type=OrderType.LIMIT,
        limit_price=Decimal("150.10"),
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfit(limit_price=Decimal(170)),
        stop_loss=StopLoss(stop_price=Decimal(140), limit_price=Decimal(139)),
        extended_hours=True,
        after=1,
    )

    again = Order.from_dict(json.loads(json.dumps(order.to_dict())))

    assert again == order


@pytest.mark.parametrize("form", [{}, {"side": "buy"}, BUY.to_dict() | {"leverage": "2"}, BUY.to_dict() | {"qty": 10}])
def test_an_order_is_not_read_from_an_unknown_form(form: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Order.from_dict(form)


@pytest.mark.parametrize("kind", [Kind.NONE, Kind.CLARIFY])
@pytest.mark.parametrize(
    "acts",
    [
        {"orders": (BUY,)},
        {"target_weights": {"SPY": Decimal(60)}},
        {"close_all": True},
        {"cancels": (Target(all=True),)},
    ],
)
def test_a_reading_that_must_not_act_cannot_hold_an_order(kind: Kind, acts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot act"):
        Reading(kind=kind, **acts)


@pytest.mark.parametrize(
    "reading",
    [
        {"kind": Kind.ORDER},
        {"kind": Kind.ORDER, "orders": (BUY, BUY)},
        {"kind": Kind.ORDERS, "orders": (BUY,)},
        {"kind": Kind.CANCEL},
        {"kind": Kind.NONE, "action": Action.HALT},
        {"kind": Kind.QUERY},
        {"kind": Kind.ORDER, "orders": (_order(after=0),)},
    ],
)
def test_a_reading_is_whole_or_not_built(reading: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Reading(**reading)


def test_a_target_names_something_and_a_change_changes_something() -> None:
    with pytest.raises(ValueError, match="names"):
        Target()
    with pytest.raises(ValueError, match="changes"):
        Changes()


def test_a_reading_can_be_copied_and_pickled() -> None:
    reading = Reading(kind=Kind.ORDERS, target_weights={"SPY": Decimal(60)}, excluded=("AAPL",))

    assert copy.deepcopy(reading) == reading
    assert pickle.loads(pickle.dumps(reading)) == reading


def test_the_public_form_holds_only_what_was_said() -> None:
    assert BUY.to_dict() == {"side": "buy", "symbol": "AAPL", "qty": "10", "type": "market", "tif": "day"}
    assert Reading(kind=Kind.QUERY, query=Query.PNL, period="today").to_dict() == {
        "kind": "query",
        "query": "pnl",
        "period": "today",
    }
    assert Reading(kind=Kind.ORDERS, close_all=True, excluded=("SPY",)).to_dict() == {
        "kind": "orders",
        "close_all": True,
        "except": ["SPY"],
    }
