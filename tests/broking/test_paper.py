"""The paper broker: fills at quotes, waiting orders, shorts, sessions, fees, and its prices."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.broking import samples
from jupyter_autocoder.broking.base import Broker, SeenBefore, find
from jupyter_autocoder.broking.conformance import BrokerSuite
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SAMPLES, CsvPrices, SetPrices, sample_prices
from jupyter_autocoder.errors import BrokerError, SettingsError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.market import Hours
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

MakeLeg = Callable[..., Leg]
BUY, SELL = Side.BUY, Side.SELL


class TestConformance(BrokerSuite):
    """On prices set by hand; the suite below runs on the samples too."""


class TestConformanceOnSamples(BrokerSuite):
    @pytest.fixture
    def broker(self, store: Store) -> Broker:
        return PaperBroker(store, sample_prices(), TradeSettings(), account="PAPER-samples")


def test_a_market_order_meets_the_other_side_of_the_quote(broker: PaperBroker, leg: MakeLeg) -> None:
    bought = broker.submit(leg(), client_order_id="c1")
    sold = broker.submit(leg(SELL), client_order_id="c2")

    assert (bought.filled_price, sold.filled_price) == (D("150.05"), D("149.95"))
    assert broker.account().cash == D("99999.00")
    assert broker.account().day_loss == D("1.00")


def test_dollars_become_shares_at_the_price_they_meet(broker: PaperBroker, leg: MakeLeg) -> None:
    report = broker.submit(leg(qty=None, notional=D(500)), client_order_id="c1")

    assert (report.state, report.filled_qty) == (State.FILLED, D("3.332222592"))
    assert broker.account().cash == D("99500.00")


WAITING: list[tuple[str, dict[str, Any], list[str], list[State]]] = [
    ("limit buy", {"side": BUY, "type": OrderType.LIMIT, "limit_price": D(149)}, ["149.5", "149"],
     [State.ACCEPTED, State.FILLED]),
    ("limit sell", {"side": SELL, "type": OrderType.LIMIT, "limit_price": D(151)}, ["150.9", "151"],
     [State.ACCEPTED, State.FILLED]),
    ("stop sell", {"side": SELL, "type": OrderType.STOP, "stop_price": D(149)}, ["149.1", "148.9"],
     [State.ACCEPTED, State.FILLED]),
    ("stop buy", {"side": BUY, "type": OrderType.STOP, "stop_price": D(151)}, ["150.9", "151.2"],
     [State.ACCEPTED, State.FILLED]),
    # The price jumps over the limit: triggered, and waiting for the limit to come back.
    ("stop-limit sell", {"side": SELL, "type": OrderType.STOP_LIMIT, "stop_price": D(149), "limit_price": D(148)},
     ["147", "148"], [State.ACCEPTED, State.FILLED]),
    # 5 % below the highest price seen, not below the first.
    ("trailing sell", {"side": SELL, "type": OrderType.TRAILING_STOP, "trail_percent": D(5)},
     ["160", "153", "151.9"], [State.ACCEPTED, State.ACCEPTED, State.FILLED]),
    ("trailing buy", {"side": BUY, "type": OrderType.TRAILING_STOP, "trail_price": D(2)},
     ["140", "141.9", "142"], [State.ACCEPTED, State.ACCEPTED, State.FILLED]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "terms", "path", "states"), WAITING, ids=[row[0] for row in WAITING])
def test_a_waiting_order_fills_when_the_price_gets_there(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg, name: str, terms: dict[str, Any], path: list[str],
    states: list[State],
) -> None:  # fmt: skip
    broker.submit(leg(qty="20"), client_order_id="seed")
    broker.submit(leg(**terms), client_order_id="c1")

    seen = []
    for price in path:
        prices.set("AAPL", price)
        report = broker.lookup("c1")
        assert report is not None
        seen.append(report.state)

    assert seen == states
    assert report.filled_price == D(path[-1])


@pytest.mark.parametrize(("tif", "size", "state", "filled"), [
    (TimeInForce.IOC, "4", State.CANCELLED, "4"), (TimeInForce.FOK, "4", State.CANCELLED, "0"),
    (TimeInForce.IOC, "10", State.FILLED, "10"), (TimeInForce.FOK, "10", State.FILLED, "10"),
])  # fmt: skip
def test_immediate_orders_do_not_wait(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg, tif: TimeInForce, size: str, state: State, filled: str
) -> None:
    prices.set("AAPL", "150", size=size)

    report = broker.submit(leg(tif=tif), client_order_id="c1")

    assert (report.state, report.filled_qty) == (state, D(filled))


def test_a_bracket_sleeps_until_its_entry_fills_and_then_one_exit_ends_the_other(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg
) -> None:
    bracket = leg(
        type=OrderType.LIMIT, limit_price=D(149), order_class=OrderClass.BRACKET, take_profit=D(160), stop_loss=D(140)
    )
    broker.submit(bracket, client_order_id="c1")
    asleep = [one.client_order_id for one in broker.open_orders()]
    prices.set("AAPL", "149")
    awake = [(one.type, one.exit) for one in broker.open_orders()]
    prices.set("AAPL", "139")
    broker.lookup("c1")

    assert asleep == ["c1"]
    assert awake == [(OrderType.LIMIT, True), (OrderType.STOP, True)]
    assert list(broker.open_orders()) == []
    assert list(broker.positions()) == []
    assert [one.price for one in broker.executions(since=0)] == [D(149), D(139)]


def test_an_exit_pair_on_a_holding_reports_as_one_order(broker: PaperBroker, prices: SetPrices, leg: MakeLeg) -> None:
    broker.submit(leg(), client_order_id="seed")
    pair = leg(SELL, type=OrderType.LIMIT, order_class=OrderClass.OCO, take_profit=D(160), stop_loss=D(140))
    first = broker.submit(pair, client_order_id="c1")
    prices.set("AAPL", "161")

    end = broker.lookup("c1")

    assert end is not None
    assert (first.state, end.state, end.filled_price) == (State.ACCEPTED, State.FILLED, D(161))
    assert list(broker.positions()) == []


def test_cancelling_a_pair_cancels_both_exits(broker: PaperBroker, leg: MakeLeg) -> None:
    broker.submit(leg(), client_order_id="seed")
    pair = leg(SELL, type=OrderType.LIMIT, order_class=OrderClass.OCO, take_profit=D(160), stop_loss=D(140))
    broker.submit(pair, client_order_id="c1")

    broker.cancel("c1")

    assert list(broker.open_orders()) == []


def test_shares_that_an_open_order_holds_are_not_sold_twice(broker: PaperBroker, leg: MakeLeg) -> None:
    broker.submit(leg(), client_order_id="seed")
    broker.submit(leg(SELL, "6", type=OrderType.LIMIT, limit_price=D(160)), client_order_id="c1")

    with pytest.raises(BrokerError, match="insufficient qty"):
        broker.submit(leg(SELL, "5"), client_order_id="c2")

    assert broker.submit(leg(SELL, "4"), client_order_id="c3").state is State.FILLED


def test_a_short_sale_locks_money_up_and_covering_realises_the_gain(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg
) -> None:
    broker.submit(leg(SELL, intent=Intent.SHORT), client_order_id="c1")
    short = broker.account()
    held = broker.positions()[0].qty
    prices.set("AAPL", "140")
    broker.submit(leg(BUY, intent=Intent.COVER), client_order_id="c2")
    after = broker.account()

    assert held == D(-10)
    assert short.cash == D("101499.50")
    assert short.buying_power == D("99249.50"), "150 % of the short value is locked"
    assert (after.cash, after.equity, after.day_gain) == (D("100099.50"), D("100099.50"), D("99.5"))


def test_too_much_of_a_short_sale_and_too_much_of_a_cover_are_refused(broker: PaperBroker, leg: MakeLeg) -> None:
    with pytest.raises(BrokerError, match="buying power"):
        broker.submit(leg(SELL, "2000", intent=Intent.SHORT), client_order_id="c1")
    with pytest.raises(BrokerError, match="cover"):
        broker.submit(leg(BUY, intent=Intent.COVER), client_order_id="c2")


def test_waiting_purchases_hold_their_money_back(broker: PaperBroker, leg: MakeLeg) -> None:
    broker.submit(leg(qty="600", type=OrderType.LIMIT, limit_price=D(149)), client_order_id="c1")

    with pytest.raises(BrokerError, match="buying power"):
        broker.submit(leg(qty="100"), client_order_id="c2")

    assert broker.account().buying_power == D("10600.00")


def test_commissions_are_taken_once_per_order(store: Store, prices: SetPrices, leg: MakeLeg) -> None:
    settings = TradeSettings(commission=1.0, commission_per_share=0.01)
    broker = PaperBroker(store, prices, settings, account="A")

    report = broker.submit(leg(), client_order_id="c1")

    assert (broker.fees(leg()), report.fees) == (D("1.10"), D("1.10"))
    assert broker.account().cash == D("98498.40")


def test_a_day_order_ends_with_the_session_and_one_until_cancelled_stays(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg, clock: Any
) -> None:
    prices.state = Hours(open=True, next_close=clock() + 3600)
    limit = leg(type=OrderType.LIMIT, limit_price=D(140))
    broker.submit(limit, client_order_id="day")
    broker.submit(dataclasses.replace(limit, tif=TimeInForce.GTC), client_order_id="gtc")
    clock.sleep(3600)
    prices.set("AAPL", "139")

    states = {name: broker.lookup(name).state for name in ("day", "gtc")}  # type: ignore[union-attr]

    assert states == {"day": State.EXPIRED, "gtc": State.FILLED}


@pytest.mark.parametrize(("hours", "extended", "state"), [
    (Hours(open=False), False, State.ACCEPTED), (Hours(open=False), True, State.ACCEPTED),
    (Hours(open=False, extended=True), True, State.FILLED), (Hours(open=False, extended=True), False, State.ACCEPTED),
])  # fmt: skip
def test_orders_wait_for_their_session(
    broker: PaperBroker, prices: SetPrices, leg: MakeLeg, hours: Hours, extended: bool, state: State
) -> None:
    prices.state = hours
    order = leg(type=OrderType.LIMIT, limit_price=D(151), extended_hours=extended)

    assert broker.submit(order, client_order_id="c1").state is state


def test_one_account_does_not_see_anothers(store: Store, prices: SetPrices, leg: MakeLeg) -> None:
    ada = PaperBroker(store, prices, TradeSettings(), account="PAPER-ada")
    eve = PaperBroker(store, prices, TradeSettings(), account="PAPER-eve")
    ada.submit(leg(), client_order_id="c1")

    assert eve.lookup("c1") is None
    assert list(eve.positions()) == []
    with pytest.raises(BrokerError):
        eve.cancel("c1")
    with pytest.raises(SeenBefore):
        eve.submit(leg(), client_order_id="c1")


def test_looking_changes_nothing(broker: PaperBroker, store: Store, leg: MakeLeg) -> None:
    broker.submit(leg(), client_order_id="c1")
    with store.read() as tx:
        before = tx.rows("SELECT * FROM paper_accounts")

    for _ in range(3):
        broker.account(), broker.positions(), broker.open_orders(), broker.lookup("c1")

    with store.read() as tx:
        assert tx.rows("SELECT * FROM paper_accounts") == before


# -- prices ------------------------------------------------------------------------------------------------------------
def test_the_samples_are_what_their_script_makes() -> None:
    assert SAMPLES.read_text() == "\n".join(samples.lines()) + "\n"


def test_the_samples_say_what_they_are_and_are_open_at_any_hour() -> None:
    made = sample_prices()

    quote = made.quote("AAPL", 1_700_000_000.0)

    assert quote is not None
    assert "made-up sample prices" in quote.source
    assert quote.sample_time.startswith("2026-01-05T")
    assert all(made.hours(1_700_000_000.0 + hour * 3600).open for hour in range(48))


FILE = """time,symbol,bid,ask,last
2026-01-05T09:30,AAPL,99,101,100
2026-01-05T09:31,AAPL,109,111,110
2026-01-06T09:30,AAPL,119,121,120
"""


def test_a_file_is_replayed_round_and_round_without_its_nights(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(FILE)
    made = CsvPrices(path)

    seen = [made.quote("AAPL", float(second)).last for second in (0, 59, 60, 120, 180, 240)]  # type: ignore[union-attr]
    passed = [(quote.time, quote.last) for quote in made.path("AAPL", 30.0, 190.0)]

    assert seen == [D(100), D(100), D(110), D(120), D(100), D(110)]
    assert passed == [(60.0, D(110)), (120.0, D(120)), (180.0, D(100)), (190.0, D(100))]
    assert made.hours(30.0).next_close == 120.0
    assert made.hours(130.0).next_close == 180.0


def test_a_limit_that_was_touched_between_two_looks_has_filled(
    store: Store, tmp_path: Path, clock: Any, leg: MakeLeg
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(FILE)
    clock.now = 1_800_000_000.0  # a multiple of the round of 180 s
    broker = PaperBroker(store, CsvPrices(path), TradeSettings(), account="A")
    broker.submit(leg(qty="1"), client_order_id="seed")
    broker.submit(leg(SELL, "1", type=OrderType.LIMIT, limit_price=D(115), tif=TimeInForce.GTC), client_order_id="c1")
    clock.sleep(180)

    report = broker.lookup("c1")

    assert report is not None
    assert (report.state, report.filled_price) == (State.FILLED, D(119))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no prices"),
        ("time,symbol\n2026-01-05,AAPL\n", "line 2"),
        ("time,symbol,last\nyesterday,AAPL,1\n", "line 2"),
        ("time,symbol,last\n2026-01-05,AAPL,-1\n", "no sensible prices"),
        ("time,symbol,last\n2026-01-05,AAPL,nan\n", "no sensible prices"),
        ("time,symbol,bid,ask\n2026-01-05,AAPL,2,1\n", "no sensible prices"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        CsvPrices(path)

    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        CsvPrices(tmp_path / "none.csv")


def test_the_settings_choose_the_file_and_an_unknown_broker_is_named(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("time,symbol,close\n2026-01-05,XYZ,7\n")
    made = find(TradeSettings(prices=str(path)), store, "ada")

    assert made.account().id == "PAPER-ada"
    assert made.quote("XYZ").last == D(7)  # type: ignore[union-attr]
    assert made.quote("AAPL") is None
    with pytest.raises(SettingsError, match="nosuch"):
        find(TradeSettings(broker="nosuch"), store, "ada")
