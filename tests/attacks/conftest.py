"""The fake host and the kernels that the attack suite shares."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str) -> ModuleType:
    """Load a file of this folder once: tests are no package, and benchmarks use it too."""
    key = f"attack_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, Path(__file__).parent / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


suite = _load("suite")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test every attack that its module's `LAYER` has to stop; without one, every attack there is."""
    if "attack" in metafunc.fixturenames:
        layer = getattr(metafunc.module, "LAYER", None)
        chosen = [attack for attack in suite.attacks() if layer is None or layer in attack.layers]
        metafunc.parametrize("attack", chosen, ids=lambda attack: attack.id)


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    """A fake host of this module's own."""
    host = suite.Host()
    yield host
    host.close()


@pytest.fixture(scope="module")
def plain(host: Any) -> Iterator[Any]:
    """A kernel without confinement, at home in the fake host."""
    kernel = suite.Plain(host)
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def do() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Run a coroutine on a loop that lives as long as the module."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(timeout=120)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def confined(do: Callable[[Coroutine[Any, Any, Any]], Any]) -> Iterator[Any]:
    """Sandboxes without the policy: one for all attacks, one with small limits for those that use things up."""
    sandboxes = suite.Confined(do)
    yield sandboxes
    sandboxes.close()


@pytest.fixture
def attacks_of() -> Callable[[], dict[str, list[Any]]]:
    """All attacks by family."""

    def by_family() -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for attack in suite.attacks():
            found.setdefault(attack.family, []).append(attack)
        return found

    return by_family


@pytest.fixture
def of_run() -> Callable[[Any], Any]:
    """A function from a sandbox's run to the trace that the fake host judges."""
    return suite.of_run  # type: ignore[no-any-return]
