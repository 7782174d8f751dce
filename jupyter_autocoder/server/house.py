"""All rooms of one server, and the tabs that are connected to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from jupyter_autocoder.chat import Problem, problem_of
from jupyter_autocoder.errors import AutocoderError, ConversationMissing
from jupyter_autocoder.server.outbox import Outbox
from jupyter_autocoder.server.protocol import (
    Ask,
    ClientFrame,
    Close,
    Execute,
    Gone,
    Listing,
    Open,
    Refused,
    ServerFrame,
    Stop,
)
from jupyter_autocoder.server.rooms import Room
from jupyter_autocoder.server.services import Services
from jupyter_autocoder.server.work import Worker

# Per person: enough for every tab anybody has open, and an end to a loop that opens them.
MAX_TABS = 32
MAX_ROOMS_PER_TAB = 64
NO_MESSAGE = Problem(
    kind="NoMessage", what="The message with this code is not there any more.", do="Copy the code, and use /run."
)
TOO_MANY = Problem(kind="TooMany", what="This tab follows too many conversations.", do="Reload the page.")


class House:
    """Finds or opens rooms, and closes those that nobody is in and nothing runs in."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._rooms: dict[tuple[str, str], tuple[Room, Worker]] = {}
        self._tabs: dict[str, set[Outbox]] = {}

    def enter(self, owner: str, outbox: Outbox) -> bool:
        """Let a person's tab in; False when there are too many."""
        tabs = self._tabs.setdefault(owner, set())
        if len(tabs) >= MAX_TABS:
            return False
        tabs.add(outbox)
        return True

    def leave(self, owner: str, outbox: Outbox) -> None:
        """Forget a tab; what runs in its conversations goes on."""
        tabs = self._tabs.get(owner, set())
        tabs.discard(outbox)
        if not tabs:
            self._tabs.pop(owner, None)
        for room, _ in tuple(self._rooms.values()):
            room.followers.discard(outbox)
        self._sweep()

    async def handle(self, owner: str, outbox: Outbox, frame: ClientFrame) -> None:
        """Do what a tab's frame asks for."""
        if isinstance(frame, Open):
            if sum(outbox in room.followers for room, _ in self._rooms.values()) >= MAX_ROOMS_PER_TAB:
                outbox.push(Refused(request="", conversation=frame.conversation, problem=TOO_MANY))
                return
            room, _ = self._room(owner, frame.conversation)
            await room.follow(outbox)
        elif isinstance(frame, Close):
            room, _ = self._room(owner, frame.conversation)
            room.followers.discard(outbox)
        elif isinstance(frame, Stop):
            if (owner, frame.conversation) in self._rooms:
                self._rooms[owner, frame.conversation][1].stop()
        else:
            await self._start(owner, outbox, frame)
        self._sweep()

    async def resync(self, owner: str, outbox: Outbox, conversation: str) -> None:
        """Send a tab that fell behind a fresh snapshot."""
        room, _ = self._room(owner, conversation)
        await room.follow(outbox)

    def tell(self, owner: str, frame: ServerFrame) -> None:
        """Send a frame to all tabs of a person."""
        for outbox in tuple(self._tabs.get(owner, ())):
            outbox.push(frame)

    def busy(self, owner: str, conversation: str) -> bool:
        """Whether something runs in the conversation."""
        return (owner, conversation) in self._rooms and self._rooms[owner, conversation][1].busy

    async def delete(self, owner: str, conversation: str) -> bool:
        """Stop and delete a conversation; True when it is gone for good. Raises ConversationMissing."""
        room, worker = self._room(owner, conversation)
        await worker.close()
        gone = await asyncio.to_thread(self.services.history.delete, owner, conversation)
        room.gone()
        self._rooms.pop((owner, conversation), None)
        await asyncio.wrap_future(self.services.portal.soon(self.services.sandboxes.forget, conversation))
        self.tell(owner, Listing())
        return gone

    def renamed(self, owner: str, conversation: str, title: str) -> None:
        """Send a conversation's followers its new title."""
        if (owner, conversation) in self._rooms:
            self._rooms[owner, conversation][0].title(title)
        self.tell(owner, Listing())

    async def moved(self, owner: str, conversations: Iterable[str]) -> None:
        """Send the followers of conversations which notebook they belong to now."""
        for conversation in conversations:
            if (owner, conversation) in self._rooms:
                await self._rooms[owner, conversation][0].refresh()
        self.tell(owner, Listing())

    async def close(self) -> None:
        """Stop everything that runs and close the sandboxes."""
        await asyncio.gather(*(worker.close(ending=True) for _, worker in self._rooms.values()))
        for tabs in self._tabs.values():
            for outbox in tabs:
                outbox.close()
        future = self.services.portal.soon(self.services.sandboxes.close)
        await asyncio.wait([asyncio.wrap_future(future)], timeout=10)

    async def _start(self, owner: str, outbox: Outbox, frame: Ask | Execute) -> None:
        problem: Problem | None = None
        # Looked up before there is a room: one without followers may be swept away meanwhile.
        if not self.busy(owner, frame.conversation):
            try:
                problem = await asyncio.to_thread(self._look_up, owner, frame)
            except ConversationMissing:
                outbox.push(Gone(conversation=frame.conversation))
                return
            except AutocoderError as error:
                problem = problem_of(error)
        _, worker = self._room(owner, frame.conversation)
        if problem is None:
            problem = await (worker.ask(frame) if isinstance(frame, Ask) else worker.execute(frame))
        if problem is not None:
            outbox.push(Refused(request=frame.id, conversation=frame.conversation, problem=problem))

    def _look_up(self, owner: str, frame: Ask | Execute) -> Problem | None:
        """Say why there is nothing to work on; raises ConversationMissing, and what the store raises."""
        history = self.services.history
        if isinstance(frame, Ask):
            history.conversation(owner, frame.conversation)
            return None
        return None if history.message(owner, frame.conversation, frame.message) is not None else NO_MESSAGE

    def _room(self, owner: str, conversation: str) -> tuple[Room, Worker]:
        if (owner, conversation) not in self._rooms:
            room = Room(owner, conversation, self.services)
            worker = Worker(room, listing=lambda: self.tell(owner, Listing()))
            self._rooms[owner, conversation] = (room, worker)
        return self._rooms[owner, conversation]

    def _sweep(self) -> None:
        for key, (room, worker) in tuple(self._rooms.items()):
            if not room.followers and not worker.busy and not room.lock.locked():
                del self._rooms[key]
