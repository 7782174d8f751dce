"""A ticket that a kernel or a command drafts belongs to the person whom the Jupyter server knows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider

from jupyter_autocoder.desk import Desk
from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.server.base import owner_of
from jupyter_autocoder.server.trading import Desks
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store


class HubProvider(IdentityProvider):
    """Knows its persons by name, as JupyterHub's does."""


def seen_by(provider: type[IdentityProvider], name: str) -> str:
    """Whom a request's handler takes for the owner, when somebody called `name` is signed in."""
    handler: Any = SimpleNamespace(identity_provider=provider(), current_user=SimpleNamespace(username=name))
    return owner_of(handler)


@pytest.mark.parametrize("provider", [IdentityProvider, PasswordIdentityProvider])
def test_jupyters_own_sign_in_means_the_account_for_kernel_and_server(
    store: Store, monkeypatch: pytest.MonkeyPatch, provider: type[IdentityProvider]
) -> None:
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    # Neither of the two believes a variable that anybody can set.
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")

    owner = Desk(store, settings=Settings()).owner

    assert owner == seen_by(provider, "anonymous-7f3a")
    assert owner != "somebody-else"


def test_on_a_hub_both_take_the_hubs_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada@example.org")

    assert Desk(store, settings=Settings()).owner == seen_by(HubProvider, "ada@example.org")


def test_another_provider_names_the_owner_in_the_settings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    settings = Settings(trade=TradeSettings(owner="ada-of-ldap"))

    assert Desk(store, settings=settings).owner == seen_by(HubProvider, "ada-of-ldap")


def test_the_server_shows_its_person_what_the_kernel_drafted_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    with_store = Store(str(tmp_path / "shared.db"))
    drafted = Desk(with_store, settings=Settings(), session="kernel-1").take("buy 10 AAPL at 145").entry
    assert drafted is not None
    desks = Desks(Settings(), with_store)

    card = desks.card(seen_by(HubProvider, "ada"), drafted.id)

    assert card["state"] == "pending"
    with pytest.raises(TradeRefused):
        desks.card(seen_by(HubProvider, "eve"), drafted.id)
    with_store.close()
