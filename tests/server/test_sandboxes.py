"""Sandboxes of conversations: how many live at a time, and that each is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxDied
from jupyter_autocoder.events import Run
from jupyter_autocoder.server.sandboxes import Sandboxes


class SlowBox:
    """Takes a moment for everything, and writes down when it lived."""

    def __init__(self, made: list[SlowBox]) -> None:
        self.state = "new"
        self.ran: list[str] = []
        self.gone = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        made.append(self)

    async def __aenter__(self) -> SlowBox:
        await asyncio.sleep(0.02)
        self.state = "open"
        return self

    async def run(self, source: str, *, on_output: Any) -> Run:
        assert self.state == "open"
        await asyncio.sleep(0.02)
        await self.go.wait()
        assert self.state == "open"
        self.ran.append(source)
        return Run(ok=True)

    async def close(self) -> None:
        self.state = "closing"
        await asyncio.sleep(0.02)
        self.state = "closed"
        self.gone.set()


def ignore(_: dict[str, Any]) -> None:
    pass


class Row:
    """Slow boxes, and how many of them lived at most."""

    def __init__(self, *, most: int, idle: float = 60.0) -> None:
        self.made: list[SlowBox] = []
        self.peak = 0
        self.boxes = Sandboxes(self._make, most=most, idle=idle)

    def living(self) -> int:
        return sum(box.state != "closed" for box in self.made)

    def _make(self) -> SlowBox:
        box = SlowBox(self.made)
        self.peak = max(self.peak, self.living())
        return box

    async def run(self, conversation: str, source: str = "1") -> Run:
        return await asyncio.wait_for(self.boxes.run(conversation, source, ignore), timeout=10)


@pytest.mark.parametrize("most", [1, 2])
def test_conversations_that_start_at_once_hold_no_more_sandboxes_than_allowed(most: int) -> None:
    async def scenario() -> Row:
        row = Row(most=most)
        runs = await asyncio.gather(*(row.run(name) for name in "abcde"))
        assert all(run.ok for run in runs)
        await row.boxes.close()
        return row

    row = asyncio.run(scenario())

    assert (row.peak, row.living(), len(row.made)) == (most, 0, 5)


def test_runs_of_one_conversation_that_start_at_once_share_one_sandbox() -> None:
    async def scenario() -> Row:
        row = Row(most=1)
        await asyncio.gather(*(row.run("a", str(number)) for number in range(4)))
        await row.boxes.close()
        return row

    row = asyncio.run(scenario())

    assert [box.ran for box in row.made] == [["0", "1", "2", "3"]]


def test_a_sandbox_at_work_is_not_closed_for_another_conversation() -> None:
    async def scenario() -> tuple[Row, list[str]]:
        row = Row(most=1)
        await row.run("a")
        first = row.made[0]
        first.go.clear()
        work = asyncio.create_task(row.run("a", "long"))
        other = asyncio.create_task(row.run("b"))
        await asyncio.sleep(0.1)
        seen = [first.state, str(other.done()), str(len(row.made))]
        first.go.set()
        await asyncio.gather(work, other)
        await row.boxes.close()
        return row, seen

    row, seen = asyncio.run(scenario())

    assert seen == ["open", "False", "1"]
    assert [box.ran for box in row.made] == [["1", "long"], ["1"]]


def test_a_wait_for_room_that_is_cancelled_lets_the_next_one_in() -> None:
    async def scenario() -> Row:
        row = Row(most=1)
        await row.run("a")
        row.made[0].go.clear()
        work = asyncio.create_task(row.run("a"))
        waiting = asyncio.create_task(row.run("b"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        row.made[0].go.set()
        await work
        await row.run("c")
        await row.boxes.close()
        return row

    row = asyncio.run(scenario())

    assert (len(row.made), row.living()) == (2, 0)


def test_a_sandbox_that_opens_while_all_are_closed_is_closed_too() -> None:
    async def scenario() -> Row:
        row = Row(most=1)
        opening = asyncio.create_task(row.run("a"))
        await asyncio.sleep(0.01)
        await row.boxes.close()
        with pytest.raises(SandboxDied):
            await opening
        return row

    row = asyncio.run(scenario())

    assert (len(row.made), row.living()) == (1, 0)


def test_an_idle_sandbox_is_closed() -> None:
    async def scenario() -> Row:
        row = Row(most=1, idle=0.0)
        await row.run("a")
        await asyncio.wait_for(row.made[0].gone.wait(), timeout=10)
        await row.boxes.close()
        return row

    assert [box.state for box in asyncio.run(scenario()).made] == ["closed"]
