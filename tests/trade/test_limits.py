"""The gate: each rule in pairs, what it stops and what it lets go."""

from __future__ import annotations

import dataclasses
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SettingLocked
from jupyter_autocoder.settings import Settings, TradeSettings, load
from jupyter_autocoder.trade.case import Capabilities, Case, Limits, Recent, Switch
from jupyter_autocoder.trade.limits import judge
from jupyter_autocoder.trade.market import Account, Asset, Hours, OpenOrder, Position, Quote, Snapshot
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

NOW = 1_000_000.0
BUY, SELL = Side.BUY, Side.SELL
CAN = Capabilities(
    idempotency="permanent",
    fractional_types=frozenset({OrderType.MARKET}),
    notional_types=frozenset({OrderType.MARKET}),
    extended_hours=True,
    short=True,
)


def account(**changes: Any) -> Account:
    known = {"id": "A1", "mode": "paper", "cash": D(100_000), "equity": D(100_000), "buying_power": D(100_000)}
    return Account(**{**known, **changes})


def snapshot(**changes: Any) -> Snapshot:
    quote = Quote(symbol="AAPL", bid=D("149.9"), ask=D("150.1"), last=D(150), time=NOW)
    known: dict[str, Any] = {
        "account": account(),
        "quotes": {"AAPL": quote},
        "assets": {"AAPL": Asset(symbol="AAPL")},
        "hours": Hours(open=True),
    }
    return Snapshot(**{**known, **changes})


def holding(qty: str) -> dict[str, Position]:
    return {"AAPL": Position(symbol="AAPL", qty=D(qty), cost=D(100), last=D(150))}


def leg(side: Side = BUY, qty: str | None = "10", **changes: Any) -> Leg:
    shares = None if qty is None else D(qty)
    price = changes.pop("price", D(150))
    cost = changes.pop("cost", price * shares if shares is not None else changes.get("notional", D(0)))
    return Leg(side=side, symbol=changes.pop("symbol", "AAPL"), qty=shares, price=price, cost=cost, **changes)


def order(side: Side, remaining: str = "5", **changes: Any) -> OpenOrder:
    known = {"client_order_id": "c1", "broker_order_id": "b1", "symbol": "AAPL", "type": OrderType.LIMIT}
    return OpenOrder(**{**known, "side": side, "remaining": D(remaining), **changes})


def recent(**changes: Any) -> Recent:
    known = {"at": NOW - 30, "ticket": "t1", "symbol": "AAPL", "side": BUY, "size": "7", "notional": D(1000)}
    return Recent(**{**known, **changes})


def case(*legs: Leg, limits: dict[str, Any] | None = None, **changes: Any) -> Case:
    known: dict[str, Any] = {
        "legs": legs or (leg(),),
        "snapshot": snapshot(),
        "limits": dataclasses.replace(Limits.from_settings(TradeSettings()), **(limits or {})),
        "capabilities": CAN,
        "mode": "paper",
        "now": NOW,
        "known_symbols": frozenset({"AAPL"}),
    }
    return Case(**{**known, **changes})


def refusals(made: Case) -> set[str]:
    return {remark.rule for remark in judge(made).refusals}


def warnings(made: Case) -> set[str]:
    return {remark.rule for remark in judge(made).warnings}


def test_an_ordinary_order_passes_without_a_word() -> None:
    judged = judge(case())

    assert judged.refusals == ()
    assert judged.warnings == ()


LIMIT = {"type": OrderType.LIMIT}
STOPPED: list[tuple[str, str, Case, Case]] = [
    # rule, why, what is stopped, its nearest neighbour that goes
    ("halted", "nothing passes", case(switch=Switch.HALTED), case(switch=Switch.ACTIVE)),
    ("halted", "not even reducing", case(leg(SELL), switch=Switch.HALTED, snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL), snapshot=snapshot(positions=holding("10")))),
    ("reducing_only", "opening", case(switch=Switch.REDUCING),
     case(leg(SELL), switch=Switch.REDUCING, snapshot=snapshot(positions=holding("10")))),
    ("reducing_only", "a basket with one that opens",
     case(leg(SELL), leg(BUY), switch=Switch.REDUCING, snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, "4"), leg(SELL, "6"), switch=Switch.REDUCING, snapshot=snapshot(positions=holding("10")))),
    ("mode_mismatch", "live money for a paper ticket", case(snapshot=snapshot(account=account(mode="live"))), case()),
    ("account_mismatch", "another account", case(account="A2"), case(account="A1")),
    ("live_not_enabled", "no opt-in",
     case(mode="live", live_refusal="no", snapshot=snapshot(account=account(mode="live"))),
     case(mode="live", snapshot=snapshot(account=account(mode="live")))),
    ("account_blocked", "the broker blocks it", case(snapshot=snapshot(account=account(blocked="frozen"))), case()),
    ("unknown_symbol", "no such asset", case(snapshot=snapshot(assets={})), case()),
    ("not_tradable", "known, not tradable",
     case(snapshot=snapshot(assets={"AAPL": Asset(symbol="AAPL", tradable=False)})), case()),
    ("no_quote", "a market order without a price", case(snapshot=snapshot(quotes={})),
     case(leg(limit_price=D(150), **LIMIT), snapshot=snapshot(quotes={}))),
    ("no_quote", "a price from a minute ago", case(now=NOW + 60), case(now=NOW + 14)),
    ("quantity", "nothing", case(leg(qty="0")), case(leg(qty="1"))),
    ("quantity", "less than nothing", case(leg(qty="-5")), case()),
    ("quantity", "not a number", case(leg(qty="NaN", cost=D(1))), case()),
    ("precision", "ten decimals", case(leg(qty="1.0000000001")), case(leg(qty="1.000000001"))),
    ("precision", "tenths of a cent", case(leg(limit_price=D("150.001"), **LIMIT)),
     case(leg(limit_price=D("150.01"), **LIMIT))),
    ("precision", "dollars with three decimals", case(leg(qty=None, notional=D("5.001"))),
     case(leg(qty=None, notional=D("5.01")))),
    ("unsupported", "a type the broker has not",
     case(leg(type=OrderType.TRAILING_STOP, trail_percent=D(5)),
          capabilities=dataclasses.replace(CAN, types=frozenset({OrderType.MARKET}))),
     case(leg(type=OrderType.TRAILING_STOP, trail_percent=D(5)))),
    ("unsupported", "a time in force it has not",
     case(leg(tif=TimeInForce.OPG), capabilities=dataclasses.replace(CAN, times=frozenset({TimeInForce.DAY}))),
     case(leg(tif=TimeInForce.OPG))),
    ("unsupported", "dollars with a limit", case(leg(qty=None, notional=D(500), limit_price=D(150), **LIMIT)),
     case(leg(qty=None, notional=D(500)))),
    ("extended_hours_limit", "a market order at night", case(leg(extended_hours=True)),
     case(leg(extended_hours=True, limit_price=D(150), **LIMIT))),
    ("fraction", "a fraction until cancelled", case(leg(qty="1.5", tif=TimeInForce.GTC)), case(leg(qty="1.5"))),
    ("fraction", "a symbol without fractions",
     case(leg(qty="1.5"), snapshot=snapshot(assets={"AAPL": Asset(symbol="AAPL", fractionable=False)})),
     case(leg(qty="2"), snapshot=snapshot(assets={"AAPL": Asset(symbol="AAPL", fractionable=False)}))),
    ("price_band", "buying 10 % above the ask", case(leg(limit_price=D("165.20"), **LIMIT)),
     case(leg(limit_price=D("165.10"), **LIMIT))),
    ("price_band", "selling 10 % below the bid",
     case(leg(SELL, limit_price=D("134.90"), **LIMIT), snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, limit_price=D("134.92"), **LIMIT), snapshot=snapshot(positions=holding("10")))),
    ("max_order_notional", "too much at once", case(leg(qty="167")), case(leg(qty="166"))),
    ("max_daily_notional", "too much in a day", case(recent=(recent(notional=D("98500.01")),)),
     case(recent=(recent(notional=D("98500")),))),
    ("max_daily_notional", "yesterday does not count", case(recent=(recent(notional=D(99_999), at=NOW - 86_399),)),
     case(recent=(recent(notional=D(99_999), at=NOW - 86_400),))),
    ("max_daily_orders", "too many in a day", case(recent=tuple(recent(at=NOW - 3600) for _ in range(200))),
     case(recent=tuple(recent(at=NOW - 3600, notional=D(1)) for _ in range(199)))),
    ("max_daily_loss", "enough lost for today", case(snapshot=snapshot(account=account(day_loss=D(2000)))),
     case(snapshot=snapshot(account=account(day_loss=D("1999.99"))))),
    ("max_daily_loss", "a limit of nothing", case(limits={"max_daily_loss": D(0)},
                                                  snapshot=snapshot(account=account(day_loss=D("0.01")))),
     case(limits={"max_daily_loss": D(0)})),
    ("rate", "too fast", case(recent=tuple(recent(notional=D(1)) for _ in range(30))),
     case(recent=tuple(recent(notional=D(1)) for _ in range(29)))),
    ("buying_power", "more than there is", case(snapshot=snapshot(account=account(buying_power=D("1559.99")))),
     case(snapshot=snapshot(account=account(buying_power=D(1560))))),
    ("oversell", "more than is held", case(leg(SELL, "11"), snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, "10"), snapshot=snapshot(positions=holding("10")))),
    ("oversell", "nothing is held", case(leg(SELL)), case(leg(SELL), snapshot=snapshot(positions=holding("10")))),
    ("oversell", "twice the same shares in one basket",
     case(leg(SELL, "6"), leg(SELL, "6"), snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, "6"), leg(SELL, "4"), snapshot=snapshot(positions=holding("10")))),
    ("short_disabled", "not switched on", case(leg(SELL, intent=Intent.SHORT)),
     case(leg(SELL, intent=Intent.SHORT), limits={"allow_short": True})),
    ("short_over_long", "a short sale of what is held",
     case(leg(SELL, intent=Intent.SHORT), limits={"allow_short": True}, snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, intent=Intent.SHORT), limits={"allow_short": True})),
    ("overcover", "more than the short holding",
     case(leg(BUY, "11", intent=Intent.COVER), snapshot=snapshot(positions=holding("-10"))),
     case(leg(BUY, "10", intent=Intent.COVER), snapshot=snapshot(positions=holding("-10")))),
    ("crosses_zero", "from short to long at once", case(leg(BUY, "11"), snapshot=snapshot(positions=holding("-10"))),
     case(leg(BUY, "10"), snapshot=snapshot(positions=holding("-10")))),
    ("held_shares", "an open order has them",
     case(leg(SELL, "6"), snapshot=snapshot(positions=holding("10"), open_orders=(order(SELL),))),
     case(leg(SELL, "5"), snapshot=snapshot(positions=holding("10"), open_orders=(order(SELL),)))),
    ("wash", "an opposite order waits", case(leg(), snapshot=snapshot(open_orders=(order(SELL, limit_price=D(150)),))),
     case(leg(limit_price=D(149), **LIMIT), snapshot=snapshot(open_orders=(order(SELL, limit_price=D(150)),)))),
    ("wash", "unless the ticket cancels it first",
     case(leg(), snapshot=snapshot(open_orders=(order(SELL),))),
     case(leg(), snapshot=snapshot(open_orders=(order(SELL),)), cancelled=frozenset({"c1"}))),
    ("exits", "profit below the entry",
     case(leg(order_class=OrderClass.BRACKET, take_profit=D(140), stop_loss=D(130))),
     case(leg(order_class=OrderClass.BRACKET, take_profit=D(160), stop_loss=D(130)))),
    ("exits", "an exit pair the wrong way round",
     case(leg(SELL, order_class=OrderClass.OCO, take_profit=D(140), stop_loss=D(160), **LIMIT),
          snapshot=snapshot(positions=holding("10"))),
     case(leg(SELL, order_class=OrderClass.OCO, take_profit=D(160), stop_loss=D(140), **LIMIT),
          snapshot=snapshot(positions=holding("10")))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "why", "stopped", "goes"), STOPPED, ids=[f"{row[0]}: {row[1]}" for row in STOPPED])
def test_a_hard_rule_stops_one_case_and_lets_its_neighbour_go(rule: str, why: str, stopped: Case, goes: Case) -> None:
    assert rule in refusals(stopped)
    assert rule not in refusals(goes)


@pytest.mark.parametrize(
    ("leg_", "held"), [(leg(SELL, "400"), "400"), (leg(BUY, "400", intent=Intent.COVER), "-400")], ids=["sell", "cover"]
)
def test_nobody_is_locked_into_a_holding_by_limits_on_size(leg_: Leg, held: str) -> None:
    made = case(leg_, snapshot=snapshot(positions=holding(held), account=account(day_loss=D(9_999))),
                recent=(recent(notional=D(100_000)),))  # fmt: skip

    assert refusals(made) == set()


WARNED: list[tuple[str, Case, Case]] = [
    ("far_from_market", case(leg(limit_price=D("145.40"), **LIMIT)), case(leg(limit_price=D("145.50"), **LIMIT))),
    ("big_share", case(leg(qty="67")), case(leg(qty="66"))),
    ("duplicate", case(recent=(recent(size="10"),)), case(recent=(recent(size="9"),))),
    ("duplicate", case(recent=(recent(size="10", at=NOW - 299),)), case(recent=(recent(size="10", at=NOW - 301),))),
    ("market_closed", case(snapshot=snapshot(hours=Hours(open=False))), case()),
    ("hours_unknown", case(snapshot=snapshot(hours=Hours(open=None))), case()),
    ("extended_hours", case(leg(extended_hours=True, limit_price=D(150), **LIMIT)), case()),
    ("fractional", case(leg(qty="1.5")), case(leg(qty="2"))),
    ("first_trade", case(known_symbols=frozenset()), case(known_symbols=frozenset({"AAPL"}))),
    ("model_read", case(read_by="model"), case(read_by="grammar")),
    ("same_text", case(same_text="as before"), case()),
    ("stop_triggers", case(leg(type=OrderType.STOP, stop_price=D(149))),
     case(leg(type=OrderType.STOP, stop_price=D(151)))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "warned", "quiet"), WARNED, ids=[row[0] for row in WARNED])
def test_a_soft_rule_warns_and_does_not_stop(rule: str, warned: Case, quiet: Case) -> None:
    assert rule in warnings(warned)
    assert refusals(warned) == set()
    assert rule not in warnings(quiet)


def test_every_finding_is_collected_at_once_and_names_its_leg() -> None:
    judged = judge(case(leg(qty="0"), leg(SELL, "11"), switch=Switch.HALTED))

    assert {(one.rule, one.leg) for one in judged.refusals} >= {("halted", None), ("quantity", 0), ("oversell", 1)}
    assert {one.key for one in judged.refusals} >= {"halted", "quantity:0", "oversell:1"}


def test_a_closed_market_makes_no_price_too_old() -> None:
    made = case(now=NOW + 60_000, snapshot=snapshot(hours=Hours(open=False)))

    assert refusals(made) == set()


def test_proceeds_of_sales_in_the_same_basket_count() -> None:
    other = {"MSFT": Quote(symbol="MSFT", bid=D(10), ask=D(10), last=D(10), time=NOW)}
    poor = snapshot(
        positions=holding("10"),
        account=account(buying_power=D(0)),
        assets={name: Asset(symbol=name) for name in ("AAPL", "MSFT")},
        quotes={**snapshot().quotes, **other},
    )

    spend = case(leg(SELL, "10"), leg(BUY, "100", symbol="MSFT", price=D(10)), snapshot=poor)
    overspend = case(leg(SELL, "5"), leg(BUY, "100", symbol="MSFT", price=D(10)), snapshot=poor)

    assert "buying_power" not in refusals(spend)
    assert "buying_power" in refusals(overspend)


@pytest.mark.parametrize(
    ("key", "looser", "tighter"),
    [
        ("max_order_notional", 30_000.0, 100.0),
        ("max_daily_orders", 201, 1),
        ("max_daily_loss", 2_001.0, 0.0),
        ("price_band", 11.0, 1.0),
        ("market_ttl", 61.0, 5.0),
        ("price_move", 50.0, 0.1),
    ],
)
def test_a_notebook_can_tighten_a_limit_and_never_loosen_it(key: str, looser: float, tighter: float) -> None:
    settings = Settings()

    with pytest.raises(SettingLocked, match=key):
        settings.replace("a notebook", **{f"trade__{key}": looser})

    assert getattr(settings.replace("a notebook", **{f"trade__{key}": tighter}).trade, key) == tighter


@pytest.mark.parametrize(
    ("key", "value"),
    [("mode", "live"), ("allow_short", True), ("live_accounts", ["X"]), ("live_shared_user", True), ("account", "X"),
     ("broker", "alpaca"), ("approvers", ["eve"]), ("key_file", "/tmp/other"), ("retention_days", 1),
     ("duplicate_window", 0.0)],
)  # fmt: skip
def test_a_notebook_cannot_open_a_door(key: str, value: object) -> None:
    with pytest.raises(SettingLocked):
        Settings().replace("a notebook", **{f"trade__{key}": value})


def test_a_variable_cannot_open_a_door_either(tmp_path: Path) -> None:
    with pytest.raises(SettingLocked, match=r"trade\.mode"):
        load({"AUTOCODER_TRADE_MODE": "live"}, directories=[tmp_path], system=[])
    (tmp_path / "autocoder.toml").write_text('[trade]\nmode = "live"\nmax_order_notional = 1e6\n')

    opened = load({"AUTOCODER_TRADE_MAX_ORDER_NOTIONAL": "5"}, directories=[tmp_path], system=[])

    assert (opened.trade.mode, opened.trade.max_order_notional) == ("live", 5.0)
    assert load({"AUTOCODER_TRADE_MODE": "paper"}, directories=[tmp_path], system=[]).trade.mode == "paper"


def test_a_second_approver_can_be_asked_for_and_not_taken_back() -> None:
    asked = Settings().replace("a notebook", trade__approve_above=100.0)

    with pytest.raises(SettingLocked):
        asked.replace("a notebook", trade__approve_above=None)
    with pytest.raises(SettingLocked):
        asked.replace("a notebook", trade__approve_above=101.0)
