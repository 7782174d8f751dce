"""The governed client: completions, streams and embeddings that never pass a limit and never go unaccounted.

Light to import: openai is loaded by the first call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_autocoder.llm.client import GovernedClient
    from jupyter_autocoder.llm.governor import Governor
    from jupyter_autocoder.llm.redaction import redact
    from jupyter_autocoder.llm.request import image
    from jupyter_autocoder.llm.sync import SyncClient

__all__ = ["GovernedClient", "Governor", "SyncClient", "image", "redact"]

_HOMES = {
    "GovernedClient": "client",
    "Governor": "governor",
    "SyncClient": "sync",
    "image": "request",
    "redact": "redaction",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
