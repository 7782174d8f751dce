"""The names that others measure and build on; removing one breaks somebody."""

from __future__ import annotations

import importlib
import inspect

import pytest

import jupyter_autocoder

NAMES = {
    "jupyter_autocoder": {"__version__", "load_ipython_extension", "unload_ipython_extension"},
    "jupyter_autocoder.policy": {"check", "Policy", "Verdict", "Finding"},
    "jupyter_autocoder.sandbox": {"Sandbox", "SandboxSettings"},
    "jupyter_autocoder.llm": {"GovernedClient", "Governor"},
    "jupyter_autocoder.trade": {"read_command"},
    "jupyter_autocoder.testing": {"FakeOpenAI", "ScriptedModel", "FrozenClock"},
}


@pytest.mark.parametrize(("module", "names"), NAMES.items(), ids=NAMES)
def test_public_names_are_exported(module: str, names: set[str]) -> None:
    imported = importlib.import_module(module)

    assert names <= set(imported.__all__)
    assert all(hasattr(imported, name) for name in names)


def test_the_contracts_signatures_hold() -> None:
    from jupyter_autocoder.events import Finding, Run, Verdict
    from jupyter_autocoder.llm import GovernedClient
    from jupyter_autocoder.policy import check
    from jupyter_autocoder.sandbox import Sandbox
    from jupyter_autocoder.trade import read_command

    assert list(inspect.signature(check).parameters) == ["source", "policy"]
    assert list(inspect.signature(read_command).parameters) == ["text", "account"]
    assert inspect.iscoroutinefunction(Sandbox.run)
    assert inspect.iscoroutinefunction(GovernedClient.complete)
    assert inspect.iscoroutinefunction(GovernedClient.embed)
    assert hasattr(Verdict, "allowed")
    assert set(Finding.__dataclass_fields__) == {"rule", "line", "column", "message", "fix"}
    wanted = {"ok", "stdout", "stderr", "value", "outputs", "error", "duration", "limits_hit", "truncated"}
    assert wanted <= set(Run.__dataclass_fields__)


def test_the_version_is_a_released_or_coming_one() -> None:
    assert jupyter_autocoder.__version__.startswith("0.")
