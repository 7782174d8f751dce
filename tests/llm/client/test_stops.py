"""Stopping from this side: whatever was reserved is settled, and the server sees the connection end at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.events import Progress, TextDelta
from jupyter_autocoder.llm import SyncClient
from jupyter_autocoder.testing import FOREVER, Reply, fault

ENDLESS = Reply(text="one two three four", chunk=4, hang=3)


def soon(condition: Callable[[], Any], *, seconds: float = 3.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def check_settled(here: Any, *, output: bool) -> None:
    assert soon(lambda: here.server.disconnects == 1)
    (row,) = here.ledger()
    assert (row["outcome"], row["estimated"], row["failed"]) == ("stopped", 1, 1)
    assert row["input_tokens"] > 0
    assert (row["output_tokens"] > 0) == output
    assert here.open_reservations() == 0


def test_leaving_the_loop_closes_the_providers_stream(world: Any) -> None:
    here = world(ENDLESS)

    async def main() -> None:
        async with here.client() as client, contextlib.aclosing(client.stream("Hi")) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break

    asyncio.run(main())

    check_settled(here, output=True)


def test_cancelled_task_closes_the_providers_stream_at_once(world: Any) -> None:
    here = world(ENDLESS)

    async def main() -> float:
        async with here.client() as client:
            seen = asyncio.Event()

            async def read() -> None:
                async for event in client.stream("Hi"):
                    if isinstance(event, TextDelta):
                        seen.set()

            task = asyncio.create_task(read())
            await seen.wait()
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - began

    took = asyncio.run(main())

    assert took < 1.0
    check_settled(here, output=True)


def test_cancelled_whole_answer_is_settled(world: Any) -> None:
    here = world(Reply(text="late", stall=FOREVER))

    async def main() -> None:
        async with here.client() as client:
            task = asyncio.create_task(client.complete("Hi"))
            await asyncio.to_thread(soon, lambda: here.server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    check_settled(here, output=False)


def test_stream_left_without_closing_ends_at_the_provider_while_the_client_lives_on(world: Any) -> None:
    here = world(lambda body: ENDLESS if body["messages"][0]["content"] == "endless" else "Hello")

    async def main() -> tuple[bool, str]:
        async with here.client() as client:
            async for event in client.stream("endless"):
                if isinstance(event, TextDelta):
                    break
            gone = await asyncio.to_thread(soon, lambda: here.server.disconnects == 1)
            return gone, (await client.complete("Hi")).text

    assert asyncio.run(main()) == (True, "Hello")
    assert [row["outcome"] for row in here.ledger()] == ["stopped", "stop"]


def test_keyboard_interrupt_in_the_loop_settles(world: Any) -> None:
    here = world(ENDLESS)

    async def main() -> None:
        async with here.client() as client:
            async for event in client.stream("Hi"):
                if isinstance(event, TextDelta):
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())

    check_settled(here, output=True)


def test_sync_stream_that_is_left_stops_the_request(world: Any) -> None:
    here = world(ENDLESS)

    with SyncClient(here.settings, store=here.store) as client:
        for event in client.stream("Hi"):
            if isinstance(event, TextDelta):
                break

    check_settled(here, output=True)


def test_cancelled_wait_leaves_nothing_reserved(world: Any) -> None:
    here = world(lambda body: fault("rate_limit", retry_after=20))

    async def main() -> None:
        async with here.client(sleep=asyncio.sleep, timer=time.monotonic) as client:
            waiting = asyncio.Event()

            async def read() -> None:
                async for event in client.stream("Hi"):
                    if isinstance(event, Progress) and event.stage == "waiting":
                        waiting.set()

            task = asyncio.create_task(read())
            await waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    assert [row["outcome"] for row in here.ledger()] == ["rate limit"]
    assert here.open_reservations() == 0


def test_cancelled_while_reserving_leaves_nothing_reserved(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world("never")
    reserving, go_on = threading.Event(), threading.Event()

    async def main() -> None:
        async with here.client() as client:
            governor = client._desk.governor
            reserve = governor.reserve

            def slow(*arguments: Any, **options: Any) -> Any:
                reserving.set()
                go_on.wait(5)
                return reserve(*arguments, **options)

            monkeypatch.setattr(governor, "reserve", slow)
            task = asyncio.create_task(client.complete("Hi"))
            await asyncio.to_thread(reserving.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            go_on.set()

    asyncio.run(main())

    assert here.server.requests == []
    assert here.open_reservations() == 0
    assert all(row["total_tokens"] == 0 for row in here.ledger())


def test_first_text_arrives_while_the_answer_is_still_being_written(world: Any) -> None:
    here = world(ENDLESS)

    async def main() -> float:
        async with here.client() as client, contextlib.aclosing(client.stream("Hi")) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    return time.monotonic()
        return 0.0

    assert asyncio.run(main()) > 0


def test_store_that_fails_at_the_end_does_not_hold_up_a_stop(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(ENDLESS)

    async def main() -> None:
        async with here.client() as client:

            def refuse(*arguments: Any, **options: Any) -> None:
                raise errors.StoreUnavailable("the disk is full")

            monkeypatch.setattr(client._desk.governor, "settle", refuse)
            async with contextlib.aclosing(client.stream("Hi")) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        break

    asyncio.run(main())

    assert soon(lambda: here.server.disconnects == 1)
    assert here.open_reservations() == 1  # its lease expires into a charge


def test_store_that_cannot_be_written_lets_nothing_out(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world("never")

    async def main() -> None:
        async with here.client() as client:

            def refuse(*arguments: Any, **options: Any) -> None:
                raise errors.StoreUnavailable("the disk is full")

            monkeypatch.setattr(client._desk.governor, "reserve", refuse)
            await client.complete("Hi")

    with pytest.raises(errors.StoreUnavailable):
        asyncio.run(main())

    assert here.server.requests == []


def test_mistake_of_our_own_is_not_taken_for_the_networks(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world("Hello")

    def broken(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("jupyter_autocoder.llm.stream.Answer.feed_chunk", broken)

    with pytest.raises(ZeroDivisionError):
        here.stream()

    assert [row["outcome"] for row in here.ledger()] == ["error"]
    assert len(here.server.requests) == 1


def test_unreachable_server_is_named_with_its_address(world: Any) -> None:
    here = world("never", local=True)
    here.server.close()

    with pytest.raises(errors.ServerUnreachable) as caught:
        here.complete()

    assert caught.value.what == "cannot reach 127.0.0.1"
    assert here.server.base_url in caught.value.do
    assert [row["outcome"] for row in here.ledger()] == ["not sent"] * 3


def closed_port(world: Any, **limits: Any) -> Any:
    here = world("never", **limits)
    here.server.close()
    return here


def name_of_nobody(world: Any, **limits: Any) -> Any:
    return world("never", model__base_url="http://nobody.invalid/v1", **limits)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("away", [closed_port, name_of_nobody])
def test_offline_costs_nothing_uses_up_no_limit_and_asks_no_other_model(
    world: Any, away: Callable[..., Any], streamed: bool
) -> None:
    here = away(world, limits__requests_per_minute=1, limits__requests_per_day=1, limits__usd_per_day=0.06)

    for _ in range(3):
        with pytest.raises(errors.ServerUnreachable, match="cannot reach") as caught:
            here.ask(streamed=streamed)

        assert "check the network" in caught.value.do
        assert (caught.value.usage.requests, caught.value.usage.cost) == (0, 0)
    assert here.clock.slept  # it has been tried again before
    assert {(r["outcome"], r["model"], r["total_tokens"], r["cost"], r["estimated"]) for r in here.ledger()} == {
        ("not sent", "gpt-4o", 0, 0, 0)
    }
    assert len(here.ledger()) == 9
    assert here.open_reservations() == 0


@pytest.fixture
def silent_host() -> Iterator[str]:
    """The address of a host that answers no attempt to connect, as behind a firewall: its queue is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def test_host_that_lets_nobody_connect_has_received_nothing(world: Any, silent_host: str) -> None:
    here = world("never", model__base_url=silent_host, model__first_byte_timeout=1.0)

    with pytest.raises(errors.ServerUnreachable, match="cannot reach"):
        here.complete()

    assert [(row["outcome"], row["cost"]) for row in here.ledger()] == [("not sent", 0)] * 3


def test_network_that_is_back_is_used_at_once(world: Any) -> None:
    here = closed_port(world)
    with pytest.raises(errors.ServerUnreachable):
        here.complete()

    back = world("Hello again")

    assert back.complete().model == "gpt-4o"
