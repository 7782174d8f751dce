"""Rows of orders: what one ticket can hold, and what is asked about."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.market import Hours
from jupyter_autocoder.trade.orders import Order, PercentOf, Side, Size
from jupyter_autocoder.trade.terms import OrderType, TimeInForce
from jupyter_autocoder.trade.tickets import Leg
from jupyter_autocoder.trade.turns import in_turn

OPEN = Hours(open=True)
AT_LIMIT = {"type": OrderType.LIMIT, "limit_price": D(9)}


@pytest.fixture
def row() -> Callable[..., tuple[tuple[Order, ...], tuple[Leg, ...]]]:
    """Two orders, the first with other terms, the second with another size."""

    def make(
        *, symbol: str = "F", size: Size | None = None, second: str = "AAPL", **terms: Any
    ) -> tuple[tuple[Order, ...], tuple[Leg, ...]]:
        orders = (
            Order(side=Side.BUY, symbol=symbol, size=Size(qty=D(1)), **terms),
            Order(side=Side.SELL, symbol=second, size=size or Size(qty=D(1))),
        )
        legs = (Leg(side=Side.BUY, symbol=symbol, qty=D(1), **terms), Leg(side=Side.SELL, symbol=second, qty=D(1)))
        return orders, legs

    return make


@pytest.mark.parametrize("terms", [
    {}, {"tif": TimeInForce.IOC, **AT_LIMIT}, {"tif": TimeInForce.FOK, **AT_LIMIT}, {"symbol": "BTC/USD"},
], ids=str)  # fmt: skip
def test_what_fills_at_once_may_have_another_behind_it(row: Callable[..., Any], terms: dict[str, Any]) -> None:
    hours = Hours(open="symbol" not in terms)

    legs = in_turn(*row(**terms), hours)

    assert [leg.after for leg in legs] == [None, 0]


@pytest.mark.parametrize("terms", [
    AT_LIMIT, {"type": OrderType.STOP, "stop_price": D(9)}, {"tif": TimeInForce.OPG}, {"tif": TimeInForce.CLS},
], ids=str)  # fmt: skip
def test_what_may_wait_has_none_behind_it(row: Callable[..., Any], terms: dict[str, Any]) -> None:
    with pytest.raises(TradeRefused, match="may wait long"):
        in_turn(*row(**terms), OPEN)


def test_while_the_market_is_closed_every_order_waits(row: Callable[..., Any]) -> None:
    with pytest.raises(TradeRefused, match="may wait long"):
        in_turn(*row(), Hours(open=False))


@pytest.mark.parametrize(("size", "second"), [
    (Size(percent=D(50), percent_of=PercentOf.CASH), "AAPL"), (Size(percent=D(50), percent_of=PercentOf.POSITION), "F"),
    (Size(target_qty=D(5)), "F"), (Size(percent=D(5), percent_of=PercentOf.BUYING_POWER), "AAPL"),
], ids=str)  # fmt: skip
def test_a_size_that_the_orders_before_it_move_is_asked_about(row: Callable[..., Any], size: Size, second: str) -> None:
    with pytest.raises(TradeRefused, match="depends on the orders before it"):
        in_turn(*row(size=size, second=second), OPEN)


@pytest.mark.parametrize("size", [Size(percent=D(50), percent_of=PercentOf.POSITION), Size(target_qty=D(5)),
                                  Size(percent=D(5), percent_of=PercentOf.EQUITY)], ids=str)  # fmt: skip
def test_a_size_that_they_do_not_move_is_taken(row: Callable[..., Any], size: Size) -> None:
    legs = in_turn(*row(size=size), OPEN)

    assert legs[1].after == 0
