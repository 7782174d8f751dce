"""What an administrator has locked cannot be gone round by a call."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from jupyter_autocoder.errors import SettingLocked
from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.testing import fault

FILE = "/etc/jupyter/autocoder.toml"


def lock(here: Any, *keys: str, **values: Any) -> None:
    settings = here.settings.replace("test", **values)
    here.settings = dataclasses.replace(settings, locked=dict.fromkeys(keys, FILE))


def test_other_model_than_the_locked_one_is_refused_by_the_files_name(world: Any) -> None:
    here = world("never")
    lock(here, "model.name")

    with pytest.raises(SettingLocked) as caught:
        here.complete(model="gpt-6-sol")
    with pytest.raises(SettingLocked):
        here.stream(model="gpt-6-sol")

    assert caught.value.source == FILE
    assert here.server.requests == []


@pytest.mark.parametrize("model", [None, "gpt-4o", "gpt-4-turbo"])
def test_locked_model_and_its_fallbacks_may_be_asked(world: Any, model: str | None) -> None:
    here = world("Hello")
    lock(here, "model.name")

    assert here.complete(model=model).text == "Hello"


def test_locked_output_limit_may_be_lowered_and_not_raised(world: Any) -> None:
    here = world("Hello")
    lock(here, "model.max_output_tokens")

    here.complete(max_output_tokens=10)
    with pytest.raises(SettingLocked):
        here.complete(max_output_tokens=5000)

    assert len(here.server.requests) == 1


def test_locked_embedding_model_is_kept(world: Any) -> None:
    here = world()
    lock(here, "model.embedding")

    async def main() -> None:
        async with here.client() as client:
            await client.embed("one")
            with pytest.raises(SettingLocked):
                await client.embed("two", model="text-embedding-3-large")

    asyncio.run(main())


def test_azure_endpoint_does_not_go_round_a_locked_address() -> None:
    settings = Settings().replace(
        "test", model__azure_endpoint="https://mine.openai.azure.com", model__azure_api_version="2024-10-21"
    )
    settings = dataclasses.replace(settings, locked={"model.base_url": FILE})

    with pytest.raises(SettingLocked, match="azure_endpoint"):
        GovernedClient(settings)


def test_environments_address_does_not_go_round_one_that_is_locked_to_the_providers_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locked = dataclasses.replace(Settings(), locked={"model.base_url": FILE})
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")

    with pytest.raises(SettingLocked, match="OPENAI_BASE_URL") as caught:
        GovernedClient(locked)

    assert caught.value.source == FILE


def test_local_model_is_not_asked_through_a_proxy(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    here = world("Hello", local=True)

    assert here.complete().text == "Hello"


def test_server_that_says_zero_seconds_for_ever_gets_no_storm(world: Any) -> None:
    here = world(lambda body: fault("rate_limit", retry_after=0), model__fallback=False, model__deadline=60.0)

    with pytest.raises(Exception, match="slow down"):
        here.complete()

    assert len(here.server.requests) <= 7
