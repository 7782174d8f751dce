"""A desk on prices set by hand, and a real kernel to talk to as a browser would."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import Desk
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store

SETUP = """
from jupyter_autocoder.store import Store
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.desk import Desk
from jupyter_autocoder.widgets import show_ticket
desk = Desk(Store({path!r}), settings=Settings(), owner="ada", session="kernel-1")
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(str(tmp_path / "store.db"))
    yield made
    made.close()


@pytest.fixture
def prices() -> SetPrices:
    made = SetPrices()
    made.set("AAPL", "150")
    return made


@pytest.fixture
def desk(store: Store, prices: SetPrices) -> Desk:
    broker = PaperBroker(store, prices, TradeSettings(), account="PAPER-ada")
    return Desk(store, settings=Settings(), broker=broker, owner="ada", session="kernel-1")


class Browser:
    """What a browser's page does with a kernel: runs cells, hears of comms, sends them messages."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.comms: list[str] = []
        self.streams: list[str] = []
        self.heard: list[dict[str, Any]] = []
        self.displays: list[dict[str, Any]] = []

    def run(self, code: str, *, stdin: bool = True, wait: bool = True, subshell: str | None = None) -> str:
        sent = self.client.session.msg("execute_request", {"code": code, "silent": False, "store_history": False,
                                                           "allow_stdin": stdin, "stop_on_error": True})  # fmt: skip
        if subshell is not None:
            sent["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(sent)
        name = str(sent["header"]["msg_id"])
        if wait:
            self.until_idle(name)
        return name

    def message(self, comm: str, data: dict[str, Any], *, subshell: str | None = None) -> str:
        content = {"comm_id": comm, "data": {"method": "custom", "content": data}}
        sent = self.client.session.msg("comm_msg", content)
        if subshell is not None:
            sent["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(sent)
        return str(sent["header"]["msg_id"])

    def ask(
        self, comm: str, data: dict[str, Any], *, subshell: str | None = None, seconds: float = 20
    ) -> dict[str, Any]:
        """Send a card's message and return the answer to it."""
        name = self.message(comm, data, subshell=subshell)
        self.heard.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.listen(0.2)
            for reply in self.heard:
                if reply["parent"] == name:
                    return dict(reply["content"])
        raise AssertionError(f"no answer to {data}")

    def until_idle(self, name: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.listen(0.5)
            if message is None or message["parent_header"].get("msg_id") != name:
                continue
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return
        raise AssertionError("the cell did not end")

    def listen(self, seconds: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = self.client.get_iopub_msg(timeout=seconds)
        except queue.Empty:
            return None
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.comms.append(content["comm_id"])
        elif kind == "comm_msg" and content["data"].get("method") == "custom":
            self.heard.append({"parent": message["parent_header"].get("msg_id"), "content": content["data"]["content"]})
        elif kind == "stream":
            self.streams.append(content["text"])
        elif kind in ("display_data", "update_display_data"):
            self.displays.append(content["data"])
        return message


@pytest.fixture
def browser(house: Path) -> Iterator[Browser]:
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(house))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Browser(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def at_desk(browser: Browser, house: Path) -> Callable[..., Store]:
    """Set a desk up in the kernel; returns the store that it writes, for looking at from outside."""

    def begin() -> Store:
        path = str(house / "store.db")
        browser.run(SETUP.format(path=path))
        return Store(path)

    return begin
