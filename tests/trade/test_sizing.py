"""From what was said to a number of shares or dollars."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.case import Capabilities
from jupyter_autocoder.trade.market import Account, Asset, Position, Quote, Snapshot
from jupyter_autocoder.trade.orders import Order, Size, StopLoss, TakeProfit
from jupyter_autocoder.trade.sizing import Sizer, close_all, rebalance
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, PercentOf, Side

CAN = Capabilities(idempotency="permanent", notional_types=frozenset({OrderType.MARKET}))
BUY, SELL = Side.BUY, Side.SELL


def snapshot(**held: str) -> Snapshot:
    prices = {"AAPL": D(100), "MSFT": D(400), "F": D("12.50")}
    return Snapshot(
        account=Account(id="A", mode="paper", cash=D("1000.55"), equity=D(10_000), buying_power=D(2_000)),
        positions={
            name: Position(symbol=name, qty=D(qty), cost=D(50), last=prices[name]) for name, qty in held.items()
        },
        quotes={name: Quote(symbol=name, bid=price, ask=price, last=price, time=0) for name, price in prices.items()},
        assets={name: Asset(symbol=name, name=name.title()) for name in prices},
    )


def order(side: Side = BUY, symbol: str = "AAPL", /, **said: Any) -> Order:
    names = ("qty", "notional", "percent", "percent_of", "target_qty")
    size = Size(**{name: said.pop(name) for name in names if name in said})
    return Order(side=side, symbol=symbol, size=size, **said)


@pytest.mark.parametrize(
    ("said", "held", "qty", "notional", "derived"),
    [
        (order(qty=D(10)), {}, "10", None, ""),
        (order(notional=D(500)), {}, None, "500", ""),
        (order(SELL, percent=D(50), percent_of=PercentOf.POSITION), {"AAPL": "100"}, "50", None, "50 % of 100"),
        # Half of five whole shares is two whole shares: less, never more.
        (order(SELL, percent=D(50), percent_of=PercentOf.POSITION), {"AAPL": "5"}, "2", None,
         "50 % of 5 = 2.5, rounded down"),
        (order(SELL, percent=D(50), percent_of=PercentOf.POSITION), {"AAPL": "0.5"}, "0.25", None, "50 % of 0.5"),
        (order(SELL, percent=D(100), percent_of=PercentOf.POSITION), {"AAPL": "5.25"}, "5.25", None, "100 % of 5.25"),
        (order(percent=D(50), percent_of=PercentOf.CASH), {}, None, "500.27", "50 % of $1,000.55 cash"),
        (order(percent=D(10), percent_of=PercentOf.EQUITY), {}, None, "1000", "10 % of $10,000.00 equity"),
        (order(target_qty=D(30)), {"AAPL": "12"}, "18", None, "to hold 30, from 12"),
        (order(SELL, target_qty=D(0)), {"AAPL": "12"}, "12", None, "to hold 0, from 12"),
        # Dollars with a limit price become whole shares at that price.
        (order(notional=D(500), type=OrderType.LIMIT, limit_price=D(99)), {}, "5", None, "$500.00 at $99.00"),
    ],
)  # fmt: skip
def test_a_size_is_worked_out_and_says_how(
    said: Order, held: dict[str, str], qty: str | None, notional: str | None, derived: str
) -> None:
    made = Sizer(snapshot=snapshot(**held), capabilities=CAN).leg(said)

    assert made.qty == (None if qty is None else D(qty))
    assert made.notional == (None if notional is None else D(notional))
    assert made.derived == derived


@pytest.mark.parametrize(
    "said",
    [
        order(SELL, percent=D(50), percent_of=PercentOf.POSITION),  # nothing is held
        order(BUY, target_qty=D(0)),
        order(percent=D(100), percent_of=PercentOf.PROCEEDS),  # nothing was sold
        order(notional=D(50), type=OrderType.LIMIT, limit_price=D(99)),  # less than one share
    ],
)
def test_what_comes_to_nothing_is_refused(said: Order) -> None:
    with pytest.raises(TradeRefused):
        Sizer(snapshot=snapshot(), capabilities=CAN).leg(said)


def test_closing_a_short_holding_is_a_purchase() -> None:
    close = order(SELL, percent=D(100), percent_of=PercentOf.POSITION)

    made = Sizer(snapshot=snapshot(AAPL="-7"), capabilities=CAN).leg(close)

    assert (made.side, made.intent, made.qty) == (BUY, Intent.COVER, D(7))
    assert (made.held, made.then, made.reducing) == (D(-7), D(0), True)


def test_exits_in_percent_become_prices_on_the_right_side() -> None:
    exits = {"take_profit": TakeProfit(percent=D(10)), "stop_loss": StopLoss(percent=D(5))}

    long = Sizer(snapshot=snapshot(), capabilities=CAN).leg(order(qty=D(1), order_class=OrderClass.BRACKET, **exits))
    short = Sizer(snapshot=snapshot(), capabilities=CAN).leg(
        order(SELL, qty=D(1), intent=Intent.SHORT, order_class=OrderClass.BRACKET, **exits)
    )

    assert (long.take_profit, long.stop_loss) == (D(110), D(95))
    assert (short.take_profit, short.stop_loss) == (D(90), D(105))


def test_a_rebalance_sells_before_it_buys_and_skips_what_is_close() -> None:
    held = snapshot(AAPL="50", F="8")

    orders, left = rebalance({"AAPL": D(30), "MSFT": D(20)}, held, whole=True, skip_below=D(1))
    close, near = rebalance({"AAPL": D("50.5"), "MSFT": D(20)}, held, whole=False, skip_below=D(1))

    moves = [(one.side, one.symbol, one.size.qty) for one in orders]
    assert moves == [(SELL, "AAPL", D(20)), (SELL, "F", D(8)), (BUY, "MSFT", D(5))]
    assert left == ()
    assert [one.symbol for one in close] == ["MSFT"]
    assert near == ("AAPL: within 1 % of its target",)


@pytest.mark.parametrize(
    "weights", [{"AAPL": D(60), "MSFT": D(41)}, {"AAPL": D(-1)}, {"AAPL": D("NaN")}, {"NONE": D(5)}, {}], ids=str
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, D]) -> None:
    with pytest.raises(TradeRefused):
        rebalance(weights, snapshot(), whole=False, skip_below=D(1))


def test_closing_everything_covers_shorts_last_and_spares_what_is_named() -> None:
    orders = close_all(snapshot(AAPL="5", MSFT="-2", F="100"), excluded=("F",))

    assert [(one.side, one.symbol, one.size.qty, one.intent) for one in orders] == [
        (SELL, "AAPL", D(5), None),
        (BUY, "MSFT", D(2), Intent.COVER),
    ]


def test_fees_and_the_worst_case_stand_on_the_leg() -> None:
    sizer = Sizer(snapshot=snapshot(), capabilities=CAN, fees=lambda leg: D("1.50"))

    limited = sizer.leg(order(qty=D(3), type=OrderType.LIMIT, limit_price=D(99)))
    free = sizer.leg(order(qty=D(3)))

    assert (limited.cost, limited.fees, limited.worst) == (D(297), D("1.50"), D("298.50"))
    assert (free.cost, free.worst) == (D(300), None)
