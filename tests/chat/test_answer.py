"""One answer: gathered in pieces, in order, and its stream closed however it ends."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_autocoder.chat import answer
from jupyter_autocoder.errors import StreamIncomplete
from jupyter_autocoder.events import Completion, Progress, TextDelta


class Client:
    def __init__(self, *script) -> None:
        self.script = script
        self.closed = False

    async def stream(self, messages, *, model=None):
        try:
            for item in self.script:
                if isinstance(item, (int, float)):
                    await asyncio.sleep(item)
                elif isinstance(item, Exception):
                    raise item
                else:
                    yield TextDelta(item) if isinstance(item, str) else item
        finally:
            self.closed = True


def ask(client, emit):
    return asyncio.run(answer(client, [{"role": "user", "content": "x"}], emit=emit))


def test_quick_pieces_come_together_and_none_is_lost():
    got: list[str] = []
    client = Client(*"abcdefghij", Completion(text="abcdefghij", model="m"))

    done = ask(client, lambda event: got.append(event.text))

    assert "".join(got) == "abcdefghij"
    assert len(got) < 10
    assert done.text == "abcdefghij"


def test_a_piece_is_shown_although_no_other_follows_it():
    got: list[str] = []
    seen: list[list[str]] = []

    async def watch() -> None:
        client = Client("first", 0.3, Completion(text="first", model="m"))
        task = asyncio.create_task(answer(client, [], emit=lambda event: got.append(event.text)))
        await asyncio.sleep(0.15)
        seen.append(list(got))
        await task

    asyncio.run(watch())

    assert seen == [["first"]]


def test_text_and_progress_keep_their_order():
    got: list[object] = []
    wait = Progress(stage="waiting", text="limit", seconds=1.0)

    ask(Client("a", wait, "b", Completion(text="ab", model="m")), got.append)

    assert got == [TextDelta("a"), wait, TextDelta("b")]


def test_cancelling_closes_the_stream_and_keeps_what_had_come():
    got: list[str] = []
    client = Client("partial", 30)

    async def stop() -> None:
        task = asyncio.create_task(answer(client, [], emit=lambda event: got.append(event.text)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stop())
    assert (got, client.closed) == (["partial"], True)


def test_an_error_of_the_client_comes_through_after_the_text_before_it():
    got: list[str] = []

    with pytest.raises(ValueError, match="broken"):
        ask(Client("half", ValueError("broken")), lambda event: got.append(event.text))
    assert got == ["half"]


def test_a_stream_without_an_end_is_incomplete():
    with pytest.raises(StreamIncomplete):
        ask(Client("half"), lambda event: None)
