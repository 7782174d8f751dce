"""Hostile and unlucky clients: broken frames, floods, and readers that never read."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import random
import struct
import time

import pytest
import websocket

from jupyter_autocoder.server import outbox as outbox_module
from jupyter_autocoder.server.outbox import MAX_CHARACTERS, MAX_FRAMES, Outbox
from jupyter_autocoder.server.protocol import Delta


def _closed(tab, *, frames: int = 2000) -> int:
    """Read until the server closes and return its close code."""
    for _ in range(frames):
        opcode, data = tab.connection.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
    raise AssertionError("the socket stayed open")


def _alive(server) -> bool:
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="alive", conversation=conversation, text="still there?")
        return tab.put("done")["text"] == "Hello world"


@pytest.mark.server
def test_binary_frames_close_the_socket(server):
    with server.tab() as tab:
        tab.connection.send_binary(b"\x00\x01")

        assert _closed(tab) == 1003
    assert _alive(server)


@pytest.mark.server
def test_an_oversized_frame_closes_the_socket(server):
    with server.tab() as tab:
        try:
            tab.connection.send(json.dumps({"type": "ask", "text": "x" * 2_000_000}))
            code = _closed(tab)
        except (ConnectionError, websocket.WebSocketException):
            code = 1009

    assert code == 1009
    assert _alive(server)


@pytest.mark.server
def test_a_broken_frame_gets_an_answer_and_many_get_the_door(server):
    with server.tab() as tab:
        tab.connection.send("nonsense")
        refused = tab.until(lambda frame: frame["type"] == "refused")
        for _ in range(30):
            tab.connection.send("nonsense")

        assert refused["problem"]["kind"] == "ProtocolError"
        assert _closed(tab) == 1008
    assert _alive(server)


@pytest.mark.server
def test_random_frames_out_of_order_do_not_hurt_the_server(server):
    chance = random.Random(7)
    conversation = server.begin()
    kinds = ["open", "close", "stop", "ask", "execute"]
    with server.tab() as tab:
        for number in range(300):
            fields = {"conversation": chance.choice([conversation, "unknown", "c" * 64])}
            kind = chance.choice(kinds)
            if kind in ("ask", "execute"):
                fields |= {"id": f"i{number}"}
            if kind == "ask":
                fields |= {"text": chance.choice(["hello", "/help", "/run", "/clear", "/run 1"])}
            if kind == "execute":
                fields |= {"message": chance.choice(["i1", "nowhere"]), "source": "1"}
            tab.send(kind, **fields)
        tab.send("stop", conversation=conversation)
    assert _alive(server)


@pytest.mark.server
def test_ten_thousand_quick_messages_are_answered_or_refused_and_the_server_lives(server):
    conversation = server.begin()
    with server.tab() as tab:
        tab.open(conversation)
        for number in range(10_000):
            tab.send("ask", id=f"q{number}", conversation=conversation, text="hello")
        tab.until(lambda frame: frame["type"] == "put" and frame["message"]["state"] == "done", seconds=60)

    assert _alive(server)


@pytest.mark.server
def test_long_attachments_do_not_hold_up_the_others(server):
    def slow(text: str) -> tuple[str, int]:
        time.sleep(0.5)
        return text, 0

    server.house.services = dataclasses.replace(server.house.services, redact=slow)
    conversation = server.begin()
    attached = [{"kind": "file", "label": f"f{number}", "text": "x" * 100_000, "tokens": 0} for number in range(4)]
    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="read this", attachments=attached)
        waited = []
        for _ in range(4):
            began = time.monotonic()
            server.fetch("GET", "budget")
            waited.append(time.monotonic() - began)
        tab.put("done")

    assert max(waited) < 0.45


def test_too_many_tabs_of_one_person_are_turned_away(server):
    tabs = [server.tab() for _ in range(32)]
    try:
        for tab in tabs:
            assert tab.next()["type"] == "welcome"
        with server.tab() as one_more:
            assert _closed(one_more) == 1013
    finally:
        for tab in tabs:
            tab.close()
    assert _alive(server)


def _flood(outbox: Outbox, *, conversation: str, frames: int, size: int) -> int:
    most = 0
    for seq in range(frames):
        outbox.push(Delta(conversation=conversation, seq=seq, message="m", text="x" * size))
        most = max(most, outbox.size)
    return most


def _blocked() -> tuple[asyncio.Event, list[str], list[str]]:
    return asyncio.Event(), [], []


@pytest.mark.parametrize(("frames", "size"), [(20 * MAX_FRAMES, 10), (400, 100_000)])
def test_a_reader_that_never_reads_holds_a_bounded_queue(frames, size):
    async def flood() -> int:
        gate, _, _ = _blocked()

        async def send(text: str) -> None:
            await gate.wait()

        async def resync(conversation: str) -> None:
            raise AssertionError("nothing left, so nothing to catch up with")

        outbox = Outbox(send, resync=resync, hang_up=lambda: None)
        await asyncio.sleep(0)
        most = _flood(outbox, conversation="c", frames=frames, size=size)
        outbox.close()
        return most

    assert asyncio.run(flood()) <= MAX_CHARACTERS


def test_a_slow_reader_gets_a_snapshot_in_place_of_what_was_dropped():
    async def flood() -> tuple[list[str], list[str]]:
        gate, sent, synced = _blocked()
        done = asyncio.Event()

        async def send(text: str) -> None:
            await gate.wait()
            sent.append(text)
            if text == "snapshot":
                done.set()

        async def resync(conversation: str) -> None:
            outbox.fresh(conversation)
            synced.append(conversation)
            outbox.push_text(conversation, "snapshot")

        outbox = Outbox(send, resync=resync, hang_up=lambda: None)
        await asyncio.sleep(0)
        _flood(outbox, conversation="c", frames=MAX_FRAMES + 50, size=10)
        gate.set()
        await asyncio.wait_for(done.wait(), 5)
        outbox.close()
        return sent, synced

    sent, synced = asyncio.run(flood())

    assert synced == ["c"]
    assert sent[-1] == "snapshot"
    assert len(sent) < MAX_FRAMES


def test_a_reader_that_takes_nothing_for_too_long_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(outbox_module, "PATIENCE", 0.05)

    async def wait() -> bool:
        hung_up = asyncio.Event()

        async def send(text: str) -> None:
            await asyncio.Event().wait()

        async def resync(conversation: str) -> None:
            return None

        outbox = Outbox(send, resync=resync, hang_up=hung_up.set)
        outbox.push_text("c", "hello")
        await asyncio.wait_for(hung_up.wait(), 5)
        outbox.close()
        return hung_up.is_set()

    assert asyncio.run(wait())
