"""The suite that every adapter passes: subclass `BrokerSuite` in a test module and give it a broker.

::

    class TestMine(BrokerSuite):
        @pytest.fixture
        def broker(self): ...      # a fresh account with cash, at a place where nothing real can happen
        @pytest.fixture
        def symbol(self): ...      # something with a price that fills at market at once (default AAPL)

The account must hold nothing at first, have room for one share, and the market must be open.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from jupyter_autocoder.broking.base import Broker, Report, SeenBefore
from jupyter_autocoder.broking.sending import differences
from jupyter_autocoder.errors import BrokerError
from jupyter_autocoder.trade.states import FINAL, State
from jupyter_autocoder.trade.terms import OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

__all__ = ["BrokerSuite"]
_IDEMPOTENCY = re.compile(r"permanent|none|window:[1-9][0-9]*")
_numbers = itertools.count(1)


def _new_id() -> str:
    return f"jac-suite{time.time_ns():x}-{next(_numbers)}"


def _until(ask: Callable[[], Report | None], wanted: Callable[[Report], bool], *, seconds: float = 10.0) -> Report:
    end, pause = time.monotonic() + seconds, 0.02
    while True:
        report = ask()
        if report is not None and wanted(report):
            return report
        assert time.monotonic() < end, f"waited {seconds} s, the last report was {report}"
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


class BrokerSuite:
    """What the desk relies on; each test is one promise of the port."""

    @pytest.fixture
    def symbol(self) -> str:
        return "AAPL"

    @pytest.fixture
    def one_share(self, symbol: str) -> Leg:
        return Leg(side=Side.BUY, symbol=symbol, qty=Decimal(1), type=OrderType.MARKET)

    @pytest.fixture
    def resting(self, broker: Broker, symbol: str) -> Leg:
        """A purchase far below the market: it is accepted and waits."""
        quote = broker.quote(symbol)
        assert quote is not None
        price = (quote.bid * Decimal("0.95")).quantize(Decimal("0.01"))
        return Leg(
            side=Side.BUY, symbol=symbol, qty=Decimal(1), type=OrderType.LIMIT, limit_price=price, tif=TimeInForce.GTC
        )

    def test_it_says_what_it_is(self, broker: Broker) -> None:
        can = broker.capabilities()

        assert broker.name
        assert broker.mode in ("paper", "live")
        assert _IDEMPOTENCY.fullmatch(can.idempotency)
        assert OrderType.MARKET in can.types
        assert TimeInForce.DAY in can.times

    def test_the_account_is_told_in_decimals_under_one_id(self, broker: Broker) -> None:
        first, second = broker.account(), broker.account()

        assert first.id
        assert first.id == second.id
        assert first.mode == broker.mode
        for amount in (first.cash, first.equity, first.buying_power, first.day_loss):
            assert isinstance(amount, Decimal)
            assert amount.is_finite()

    def test_a_quote_is_fresh_and_sensible(self, broker: Broker, symbol: str) -> None:
        quote = broker.quote(symbol)

        assert quote is not None
        assert quote.symbol == symbol
        assert 0 < quote.bid <= quote.ask

    def test_an_unknown_symbol_has_no_price(self, broker: Broker) -> None:
        assert broker.quote("NOSUCHSYM") is None

    def test_an_asset_is_told_by_its_symbol(self, broker: Broker, symbol: str) -> None:
        asset = broker.asset(symbol)

        assert asset is not None
        assert asset.symbol == symbol
        assert asset.tradable

    def test_a_fresh_account_holds_nothing(self, broker: Broker) -> None:
        assert list(broker.positions()) == []
        assert list(broker.open_orders()) == []

    def test_a_market_order_fills_and_is_held(self, broker: Broker, one_share: Leg) -> None:
        name = _new_id()

        report = broker.submit(one_share, client_order_id=name)
        end = _until(lambda: broker.lookup(name), lambda one: one.state in FINAL)

        assert report.client_order_id == end.client_order_id == name
        assert report.broker_order_id == end.broker_order_id != ""
        assert (end.state, end.filled_qty) == (State.FILLED, Decimal(1))
        assert end.filled_price is not None
        assert [(one.symbol, one.qty) for one in broker.positions()] == [(one_share.symbol, Decimal(1))]

    def test_the_terms_of_an_order_come_back_as_they_were_sent(self, broker: Broker, resting: Leg) -> None:
        name = _new_id()

        sent = broker.submit(resting, client_order_id=name)
        found = broker.lookup(name)

        assert found is not None
        for report in (sent, found):
            assert report.economics, "without terms the desk cannot tell a foreign order from its own"
            assert differences(resting, report) == ""
            assert differences(dataclasses.replace(resting, qty=Decimal(2)), report) != ""

    def test_a_resting_order_is_open_until_it_is_cancelled(self, broker: Broker, resting: Leg) -> None:
        name = _new_id()
        broker.submit(resting, client_order_id=name)
        before = [(one.client_order_id, one.side, one.remaining) for one in broker.open_orders()]

        broker.cancel(name)
        end = _until(lambda: broker.lookup(name), lambda one: one.state in FINAL)

        assert before == [(name, Side.BUY, Decimal(1))]
        assert end.state is State.CANCELLED
        assert list(broker.open_orders()) == []

    def test_a_second_order_under_the_same_id_is_refused_as_seen_before(self, broker: Broker, resting: Leg) -> None:
        if broker.capabilities().idempotency == "none":
            pytest.skip("this broker promises nothing about ids")
        name = _new_id()
        broker.submit(resting, client_order_id=name)

        with pytest.raises(SeenBefore):
            broker.submit(resting, client_order_id=name)

        assert len(broker.open_orders()) == 1

    def test_an_id_stays_used_after_the_order_has_ended(self, broker: Broker, resting: Leg) -> None:
        if broker.capabilities().idempotency != "permanent":
            pytest.skip("this broker does not promise it")
        name = _new_id()
        broker.submit(resting, client_order_id=name)
        broker.cancel(name)
        _until(lambda: broker.lookup(name), lambda one: one.state in FINAL)

        with pytest.raises(SeenBefore):
            broker.submit(resting, client_order_id=name)

    def test_an_unknown_id_is_looked_up_to_nothing(self, broker: Broker) -> None:
        assert broker.lookup(_new_id()) is None

    def test_cancelling_what_is_not_there_is_a_proven_refusal(self, broker: Broker) -> None:
        with pytest.raises(BrokerError) as caught:
            broker.cancel(_new_id())

        assert caught.value.definite

    def test_cancelling_what_has_filled_is_a_proven_refusal(self, broker: Broker, one_share: Leg) -> None:
        name = _new_id()
        broker.submit(one_share, client_order_id=name)
        _until(lambda: broker.lookup(name), lambda one: one.state in FINAL)

        with pytest.raises(BrokerError) as caught:
            broker.cancel(name)

        assert caught.value.definite

    def test_an_order_beyond_the_account_is_a_proven_refusal(self, broker: Broker, resting: Leg) -> None:
        huge = dataclasses.replace(resting, qty=Decimal(10) ** 9)

        with pytest.raises(BrokerError) as caught:
            broker.submit(huge, client_order_id=_new_id())

        assert caught.value.definite
        assert not isinstance(caught.value, SeenBefore)
        assert list(broker.open_orders()) == []

    def test_selling_what_is_not_held_is_a_proven_refusal(self, broker: Broker, one_share: Leg) -> None:
        with pytest.raises(BrokerError) as caught:
            broker.submit(dataclasses.replace(one_share, side=Side.SELL), client_order_id=_new_id())

        assert caught.value.definite

    def test_hours_are_told(self, broker: Broker) -> None:
        hours = broker.hours()

        assert hours.open in (True, False, None)

    def test_closing_does_not_raise(self, broker: Broker) -> None:
        broker.close()
