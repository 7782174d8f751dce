"""What a leg is called where a person reads it."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.trade.terms import OrderType, Side
from jupyter_autocoder.trade.tickets import Leg
from jupyter_autocoder.trade.words import price_terms


@pytest.mark.parametrize(
    ("type", "prices", "said"),
    [
        (OrderType.MARKET, {}, "market"),
        (OrderType.LIMIT, {"limit_price": D(150)}, "limit $150.00"),
        (OrderType.STOP, {"stop_price": D(95)}, "stop $95.00"),
        (
            OrderType.STOP_LIMIT,
            {"stop_price": D(95), "limit_price": D("94.50")},
            "stop-limit, stop $95.00, limit $94.50",
        ),
        (OrderType.TRAILING_STOP, {"trail_percent": D(5)}, "trailing stop, trailing 5 %"),
    ],
)
def test_the_type_of_an_order_is_said_once_with_its_prices(type: OrderType, prices: dict[str, Any], said: str) -> None:
    assert price_terms(Leg(symbol="AAPL", side=Side.BUY, qty=D(10), type=type, **prices)) == said
