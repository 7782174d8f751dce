"""Whom we talk to: a registry of providers, and the one for OpenAI, Azure OpenAI and everything compatible.

Other packages add providers under the entry point group ``jupyter_autocoder.providers``; the name there is what
``[model] provider`` selects. A provider is a class that is made from `ModelSettings` and has the members of `Provider`.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Protocol
from urllib.parse import urlsplit

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.llm.keys import AZURE_VARIABLE, VARIABLE, Key, find_key, no_key
from jupyter_autocoder.llm.redaction import redact
from jupyter_autocoder.settings import ModelSettings

GROUP = "jupyter_autocoder.providers"
OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0


class Provider(Protocol):
    """What the governed client needs of a provider."""

    @property
    def name(self) -> str:
        """The name in the registry."""

    @property
    def base_url(self) -> str:
        """Where requests go, for messages and for the question whether it is local."""

    @property
    def local(self) -> bool:
        """Whether the model runs on this machine: no price, no request limits and no fallback unless set."""

    @property
    def dated(self) -> bool:
        """Whether the shutdown dates of the price table hold here."""

    @property
    def key(self) -> Key | None:
        """The key that will be used, for its fingerprint and for redaction."""

    def connect(self, *, timeout: float) -> Any:
        """Make an `openai.AsyncOpenAI`, or what behaves like one, with its own retries off; raises NoKey."""


class OpenAIProvider:
    """OpenAI, Azure OpenAI when `azure_endpoint` is set, and any base URL that speaks the same protocol."""

    name = "OPENAI"

    def __init__(self, settings: ModelSettings, *, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.azure = bool(settings.azure_endpoint)
        self.api_version = settings.azure_api_version or environ.get("OPENAI_API_VERSION", "")
        self.base_url = settings.azure_endpoint or settings.base_url or environ.get("OPENAI_BASE_URL", "") or OPENAI_URL
        _check_url(self.base_url)
        self.local = is_loopback(self.base_url)
        # Others run models of the same names for as long as they like.
        self.dated = not self.azure and is_openai(self.base_url)
        self._variable = AZURE_VARIABLE if self.azure else VARIABLE
        self._settings = settings
        # A keyring may ask the person to unlock it: not for a model that needs no key.
        keyring = (lambda service, name: None) if self.local else None
        self.key = find_key(key_file=settings.key_file, variable=self._variable, environ=environ, keyring=keyring)
        if self.azure and not self.api_version:
            raise SettingsError(
                "Azure OpenAI needs an API version",
                source="settings",
                key="model.azure_api_version",
                why="model.azure_endpoint is set and model.azure_api_version is not",
                do='set [model] azure_api_version, for example "2024-10-21"',
            )

    def connect(self, *, timeout: float) -> Any:
        """Make the SDK's client; openai is imported here, which takes a second."""
        if self.key is None and not self.local:
            raise no_key(self._variable)
        import openai

        # A local server needs no key, but the SDK refuses to be made without one.
        secret = self.key.secret if self.key else "local"
        # What stays on this machine must not be sent to a proxy that the environment names for the internet.
        direct = openai.DefaultAsyncHttpxClient(trust_env=False) if self.local else None
        # Shorter than what is granted to an answer, so that a host that drops packets is known to have received none.
        waits = openai.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout / 2))
        common: dict[str, Any] = {"api_key": secret, "max_retries": 0, "timeout": waits, "http_client": direct}
        if self.azure:
            return openai.AsyncAzureOpenAI(azure_endpoint=self.base_url, api_version=self.api_version, **common)
        return openai.AsyncOpenAI(base_url=self.base_url, **common)

    def __repr__(self) -> str:
        return f"OpenAIProvider({redact(self.base_url)!r}, {self.key})"


OPENAI = OpenAIProvider


def provider(settings: ModelSettings) -> Provider:
    """Make the provider that the settings name; raises SettingsError with the names there are."""
    if settings.provider == OpenAIProvider.name:
        return OpenAIProvider(settings)
    points = metadata.entry_points(group=GROUP)
    if settings.provider not in points.names:
        names = ", ".join(sorted({*points.names, OpenAIProvider.name}))
        what = f"there is no provider {settings.provider!r}"
        raise SettingsError(what, source="settings", key="model.provider", do=f"choose one of: {names}")
    made: Provider = points[settings.provider].load()(settings)
    return made


def is_openai(url: str) -> bool:
    """Whether an address is OpenAI's own: ``api.openai.com``, or that of a region (``eu.api.openai.com``)."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def is_loopback(url: str) -> bool:
    """Whether an address can only mean this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or bool(mapped and mapped.is_loopback)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        what = f"{redact(url)!r} is no base URL"
        do = "write it like https://api.example.com/v1"
        raise SettingsError(what, source="settings", key="model.base_url", do=do)
