"""The Alpaca adapter against a fake server: what goes over the wire, and every way in which an answer can fail."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.base import Broker, SeenBefore, find
from jupyter_autocoder.broking.conformance import BrokerSuite
from jupyter_autocoder.broking.entries import Claim, Entry
from jupyter_autocoder.broking.sending import Sender
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import BrokerError, SettingsError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg, Ticket

pytest.importorskip("alpaca", reason="the extra alpaca is not installed")

ADA = Who(actor="human", person="ada", session="kernel-1")
LEG = Leg(side=Side.BUY, symbol="AAPL", qty=D(10))


def _fake_module() -> Any:
    path = Path(__file__).parent / "fake_alpaca.py"
    spec = importlib.util.spec_from_file_location("fake_alpaca", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FAKE = _fake_module()


@pytest.fixture
def server() -> Iterator[Any]:
    with FAKE.FakeAlpaca() as server:
        yield server
    assert server.problems == []


@pytest.fixture
def make(server: Any) -> Iterator[Callable[..., Any]]:
    from jupyter_autocoder.broking.alpaca import AlpacaBroker

    made: list[Any] = []

    def one(**changes: Any) -> Any:
        known: dict[str, Any] = {"mode": "paper", "url": server.url, "data_url": server.url, "timeout": 1.0}
        made.append(AlpacaBroker(*FAKE.KEYS, **{**known, **changes}))
        return made[-1]

    yield one
    for broker in made:
        broker.close()


@pytest.fixture
def alpaca(make: Callable[..., Any]) -> Any:
    return make()


class TestConformance(BrokerSuite):
    @pytest.fixture
    def broker(self, alpaca: Any) -> Broker:
        return alpaca


def test_requests_and_answers_fit_the_published_schema(alpaca: Any, server: Any) -> None:
    if server.spec is None:
        pytest.skip("the OpenAPI document is not beside the repository")
    alpaca.submit(LEG, client_order_id="c1")
    alpaca.account(), alpaca.positions(), alpaca.hours(), alpaca.asset("AAPL"), alpaca.open_orders()

    assert server.problems == []
    server.check_body({"symbol": "AAPL", "qty": 10, "type": "market", "time_in_force": "day"})
    assert server.problems.pop(), "a number where the document wants a string would be seen"
    server.problems.clear()


@pytest.mark.parametrize(
    ("leg", "wire"),
    [
        (Leg(side=Side.BUY, symbol="AAPL", qty=D("123456789.123456789")), {"qty": "123456789.123456789"}),
        (Leg(side=Side.BUY, symbol="AAPL", notional=D("500.10")), {"notional": "500.1"}),
        (Leg(side=Side.SELL, symbol="AAPL", qty=D(1), intent=Intent.SHORT), {"position_intent": "sell_to_open"}),
        (Leg(side=Side.BUY, symbol="AAPL", qty=D(1), intent=Intent.COVER), {"position_intent": "buy_to_close"}),
        (Leg(side=Side.BUY, symbol="AAPL", qty=D(1), type=OrderType.LIMIT, limit_price=D("150.10"),
             tif=TimeInForce.GTC, extended_hours=True), {"limit_price": "150.1", "extended_hours": True}),
        (Leg(side=Side.SELL, symbol="AAPL", qty=D(1), type=OrderType.TRAILING_STOP, trail_percent=D(5)),
         {"trail_percent": "5"}),
        (Leg(side=Side.BUY, symbol="AAPL", qty=D(1), order_class=OrderClass.BRACKET, take_profit=D(170),
             stop_loss=D(140), stop_loss_limit=D("139.5")),
         {"order_class": "bracket", "take_profit": {"limit_price": "170"},
          "stop_loss": {"stop_price": "140", "limit_price": "139.5"}}),
        (Leg(side=Side.SELL, symbol="AAPL", qty=D(1), type=OrderType.LIMIT, order_class=OrderClass.OCO,
             take_profit=D(170), stop_loss=D(140)),
         {"order_class": "oco", "take_profit": {"limit_price": "170"}, "stop_loss": {"stop_price": "140"}}),
    ],
)  # fmt: skip
def test_amounts_go_as_strings_and_nothing_goes_that_was_not_said(leg: Leg, wire: dict[str, Any]) -> None:
    from jupyter_autocoder.broking.alpaca import wire as make_wire

    body = make_wire(leg, "c1")

    size = {"notional": "500.1"} if leg.qty is None else {"qty": wire.get("qty", "1")}
    common = {"symbol": "AAPL", "side": leg.side.value, "type": leg.type.value, "client_order_id": "c1"}
    assert body == {**common, "time_in_force": leg.tif.value, **size, **wire}


# name of the fault, what `submit` says, how many orders there are in the end, where the ticket ends
FAULTS = [
    ("before_504", False, 0, State.UNKNOWN),
    ("after_504", False, 1, State.FILLED),
    ("before_429", False, 0, State.UNKNOWN),
    ("after_html", False, 1, State.FILLED),
    ("before_html", False, 0, State.UNKNOWN),
    ("before_403html", False, 0, State.UNKNOWN),  # a proxy's word is no proof
    ("after_empty", False, 1, State.FILLED),
    ("before_disconnect", False, 0, State.UNKNOWN),
    ("after_disconnect", False, 1, State.FILLED),
    ("after_hang", False, 1, State.FILLED),
    ("before_hang", False, 0, State.UNKNOWN),
    ("reject", True, 0, State.REJECTED),
    ("after_422duplicate", True, 1, State.FILLED),
    ("before_422duplicate", True, 0, State.UNKNOWN),
    ("part:4", None, 1, State.PARTIALLY_FILLED),
]


@pytest.fixture
def confirmed(book: TicketBook, ticket: Callable[..., Ticket], claim: Callable[..., Claim]) -> Entry:
    entry = book.propose(ticket(LEG, broker="alpaca", account="PA000123"), ADA)
    book.confirm(claim(entry), lambda *_: Judgement())
    return entry


@pytest.mark.parametrize(("fault", "definite", "orders", "state"), FAULTS, ids=[row[0] for row in FAULTS])
def test_every_fault_ends_in_the_right_state_after_one_post(
    server: Any, make: Callable[..., Any], book: TicketBook, confirmed: Entry, clock: Any,
    fault: str, definite: bool | None, orders: int, state: State,
) -> None:  # fmt: skip
    server.faults, server.hang = [fault], 1.5
    sender = Sender(book, make(timeout=0.4), sleep=clock.sleep)

    after = sender.send(confirmed.id)

    assert after.state is state
    assert len(server.posts) == 1, "one POST, whatever happens"
    assert server.posts[0]["client_order_id"] == f"jac-{confirmed.id}-0"
    assert len(server.orders) == orders


@pytest.mark.parametrize(("fault", "definite"), [(row[0], row[1]) for row in FAULTS if row[1] is not None])
def test_a_failure_says_whether_it_is_proven(server: Any, alpaca: Any, fault: str, definite: bool) -> None:
    server.faults, server.hang = [fault], 1.5

    with pytest.raises(BrokerError) as caught:
        alpaca.submit(LEG, client_order_id="c1")

    assert caught.value.definite is definite
    assert isinstance(caught.value, SeenBefore) is ("duplicate" in fault)
    assert FAKE.KEYS[1] not in str(caught.value)


def test_a_partial_fill_is_followed_to_its_end(
    server: Any, alpaca: Any, book: TicketBook, confirmed: Entry, clock: Any
) -> None:
    server.faults = ["part:4"]
    sender = Sender(book, alpaca, sleep=clock.sleep)

    first = sender.send(confirmed.id)
    end = sender.refresh(confirmed.id)

    assert (first.state, first.legs[0].filled_qty) == (State.PARTIALLY_FILLED, D(4))
    assert (end.state, end.legs[0].filled_qty, end.legs[0].filled_price) == (State.FILLED, D(10), D(150))


def test_a_look_up_is_repeated_and_its_failure_proves_nothing(
    server: Any, alpaca: Any, book: TicketBook, confirmed: Entry, clock: Any
) -> None:
    server.faults, server.get_faults = ["after_504"], ["before_504"]
    sender = Sender(book, alpaca, sleep=clock.sleep)

    after = sender.send(confirmed.id)

    assert after.state is State.FILLED
    assert [path.partition("?")[0] for method, path in server.requests if method == "GET"] == [
        "/v2/orders:by_client_order_id"
    ] * 2


def test_a_silent_server_is_left_after_the_time_limit(server: Any, make: Callable[..., Any]) -> None:
    server.get_faults, server.hang = ["before_hang"] * 4, 1.0
    quick = make(timeout=0.2)
    begin = time.monotonic()

    with pytest.raises(BrokerError) as caught:
        quick.account()

    assert time.monotonic() - begin < 3
    assert not caught.value.definite


def test_a_wrong_key_is_a_proven_refusal_and_is_not_repeated_in_it(server: Any, make: Callable[..., Any]) -> None:
    server_keys, FAKE.KEYS = FAKE.KEYS, ("PKTEST", "wrong-secret")
    try:
        broker = make()
    finally:
        FAKE.KEYS = server_keys

    with pytest.raises(BrokerError, match="unauthorized") as caught:
        broker.submit(LEG, client_order_id="c1")

    assert caught.value.definite
    assert "wrong-secret" not in str(caught.value) + repr(broker)


def test_a_fall_of_the_equity_counts_as_the_days_loss(server: Any, alpaca: Any) -> None:
    server.cash = D("98500.50")

    assert alpaca.account().day_loss == D("1499.50")


def test_the_pinned_private_names_are_there(alpaca: Any) -> None:
    client = type(alpaca._client).__mro__[1]("k", "s")
    try:
        assert type(client).__name__ == "TradingClient"
        assert callable(client._one_request)
        assert (client._retry, client._retry_wait) == (3, 3)
        assert client._session.trust_env
    finally:
        client._session.close()


def test_live_keys_come_from_a_private_file_only(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", "PK1")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "s1")
    keys = tmp_path / "keys.toml"
    keys.write_text('key_id = "AK"\nsecret = "s"\n')
    keys.chmod(0o644)

    with pytest.raises(SettingsError, match="no keys"):
        find(TradeSettings(mode="live", broker="alpaca"), store, "ada")
    with pytest.raises(SettingsError, match="read by others"):
        find(TradeSettings(mode="live", broker="alpaca", key_file=str(keys)), store, "ada")
    keys.chmod(0o600)
    live = find(TradeSettings(mode="live", broker="alpaca", key_file=str(keys)), store, "ada")
    paper = find(TradeSettings(mode="LIVE", broker="alpaca"), store, "ada")

    assert (live.mode, paper.mode) == ("live", "paper"), "only the exact word"
    live.close()
    paper.close()
