"""Sandboxed kernels for tests: started, asked and ended synchronously, with nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.sandbox.manager import SandboxManager, new_manager
from jupyter_autocoder.settings import SandboxSettings

TIMEOUT = 60.0


@dataclass(frozen=True)
class Answer:
    """What a cell said: its printed text and last value together, and the error's name and message."""

    text: str
    error: str = ""
    message: str = ""


class Kernel:
    """A sandboxed kernel on an event loop of its own."""

    def __init__(self, manager: SandboxManager) -> None:
        self.manager = manager
        self.loop = asyncio.new_event_loop()
        self.client: Any = None

    def start(self) -> Kernel:
        self.wait(self.manager.start_kernel())
        self.connect()
        return self

    def connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.wait(self.client.wait_for_ready(timeout=TIMEOUT))

    def run(self, code: str, timeout: float = TIMEOUT) -> Answer:
        return self.wait(self.ask(code, timeout))

    async def ask(self, code: str, limit: float = TIMEOUT) -> Answer:
        texts: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            texts.append(content.get("text", "") + content.get("data", {}).get("text/plain", ""))

        reply = await self.client.execute_interactive(code, output_hook=hook, timeout=limit, allow_stdin=False)
        content = reply["content"]
        return Answer("".join(texts).strip(), content.get("ename", ""), content.get("evalue", ""))

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        if self.client is not None:
            self.client.stop_channels()
        if self.manager.has_kernel:
            self.wait(self.manager.shutdown_kernel(now=True))
        self.manager.context.destroy(linger=0)
        self.wait(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Kernel]]:
    """A function that starts a sandboxed kernel with some settings; they all end with the test."""
    kernels: list[Kernel] = []

    def begin(*, profile: Any = "exact", prepare: Callable[[Any], None] | None = None, **settings: Any) -> Kernel:
        manager = new_manager(SandboxSettings(**settings), profile=profile)
        if prepare is not None:
            prepare(manager.provisioner)
        kernels.append(Kernel(manager))
        return kernels[-1].start()

    yield begin
    for kernel in kernels:
        kernel.close()


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """One `exact` kernel for all harmless questions of a test file."""
    shared = Kernel(new_manager(SandboxSettings())).start()
    yield shared
    shared.close()


@pytest.fixture(scope="session", autouse=True)
def _private_runtime_folder() -> Iterator[Path]:
    """Sandboxes of this test process get their folders where it can count them."""
    base = Path("/tmp") / f"act-{os.getpid()}"
    base.mkdir(mode=0o700)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(base)
    yield base
    left = [name for name in os.listdir(base) if name != "dconf"]  # a browser beside us leaves that one
    shutil.rmtree(base)
    if before is None:
        del os.environ["XDG_RUNTIME_DIR"]
    else:
        os.environ["XDG_RUNTIME_DIR"] = before
    assert not left, f"folders were left: {left}"


@pytest.fixture
def runtime(_private_runtime_folder: Path) -> Path:
    """The folder below which each sandbox has its own."""
    return _private_runtime_folder
