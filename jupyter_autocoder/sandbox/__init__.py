"""Where generated code runs: a confined kernel, a gate in front of what it says, and values by data formats only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_autocoder.sandbox.executor import Sandbox
    from jupyter_autocoder.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings"]

# A kernel's start imports this package for its provisioner alone: nbclient would make every kernel start slow.
_HOMES = {
    "Sandbox": "jupyter_autocoder.sandbox.executor",
    "SandboxSettings": "jupyter_autocoder.settings",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
