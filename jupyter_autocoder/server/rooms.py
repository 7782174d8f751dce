"""One room per open conversation: who follows it, what is being written in it, and the order of its frames.

All of this lives on the server's loop. A message that changes is `live` and held here; what stands still is in the
store. The lock keeps the store's writes and the snapshots in one order, so a snapshot never misses a frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.chat import Message, Problem, encode, problem_of
from jupyter_autocoder.errors import AutocoderError, ConversationMissing
from jupyter_autocoder.server import protocol
from jupyter_autocoder.server.outbox import Outbox
from jupyter_autocoder.server.protocol import Delta, Gone, Output, Put, Refused, ServerFrame, Snapshot, Status, Title
from jupyter_autocoder.server.services import Services

# Seconds between two writings of an answer that is still being written.
KEEP = 2.0
SNAPSHOT_CHARACTERS = 2 * 1024 * 1024
ABANDONED = Problem(
    kind="Interrupted",
    what="The server ended while this was being written.",
    do="Ask again.",
)
ABANDONED_RUN = Problem(kind="Interrupted", what="The server ended while this was running.", do="Run it again.")
OLDER = "The newest {shown} of {count} messages are shown here. Export the conversation to read the others."
TOO_OLD = "Outputs of older runs are not kept on the screen; run the code again to see them."


class Room:
    """A conversation of one person with the tabs that follow it."""

    def __init__(self, owner: str, id: str, services: Services) -> None:
        self.owner = owner
        self.id = id
        self.services = services
        self.followers: set[Outbox] = set()
        self.lock = asyncio.Lock()
        self.live: dict[str, Message] = {}
        self._seq = 0
        self._kept = 0.0
        self._keeping: asyncio.Task[None] | None = None

    # -- following -----------------------------------------------------------------------------------------------------
    async def follow(self, outbox: Outbox) -> None:
        """Send the conversation as it stands, and from then on every change."""
        async with self.lock:
            try:
                conversation = await asyncio.to_thread(self.services.history.conversation, self.owner, self.id)
                stored = await asyncio.to_thread(self.services.history.messages, self.owner, self.id)
                count = await asyncio.to_thread(self.services.history.count, self.owner, self.id)
            except ConversationMissing:
                outbox.fresh(self.id)
                outbox.push(Gone(conversation=self.id))
                return
            except AutocoderError as error:
                outbox.fresh(self.id)
                outbox.push(Refused(request="", conversation=self.id, problem=problem_of(error)))
                return
            # No await between here and the follower's entry: what changes later is sent to it as a frame.
            shown = [self.live.get(message.id) or settled(message) for message in stored]
            messages = (*earlier(count, shown), *slim(shown))
            outbox.fresh(self.id)
            self.followers.add(outbox)
            outbox.push(Snapshot(conversation=conversation, messages=messages, seq=self._seq))

    async def refresh(self) -> None:
        """Send every follower a fresh snapshot."""
        for outbox in tuple(self.followers):
            await self.follow(outbox)

    def gone(self) -> None:
        """Tell every follower that the conversation was deleted."""
        self.publish(lambda seq: Gone(conversation=self.id))
        self.followers.clear()

    def publish(self, make: Callable[[int], ServerFrame]) -> None:
        """Send the next frame to every follower; it is written once."""
        self._seq += 1
        text = protocol.write(make(self._seq))
        for outbox in tuple(self.followers):
            outbox.push_text(self.id, text)

    # -- messages ------------------------------------------------------------------------------------------------------
    async def add(self, message: Message, *, live: bool = False) -> bool:
        """Append a message to the store and show it; False when it was there already."""
        async with self.lock:
            added = await asyncio.to_thread(self.services.history.add, self.owner, self.id, message)
            if added:
                if live:
                    self.live[message.id] = message
                self.put(message)
        return added

    async def finish(self, message: Message) -> None:
        """Write a message's last state to the store and show it; the message is live no longer."""
        async with self.lock:
            try:
                await asyncio.to_thread(self.services.history.save, self.owner, self.id, message)
            finally:
                self.live.pop(message.id, None)
                self.put(message)

    async def keep(self, id: str) -> None:
        """Write a live message as it stands; what cannot be written now is written at the end, where it is told."""
        async with self.lock:
            message = self.live.get(id)
            with contextlib.suppress(AutocoderError):
                if message is not None:
                    await asyncio.to_thread(self.services.history.save, self.owner, self.id, message)

    async def withdraw(self, id: str) -> None:
        """Take a live message away again, as if it had never been shown."""
        async with self.lock:
            self.live.pop(id, None)
            await asyncio.to_thread(self.services.history.remove, self.owner, self.id, id)
        await self.refresh()

    async def take(self, id: str) -> Message | None:
        """Make a stored message live, to change it; None where there is none."""
        async with self.lock:
            found = await asyncio.to_thread(self.services.history.message, self.owner, self.id, id)
            if found is not None:
                self.live[id] = found = settled(found)
        return found

    def put(self, message: Message) -> None:
        """Show a message as a whole."""
        if message.id in self.live:
            self.live[message.id] = message
        self.publish(lambda seq: Put(conversation=self.id, seq=seq, message=message))

    def extend(self, id: str, text: str) -> None:
        """Show more text at the end of a live message."""
        message = self.live.get(id)
        if message is not None:
            self.live[id] = dataclasses.replace(message, text=message.text + text, state="writing")
            self._keep_soon(id)
            self.publish(lambda seq: Delta(conversation=self.id, seq=seq, message=id, text=text))

    def _keep_soon(self, id: str) -> None:
        """Write what came of a long answer now and then: a server that is killed loses KEEP seconds of it at most."""
        now = asyncio.get_running_loop().time()
        if now - self._kept >= KEEP and (self._keeping is None or self._keeping.done()):
            self._kept = now
            self._keeping = asyncio.create_task(self.keep(id))

    def title(self, title: str) -> None:
        """Show another title."""
        self.publish(lambda seq: Title(conversation=self.id, seq=seq, title=title))

    def status(self, id: str, stage: str, text: str, seconds: float | None = None) -> None:
        """Show what is being done for a message."""
        self.publish(
            lambda seq: Status(conversation=self.id, seq=seq, message=id, stage=stage, text=text, seconds=seconds)
        )

    def output(self, id: str, execution: str, output: dict[str, Any]) -> None:
        """Show one output of a running execution."""
        message = self.live.get(id)
        if message is None:
            return
        executions = tuple(
            dataclasses.replace(item, outputs=merged(item.outputs, output)) if item.id == execution else item
            for item in message.executions
        )
        self.live[id] = dataclasses.replace(message, executions=executions)
        self.publish(lambda seq: Output(conversation=self.id, seq=seq, message=id, execution=execution, output=output))


def merged(outputs: tuple[dict[str, Any], ...], output: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Add an output; a piece of a stream joins the piece before it."""
    last = outputs[-1] if outputs else {}
    same = output.get("output_type") == "stream" and last.get("output_type") == "stream"
    if same and last.get("name") == output.get("name"):
        return (*outputs[:-1], {**last, "text": f"{last['text']}{output['text']}"})
    return (*outputs, output)


def settled(message: Message) -> Message:
    """Show a message that nobody is writing any more as what it is; a server's end leaves such ones."""
    executions = tuple(
        dataclasses.replace(item, state="stopped", problem=ABANDONED_RUN)
        if item.state in ("waiting", "running")
        else item
        for item in message.executions
    )
    if message.state in ("waiting", "writing"):
        return dataclasses.replace(message, state="stopped", problem=ABANDONED, executions=executions)
    return dataclasses.replace(message, executions=executions)


def earlier(count: int, shown: list[Message]) -> tuple[Message, ...]:
    """Say where the older of `count` messages are, when not all of them are shown; the words are not stored."""
    if not shown or count <= len(shown):
        return ()
    text = OLDER.format(shown=len(shown), count=count)
    return (Message(id="older", role="note", text=text, time=shown[0].time),)


def slim(messages: list[Message]) -> tuple[Message, ...]:
    """Keep a snapshot small: beyond a bound, counted from the newest message, outputs are left out, saying so."""
    left = SNAPSHOT_CHARACTERS
    kept: list[Message] = []
    for message in reversed(messages):
        left -= len(json.dumps(encode(message), default=str)) if message.executions else len(message.text)
        if left < 0 and message.executions:
            executions = tuple(
                dataclasses.replace(item, outputs=(), notes=(*item.notes, TOO_OLD)) for item in message.executions
            )
            message = dataclasses.replace(message, executions=executions)
        kept.append(message)
    return tuple(reversed(kept))
