"""What is done in a room: answering a question, running code, obeying a slash command, and stopping any of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from tornado.log import app_log

from jupyter_autocoder import chat
from jupyter_autocoder.chat import Attachment, Execution, Footer, Message, Problem
from jupyter_autocoder.errors import AutocoderError
from jupyter_autocoder.events import Completion, Progress, Run, TextDelta
from jupyter_autocoder.server.executed import executed
from jupyter_autocoder.server.outputs import read_output
from jupyter_autocoder.server.protocol import Ask, Execute
from jupyter_autocoder.server.rooms import ABANDONED, ABANDONED_RUN, Room
from jupyter_autocoder.server.services import Wait

BUSY = Problem(
    kind="Busy",
    what="This conversation is still at work.",
    do="Wait for its end or press Stop; your text is kept.",
)
NO_CODE = Problem(
    kind="NoCode", what="There is no Python code block to run.", do="Ask for code first, or write it after /run."
)
NO_TRADING = Problem(kind="NoTrading", what="There is no trading on this server.")
PRIVATE = "The model is shown no output of this run ([notebook] show_data is off)."
NO_TRADE = "A model read this as no trade."
READING = "A model helps to read this as a trade…"
CUTS = {
    "length": "The answer was cut at the token limit.",
    "content_filter": "The answer was cut by the provider's content filter.",
}
NOT_THERE = (
    "It ran without the notebook's variables: * has no free kernel in which %load_ext jupyter_autocoder was run."
)


class Worker:
    """Does one thing at a time in its room. All methods are called on the server's loop."""

    def __init__(self, room: Room, *, listing: Callable[[], None]) -> None:
        self.room = room
        self._listing = listing
        self._task: asyncio.Task[None] | None = None
        self._future: Future[Any] | None = None
        self._stopping = False
        self._ending = False
        self._reading: Message | None = None
        self._taken: set[str] = set()
        self._interrupt: Callable[[], Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        return self._task is not None and not self._task.done()

    # -- what a browser asks for ---------------------------------------------------------------------------------------
    async def ask(self, frame: Ask) -> Problem | None:
        """Take a question; a repetition has no effect. Returns why it was not taken."""
        if frame.id in self._taken:
            return None
        if self.busy:
            return BUSY
        self._taken.add(frame.id)
        self._begin(self._ask(frame))
        return None

    async def execute(self, frame: Execute) -> Problem | None:
        """Take code to run; a repetition has no effect. Returns why it was not taken."""
        if frame.id in self._taken:
            return None
        if self.busy:
            return BUSY
        self._taken.add(frame.id)
        self._begin(self._execute(frame.message, frame.id, frame.source))
        return None

    def stop(self) -> None:
        """Stop what is being done, at whatever point it is."""
        if not self.busy:
            return
        self._stopping = True
        if self._interrupt is not None:
            self._interrupt()
        if self._future is not None:
            self._future.cancel()

    async def close(self, *, ending: bool = False) -> None:
        """Stop and wait until the last word is written; it is another one where the server is `ending`."""
        self._ending = ending
        self.stop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=5)

    def _begin(self, work: Any) -> None:
        self._stopping = False
        self._task = asyncio.create_task(work)

    # -- answering -----------------------------------------------------------------------------------------------------
    async def _ask(self, frame: Ask) -> None:
        services = self.room.services
        # In a thread: long texts take a second, and every other conversation would stand still meanwhile.
        message, hidden = await asyncio.to_thread(self._redacted, frame)
        try:
            if not await self.room.add(message):
                return
        except AutocoderError as error:
            self.room.put(dataclasses.replace(message, state="failed", problem=chat.problem_of(error)))
            return
        conversation = await asyncio.to_thread(services.history.conversation, self.room.owner, self.room.id)
        self.room.title(conversation.title)
        self._listing()
        command = chat.read_command_line(message.text)
        try:
            if command is not None:
                await self._command(command)
            elif not await self._trade(message.text, asked=False):
                await self._answer(hidden)
        except Exception as error:  # every failure becomes a message, never a dead spinner
            self._log(error)
            await self._note("", problem=chat.problem_of(error))

    def _redacted(self, frame: Ask) -> tuple[Message, int]:
        """Give a question as it is kept and sent, and how many secrets were hidden in it."""
        services = self.room.services
        text, hidden = services.redact(frame.text)
        attachments: list[Attachment] = []
        for item in frame.attachments:
            clean, found = services.redact(item.text)
            attachments.append(dataclasses.replace(item, text=clean, tokens=services.count(clean)))
            hidden += found
        message = Message(id=frame.id, role="person", text=text, time=time.time(), attachments=tuple(attachments))
        return message, hidden

    async def _answer(self, hidden: int) -> None:
        room = self.room
        began = time.monotonic()
        reply = Message(id=uuid.uuid4().hex, role="model", text="", time=time.time(), state="waiting")
        await room.add(reply, live=True)
        try:
            completion, notes = await self._ask_model(reply.id)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            partial = room.live.get(reply.id, reply)
            problem = ABANDONED if self._ending else None
            await room.finish(dataclasses.replace(partial, state="stopped", problem=problem))
        except Exception as error:  # every failure becomes a message, never a dead spinner
            self._log(error)
            partial = room.live.get(reply.id, reply)
            await room.finish(dataclasses.replace(partial, state="failed", problem=chat.problem_of(error)))
        else:
            if hidden:
                notes = (*notes, f"{hidden} secret{'' if hidden == 1 else 's'} hidden before sending.")
            footer = await self._footer(completion, notes, time.monotonic() - began)
            text = completion.text or completion.refusal or ""
            await room.finish(dataclasses.replace(room.live[reply.id], text=text, state="done", footer=footer))
        self._listing()

    async def _ask_model(self, id: str) -> tuple[Completion, tuple[str, ...]]:
        room, services = self.room, self.room.services
        conversation = await asyncio.to_thread(services.history.conversation, room.owner, room.id)
        shown = await asyncio.to_thread(self._shown, id)
        emit = self._from_portal(lambda event: self._show(id, event))

        async def ask() -> Completion:
            async with services.client(room.owner, conversation.notebook) as client:
                return await chat.answer(client, shown.messages, emit=emit)

        completion = await self._on_portal(ask)
        return completion, (*completion.notes, *((shown.note,) if shown.note else ()))

    def _shown(self, id: str) -> chat.Shown:
        """Choose what the model sees for the answer `id`; for a worker thread."""
        services = self.room.services
        limit = services.settings.chat.context_messages
        # Notes of the server are not shown to the model: some more are read, to have enough without them.
        stored = services.history.messages(self.room.owner, self.room.id, limit=2 * limit + 20)
        earlier = [message for message in stored if message.id != id]
        return chat.shown(earlier, limit=limit, tokens=services.room(), count=services.count)

    def _show(self, id: str, event: TextDelta | Progress) -> None:
        if isinstance(event, TextDelta):
            self.room.extend(id, event.text)
        else:
            # A sentence, since the sidebar counts the seconds down behind it.
            text = f"{event.text.removesuffix('.')}." if event.text and event.seconds is not None else event.text
            self.room.status(id, event.stage, text[:1].upper() + text[1:], event.seconds)

    async def _footer(self, completion: Completion, notes: tuple[str, ...], seconds: float) -> Footer:
        usage = completion.usage
        try:
            remaining = await asyncio.to_thread(self.room.services.remaining, self.room.owner)
        except AutocoderError:
            remaining = ""
        if completion.finish_reason in CUTS:
            notes = (*notes, CUTS[completion.finish_reason])
        return Footer(
            model=completion.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost=usage.cost,
            estimated=usage.estimated,
            seconds=round(seconds, 2),
            remaining=remaining,
            notes=notes,
        )

    # -- running -------------------------------------------------------------------------------------------------------
    async def _execute(self, message: str, id: str, source: str) -> None:
        try:
            found = await self.room.take(message)
        except AutocoderError:
            found = None
        if found is None or any(item.id == id for item in found.executions):
            return
        execution = Execution(id=id, source=source)
        self._put_execution(message, execution)
        try:
            execution = await self._check_and_run(message, execution)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            problem = ABANDONED_RUN if self._ending else None
            execution = dataclasses.replace(self._execution(message, id), state="stopped", problem=problem)
        except Exception as error:  # every failure becomes a result, never a dead spinner
            self._log(error)
            current = self._execution(message, id)
            execution = dataclasses.replace(current, state="failed", problem=chat.problem_of(error))
        await self.room.finish(self._with(message, execution))

    async def _check_and_run(self, message: str, execution: Execution) -> Execution:
        services = self.room.services
        verdict = await asyncio.to_thread(services.check, execution.source)
        if not verdict.allowed:
            return dataclasses.replace(execution, state="refused", findings=verdict.findings)
        emit = self._from_portal(lambda output: self._show_output(message, execution.id, output))
        conversation = await asyncio.to_thread(services.history.conversation, self.room.owner, self.room.id)
        kernel = None
        if conversation.notebook and services.notebooks is not None:
            kernel = await services.notebooks.find(conversation.notebook)
        where = f"the sandbox of {conversation.notebook}" if kernel else "this conversation's sandbox"
        private = kernel is not None and not services.settings.notebook.show_data
        notes = (PRIVATE,) if private else ()
        if conversation.notebook and not kernel:
            notes = (NOT_THERE.replace("*", conversation.notebook),)
        execution = dataclasses.replace(execution, state="running", where=where, notes=notes, private=private)
        self._put_execution(message, execution)
        # A server that is killed now finds at its next start that this ran, and says how it ended.
        await self.room.keep(message)
        if kernel and services.notebooks is not None:
            run = await self._in_notebook(kernel, execution.source, emit)
        else:
            run = await self._on_portal(services.sandboxes.run, self.room.id, execution.source, emit)
        return executed(execution, run)

    def _show_output(self, message: str, id: str, output: dict[str, Any]) -> None:
        # What is left out here is told at the end of the run.
        with contextlib.suppress(chat.Malformed):
            self.room.output(message, id, read_output(output))

    async def _in_notebook(self, kernel: str, source: str, emit: Callable[[Any], None]) -> Run:
        notebooks = self.room.services.notebooks
        assert notebooks is not None
        task = asyncio.ensure_future(notebooks.run(kernel, source, emit))

        def interrupt() -> None:
            self._background(notebooks.interrupt(kernel))
            task.cancel()

        self._interrupt = interrupt
        try:
            if self._stopping:
                interrupt()
            return await task
        finally:
            self._interrupt = None

    def _background(self, work: Any) -> None:
        self._interrupting = asyncio.ensure_future(work)

    def _execution(self, message: str, id: str) -> Execution:
        return next(item for item in self.room.live[message].executions if item.id == id)

    def _with(self, message: str, execution: Execution) -> Message:
        live = self.room.live[message]
        others = tuple(item for item in live.executions if item.id != execution.id)
        return dataclasses.replace(live, executions=(*others, execution))

    def _put_execution(self, message: str, execution: Execution) -> None:
        self.room.put(self._with(message, execution))

    # -- commands ------------------------------------------------------------------------------------------------------
    async def _command(self, command: chat.Command) -> None:
        services, owner = self.room.services, self.room.owner
        if command.name == "run":
            await self._run_command(command.rest)
        elif command.name == "clear":
            gone = await asyncio.to_thread(services.history.clear, owner, self.room.id)
            await self.room.refresh()
            if not gone:
                await self._note("Cleared. Your administrator's retention setting keeps a hidden copy.")
        elif command.name == "usage":
            await self._note(await asyncio.to_thread(services.usage, owner))
        elif command.name == "limits":
            await self._note(await asyncio.to_thread(services.limits, owner))
        elif command.name == "trade":
            if not await self._trade(command.rest, asked=True):
                await self._note("", problem=NO_TRADING)
        elif command.name == "help":
            await self._note(chat.help_text())
        else:
            await self._note(f"There is no command `/{command.name}`. There are:\n\n{chat.help_text()}")

    async def _trade(self, text: str, *, asked: bool) -> bool:
        """Make a ticket of words that are a trade; False when they are for the model."""
        trading = self.room.services.trading
        if trading is None:
            return False
        try:
            traded = await asyncio.to_thread(
                trading.take, self.room.owner, text, asked=asked, wait=self._from_thread(self._show_reading)
            )
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            await self._note("Stopped; there is no ticket.")
            return True
        if traded is None:
            await self._withdraw_reading()
            return False
        await self._note(traded.text, ticket=traded.ticket)
        return True

    async def _show_reading(self) -> None:
        """Show that a model is asked what words say, as a message that the answer will replace."""
        if self._reading is None:
            reading = Message(id=uuid.uuid4().hex, role="note", text="", time=time.time(), state="waiting")
            await self.room.add(reading, live=True)
            self._reading = reading
            self.room.status(reading.id, "reading", READING)

    async def _withdraw_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is None:
            return
        try:
            await self.room.withdraw(reading.id)
        except AutocoderError:
            # It stays in the store; on the screen it must not wait for ever.
            self.room.put(dataclasses.replace(reading, state="done", text=NO_TRADE))

    async def _run_command(self, code: str) -> None:
        services = self.room.services
        source = chat.code_of(code)
        if not source:
            messages = await asyncio.to_thread(services.history.messages, self.room.owner, self.room.id)
            source = chat.last_block([message.text for message in messages[:-1]])
        if not source:
            await self._note("", problem=NO_CODE)
            return
        fence = "`" * (3 if "```" not in source else 8)
        note = await self._note(f"{fence}python\n{source.rstrip()}\n{fence}")
        await self._execute(note.id, uuid.uuid4().hex, source)

    async def _note(self, text: str, *, problem: Problem | None = None, ticket: str = "") -> Message:
        """Say something in the server's name; it takes the place of a message that told of waiting for it."""
        reading, self._reading = self._reading, None
        note = Message(
            id=reading.id if reading else uuid.uuid4().hex,
            role="note",
            text=text,
            time=reading.time if reading else time.time(),
            state="failed" if problem else "done",
            problem=problem,
            ticket=ticket,
        )
        try:
            await (self.room.finish(note) if reading else self.room.add(note))
        except AutocoderError:
            # It cannot be kept, but those who look can see it.
            self.room.put(note)
        return note

    # -- threads -------------------------------------------------------------------------------------------------------
    async def _on_portal(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function on the portal's loop; `stop` cancels it there, and it ends as cancelled here."""
        if self._stopping:
            raise asyncio.CancelledError
        self._future = self.room.services.portal.soon(function, *args)
        try:
            return await asyncio.wrap_future(self._future)
        finally:
            self._future = None

    def _from_thread(self, before: Callable[[], Coroutine[Any, Any, None]]) -> Wait:
        """Give the same for a worker thread, which it blocks; `before` is awaited on the server's loop first."""
        loop = asyncio.get_running_loop()

        def wait(function: Callable[..., Any], *args: Any) -> Any:
            asyncio.run_coroutine_threadsafe(before(), loop).result()
            return self._wait_on_portal(function, *args)

        return wait

    def _wait_on_portal(self, function: Callable[..., Any], *args: Any) -> Any:
        """Block a worker thread; `stop` cancels the function, and the thread's work ends as cancelled."""
        self._future = self.room.services.portal.soon(function, *args)
        try:
            if self._stopping:
                self._future.cancel()
            return self._future.result()
        finally:
            self._future = None

    def _from_portal(self, show: Callable[[Any], None]) -> Callable[[Any], None]:
        """Give a function that the portal's thread may call; `show` is called on the server's loop, in order."""
        loop = asyncio.get_running_loop()

        def pass_on(event: Any) -> None:
            # The server's loop may end first; then there is nobody left to show anything to.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(show, event)

        return pass_on

    def _log(self, error: Exception) -> None:
        if not isinstance(error, AutocoderError):
            app_log.error("jupyter_autocoder: work in a conversation failed", exc_info=error)
