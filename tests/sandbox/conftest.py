"""Sandboxes for tests: one that harmless tests of a module share, and fresh ones for those that break things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.events import Run
from jupyter_autocoder.sandbox import Sandbox, SandboxSettings


class Box:
    """A Sandbox driven from ordinary test functions; its own thread keeps it alive between the loops."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.sandbox = Sandbox(settings)

    def run(self, source: str, **options: Any) -> Run:
        return asyncio.run(self.sandbox.run(source, **options))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **options: asyncio.run(getattr(self.sandbox, name)(*args, **options))


def _open(settings: SandboxSettings) -> Iterator[Box]:
    box = Box(settings)
    try:
        box.start()
    except SandboxUnavailable as error:
        pytest.skip(f"no sandbox here: {error}")
    yield box
    box.close()


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """Shared by the tests of a module: they must leave it usable."""
    yield from _open(SandboxSettings(wall_time=30))


@pytest.fixture
def fresh_box() -> Iterator[Box]:
    """For a test that kills, floods or times out."""
    yield from _open(SandboxSettings(wall_time=3, output=1, messages=200, scratch=64, file_size=64))
