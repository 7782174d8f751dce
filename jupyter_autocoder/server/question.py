"""One question to a notebook's kernel: an expression to evaluate, and what the kernel says until it has the answer.

The kernel is its person's, and what it sends is data from a stranger: a question has sockets of its own with bounded
messages, takes notice of nothing that does not belong to it, and shows a bounded part of what comes before the answer.
The request is silent, so it leaves no trace in the notebook: no history, no output, no variable.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from jupyter_autocoder import text
from jupyter_autocoder.chat import Malformed, decode
from jupyter_autocoder.errors import SandboxDied
from jupyter_autocoder.events import LIVE_OUTPUT
from jupyter_autocoder.server.services import OnOutput

MIB = 2**20
# Bytes of an answer; the sandbox's own limits keep a run far below.
ANSWER = 64 * MIB
# Bytes and number of outputs that are shown before the answer, which holds them all.
SHOWN = MIB
SHOWN_OUTPUTS = 2000
# Messages that may wait in a socket.
WAITING = 16
# Seconds; kernels older than ipykernel 7 do not say that they heard a subscription.
SUBSCRIBING = 0.3
_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One output of a run that goes on; `number` counts them from 0."""

    number: int
    output: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a kernel answered: the repr of the expression's value, or None and what it raised."""

    value: str | None = None
    error: str = ""
    message: str = ""


class Question:
    """A connection to a kernel for one question; `manager` is the kernel's, everything runs on the server's loop."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._context = zmq.asyncio.Context()
        self._client = manager.client(context=self._context)
        self._session = self._client.session
        # Two connections of one session take each other's answers: kernels send them to the newest.
        self._session.session = uuid.uuid4().hex

    async def ask(self, expression: str, on_output: OnOutput | None = None) -> Answer:
        """Evaluate an expression in the kernel.

        `on_output` gets the outputs that come meanwhile, as many as are shown. Raises SandboxDied when the
        kernel ends.
        """
        tasks: list[asyncio.Future[Any]] = []
        try:
            shell, lost = self._connect()
            heard = await self._subscribe() if on_output is not None else None
            request = self._send(shell, expression)
            answer = asyncio.ensure_future(self._answer(shell, request))
            end = asyncio.ensure_future(self._end(lost))
            tasks += [answer, end]
            if heard is not None and on_output is not None:
                tasks.append(asyncio.ensure_future(self._pass_on(heard, request, on_output)))
            await asyncio.wait({answer, end}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise SandboxDied(
                    "the connection to the notebook's kernel was lost",
                    why="it ended or was restarted, or its answer was too large",
                    do="run the notebook's cells again, %load_ext jupyter_autocoder too, then try again",
                )
            return answer.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._context.destroy(linger=0)

    def _connect(self) -> tuple[zmq.asyncio.Socket, zmq.asyncio.Socket]:
        """Give the socket for the answer, and the one that says when its connection is lost."""
        self._bound(ANSWER)
        shell = self._client.connect_shell(identity=self._session.bsession)
        return shell, shell.get_monitor_socket(_LOST)

    async def _subscribe(self) -> zmq.asyncio.Socket:
        """Give a socket for what the kernel sends to this session alone."""
        self._bound(2 * SHOWN)
        heard: zmq.asyncio.Socket = self._client.connect_iopub()
        heard.unsubscribe(b"")
        heard.subscribe(f"{LIVE_OUTPUT}.{self._session.session}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBING):
                while (await self._next(heard)).get("msg_type") != "iopub_welcome":
                    pass
        return heard

    def _bound(self, size: int) -> None:
        """Let sockets that are made from now on take messages of at most `size` bytes; a larger one hangs up."""
        self._context.setsockopt(zmq.MAXMSGSIZE, size)
        self._context.setsockopt(zmq.RCVHWM, WAITING)

    def _send(self, shell: zmq.asyncio.Socket, expression: str) -> str:
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"answer": expression},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return str(self._session.send(shell, "execute_request", content)["header"]["msg_id"])

    async def _answer(self, shell: zmq.asyncio.Socket, request: str) -> Answer:
        while True:
            message = await self._next(shell)
            if message and message["parent_header"].get("msg_id") == request:
                break
        try:
            answer = message["content"]["user_expressions"]["answer"]
            if answer["status"] == "ok":
                return Answer(value=str(answer["data"]["text/plain"]))
            return Answer(error=text.one_line(answer["ename"], 100), message=text.plain(answer["evalue"], limit=1000))
        except (KeyError, TypeError):
            return Answer()

    async def _end(self, lost: zmq.asyncio.Socket) -> None:
        """Wait until the kernel is gone: its connection is lost, or there is none since there is no process."""
        while (await recv_monitor_message(lost))["event"] != zmq.EVENT_DISCONNECTED:
            # A kernel that just starts refuses connections for a while.
            if not await self._manager.is_alive():
                return

    async def _pass_on(self, heard: zmq.asyncio.Socket, request: str, on_output: OnOutput) -> None:
        """Pass outputs on in their order; after a lost one, or too many, the rest comes with the answer."""
        size, number = 0, 0
        with heard:
            while size < SHOWN and number < SHOWN_OUTPUTS:
                frames = await heard.recv_multipart()
                size += sum(map(len, frames))
                message = self._read(frames)
                ours = message and message["parent_header"].get("msg_id") == request
                if ours and message["msg_type"] == LIVE_OUTPUT:
                    with contextlib.suppress(Malformed):
                        piece = decode(_Piece, message["content"])
                        if piece.number == number:
                            on_output(piece.output)
                            number += 1
                # A message that waits already is received without a pause: others shall have their turn too.
                await asyncio.sleep(0)

    async def _next(self, socket: zmq.asyncio.Socket) -> dict[str, Any]:
        """Give the next message, empty when it is none."""
        await asyncio.sleep(0)
        return self._read(await socket.recv_multipart())

    def _read(self, frames: Sequence[bytes]) -> dict[str, Any]:
        """Read a message; empty when it is malformed or not signed by the kernel."""
        try:
            _, parts = self._session.feed_identities(list(frames))
            message: dict[str, Any] = self._session.deserialize(parts)
            return message if isinstance(message["parent_header"], dict) else {}
        except (ValueError, TypeError, KeyError, RecursionError):
            return {}
