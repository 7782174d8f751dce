"""Live trading: every opt-in, in the server only, and closed otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Claim, Desk, Outcome
from jupyter_autocoder.errors import ExitCode, TradeRefused
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.market import Account
from jupyter_autocoder.trade.states import State


class LiveBroker(PaperBroker):
    """Play money that calls itself live: no test touches the real thing."""

    name = "alpaca"
    mode = "live"

    def account(self) -> Account:
        return dataclasses.replace(super().account(), mode="live", id="LIVE-1")


@pytest.fixture
def live(store: Store, prices: SetPrices) -> LiveBroker:
    return LiveBroker(store, prices, TradeSettings(), account="LIVE-1")


OPTED = {
    "mode": "live", "broker": "alpaca", "account": "LIVE-1", "live_accounts": ("LIVE-1",), "live_shared_user": True,
}  # fmt: skip


def test_live_works_in_the_server_with_every_opt_in(
    make: Callable[..., Desk], live: LiveBroker, claim: Callable[..., Claim]
) -> None:
    desk = make(using=live, desk={"place": "server"}, **OPTED)

    drafted = desk.take("buy 10 AAPL")
    done = desk.confirm(claim(desk, drafted))

    assert drafted.data["mode"] == "live"
    assert "REAL MONEY" in drafted.data["banner"]
    assert drafted.data["type_symbol"] == "AAPL"
    assert done.entry is not None
    assert done.entry.state is State.FILLED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"live_accounts": ()}, "live_not_enabled"),
        ({"live_accounts": ("LIVE-2",)}, "live_not_enabled"),
        ({"account": ""}, "live_not_enabled"),
        ({"account": "LIVE-2", "live_accounts": ("LIVE-2",)}, "account_mismatch"),
        ({"live_shared_user": False}, "live_not_enabled"),
        ({"mode": "Live"}, "mode_mismatch"),
        ({"mode": "live "}, "mode_mismatch"),
        ({"mode": "paper"}, "mode_mismatch"),
    ],
    ids=str,
)
def test_live_fails_closed(make: Callable[..., Desk], live: LiveBroker, change: dict[str, Any], reason: str) -> None:
    desk = make(using=live, desk={"place": "server"}, **{**OPTED, **change})

    with pytest.raises(TradeRefused) as caught:
        desk.take("buy 10 AAPL")

    assert reason in caught.value.reasons


def test_live_settings_with_a_paper_broker_are_an_error(make: Callable[..., Desk]) -> None:
    with pytest.raises(TradeRefused, match="settings say live"):
        make(desk={"place": "server"}, **OPTED).take("buy 10 AAPL")


def test_a_kernel_only_drafts_live_orders_and_the_server_completes_them(
    make: Callable[..., Desk], live: LiveBroker, store: Store, claim: Callable[..., Claim]
) -> None:
    kernel = make(using=live, **OPTED)
    server = make(using=live, session="browser-1", desk={"place": "server"}, **OPTED)

    draft = kernel.take("buy 10 AAPL")
    assert draft.entry is not None
    nonce = kernel.control(draft.entry.id, kernel.me)
    with pytest.raises(TradeRefused, match="Jupyter server only"):
        kernel.confirm(Claim(ticket=draft.entry.id, hash=draft.entry.hash, nonce=nonce, who=kernel.me))
    ready = server.prepare(draft.entry.id)
    done = server.confirm(claim(server, Outcome(kind="ticket", text="", entry=ready)))

    assert draft.entry.state is State.DRAFT
    assert draft.exit_code is ExitCode.TICKET_WAITS
    assert (ready.state, ready.id) == (State.PENDING, draft.entry.id)
    assert done.entry is not None
    assert done.entry.state is State.FILLED


def test_the_id_of_a_kernels_draft_opens_it_in_the_server_for_a_click(
    make: Callable[..., Desk], live: LiveBroker, claim: Callable[..., Claim]
) -> None:
    kernel = make(using=live, **OPTED)
    server = make(using=live, session="browser-1", desk={"place": "server"}, **OPTED)
    eve = make(using=live, owner="eve", desk={"place": "server"}, **OPTED)
    draft = kernel.take("buy 10 AAPL").entry
    assert draft is not None

    still_drafted = kernel.take(draft.id)
    opened = server.take(f"ticket {draft.id}")
    done = server.confirm(claim(server, opened))

    assert still_drafted.entry is not None
    assert still_drafted.entry.state is State.DRAFT
    assert opened.entry is not None
    assert (opened.entry.id, opened.entry.state) == (draft.id, State.PENDING)
    assert done.entry is not None
    assert done.entry.state is State.FILLED
    with pytest.raises(TradeRefused, match="somebody else"):
        eve.take(draft.id)


def test_a_draft_that_the_gate_refuses_is_blocked(make: Callable[..., Desk], live: LiveBroker) -> None:
    kernel, server = make(using=live, **OPTED), make(using=live, desk={"place": "server"}, **OPTED)
    draft = kernel.take("buy 99999 AAPL")

    with pytest.raises(TradeRefused):
        server.prepare(draft.entry.id)  # type: ignore[union-attr]

    assert server.book.get(draft.entry.id).state is State.BLOCKED  # type: ignore[union-attr]


def test_a_kernel_does_not_need_the_brokers_keys(store: Store) -> None:
    kernel = Desk(store, settings=Settings(trade=TradeSettings(**OPTED)), owner="ada")  # type: ignore[arg-type]

    draft = kernel.take("buy 10 AAPL")
    kernel.recover()

    assert draft.entry is not None
    assert draft.entry.state is State.DRAFT
