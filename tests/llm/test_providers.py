"""The registry of providers, and what counts as this machine."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_autocoder.errors import NoKey, SettingsError
from jupyter_autocoder.llm import providers
from jupyter_autocoder.llm.providers import OPENAI, OpenAIProvider, is_loopback, provider
from jupyter_autocoder.settings import ModelSettings


@pytest.mark.parametrize(
    "url",
    ["http://localhost:11434/v1", "http://LOCALHOST/v1", "http://127.0.0.1:8000", "http://127.9.9.9/", "http://[::1]:1/v1",
     "https://localhost./v1", "http://model.localhost/v1", "http://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_loopback_address_is_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    ["https://api.openai.com/v1", "http://localhost.example.org/", "http://127.0.0.1.example.org", "http://10.0.0.1/v1",
     "http://0.0.0.0/", "http://me@example.org/localhost", "http://localhost@example.org/", "http://[2001:db8::1]/", "",
     "http://128.0.0.1", "http://notlocalhost/"],
)  # fmt: skip
def test_any_other_address_is_not(url: str) -> None:
    assert not is_loopback(url)


def test_openai_is_registered_by_its_name() -> None:
    assert OPENAI is OpenAIProvider
    assert isinstance(provider(ModelSettings()), OpenAIProvider)


def test_keyring_is_asked_only_where_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("jupyter_autocoder.llm.keys._keyring", lambda service, name: asked.append(name))

    OpenAIProvider(ModelSettings(base_url="http://localhost:1/v1"), environ={})
    assert asked == []
    OpenAIProvider(ModelSettings(), environ={})
    assert asked == ["OPENAI_API_KEY"]


def test_unknown_provider_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="OPENAI"):
        provider(ModelSettings(provider="NOBODY"))


def test_providers_of_other_packages_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def __init__(self, settings: ModelSettings) -> None:
            self.settings = settings

    class Points(dict[str, Any]):
        names = frozenset({"OTHER"})

    class Point:
        def load(self) -> type[Other]:
            return Other

    monkeypatch.setattr(providers.metadata, "entry_points", lambda group: Points(OTHER=Point()))

    assert isinstance(provider(ModelSettings(provider="OTHER")), Other)


@pytest.mark.parametrize(
    ("settings", "environ", "url", "local"),
    [
        ({}, {}, "https://api.openai.com/v1", False),
        ({}, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "http://127.0.0.1:1/v1", True),
        ({"base_url": "https://a.example/v1"}, {"OPENAI_BASE_URL": "http://localhost"}, "https://a.example/v1", False),
    ],
)
def test_base_url_is_the_settings_then_the_environments_then_openais(
    settings: dict[str, str], environ: dict[str, str], url: str, local: bool
) -> None:
    made = OpenAIProvider(ModelSettings(**settings), environ=environ)

    assert (made.base_url, made.local) == (url, local)


@pytest.mark.parametrize("url", ["api.openai.com", "ftp://x.org", "https://", "http://x.org:99999", "http://[::1"])
def test_address_that_is_none_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="base URL"):
        OpenAIProvider(ModelSettings(base_url=url), environ={})


def test_azure_needs_a_version_and_is_not_bound_to_openais_dates() -> None:
    azure = {"azure_endpoint": "https://mine.openai.azure.com"}

    with pytest.raises(SettingsError) as caught:
        OpenAIProvider(ModelSettings(**azure), environ={})
    made = OpenAIProvider(
        ModelSettings(**azure, azure_api_version="2024-10-21"), environ={"AZURE_OPENAI_API_KEY": "sk-azure-key"}
    )

    assert caught.value.key == "model.azure_api_version"
    assert not made.dated
    assert type(made.connect(timeout=1.0)).__name__ == "AsyncAzureOpenAI"


@pytest.mark.parametrize(
    ("url", "dated"),
    [
        ("", True),
        ("https://api.openai.com/v1", True),
        ("https://API.openai.com./v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://openrouter.ai/api/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://notapi.openai.com/v1", False),
        ("http://10.0.0.1:8000/v1", False),
        ("http://localhost:11434/v1", False),
    ],
)
def test_shutdown_dates_hold_at_openais_own_addresses_only(url: str, dated: bool) -> None:
    assert OpenAIProvider(ModelSettings(base_url=url), environ={}).dated is dated


def test_sdk_is_made_with_its_own_retries_off() -> None:
    sdk = OpenAIProvider(ModelSettings(), environ={"OPENAI_API_KEY": "sk-test-key"}).connect(timeout=7.0)

    assert sdk.max_retries == 0
    assert (sdk.timeout.read, sdk.timeout.connect) == (7.0, 3.5)


def test_no_key_is_an_error_only_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.llm.keys._keyring", lambda service, name: None)

    OpenAIProvider(ModelSettings(base_url="http://localhost:1/v1"), environ={}).connect(timeout=1.0)
    with pytest.raises(NoKey):
        OpenAIProvider(ModelSettings(), environ={}).connect(timeout=1.0)
