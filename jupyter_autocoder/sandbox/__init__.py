"""Where generated code runs: a confined kernel, a gate in front of what it says, and values by data formats only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jupyter_autocoder.sandbox.imports import deferred_grammar

if TYPE_CHECKING:
    from jupyter_autocoder.sandbox.executor import Sandbox
    from jupyter_autocoder.sandbox.files import ScratchFile
    from jupyter_autocoder.sandbox.pool import Pool
    from jupyter_autocoder.sandbox.variables import describe, expect_data
    from jupyter_autocoder.settings import SandboxSettings

__all__ = ["Pool", "Sandbox", "SandboxSettings", "ScratchFile", "describe", "expect_data"]

# A kernel's start imports this package for its provisioner alone: nbclient would make every kernel start slow.
_HOMES = {
    "Pool": "jupyter_autocoder.sandbox.pool",
    "Sandbox": "jupyter_autocoder.sandbox.executor",
    "SandboxSettings": "jupyter_autocoder.settings",
    "ScratchFile": "jupyter_autocoder.sandbox.files",
    "describe": "jupyter_autocoder.sandbox.variables",
    "expect_data": "jupyter_autocoder.sandbox.variables",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        with deferred_grammar():
            return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
