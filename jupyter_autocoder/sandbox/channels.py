"""The sockets between a sandboxed kernel and this process: every frame passes the gate before anything reads it."""

from __future__ import annotations

import asyncio
import os
import time
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type, default

from jupyter_autocoder.sandbox.gate import Gate, Recording

# One frame; a larger one makes libzmq close the connection, which the gate's owner sees as a flood.
FRAME_LIMIT = 24 * 2**20
# Messages that wait in this process, besides those that wait in the kernel's; its text comes in pieces of 128 KiB.
QUEUE = 128
# A fresh socket file appears within milliseconds of the kernel's start; the default of 100 ms is felt at each start.
RECONNECT_MS = 10
DRAIN_MS = 5

_contexts: dict[int, zmq.asyncio.Context] = {}


class GatedChannel(AsyncZMQSocketChannel):
    """A channel that gives out what its gate admits, rebuilt from scratch, and nothing else."""

    gate: Gate
    channel_name: str

    async def get_msg(  # type: ignore[override]
        self,
        timeout: float | None = None,  # noqa: ASYNC109 (jupyter_client's signature)
    ) -> dict[str, Any]:
        """Return the next admitted message; raise `Empty` after `timeout` seconds, None waits for ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0, int((deadline - time.monotonic()) * 1000))
            assert self.socket is not None
            if self.gate.idle_held and self.channel_name == "iopub":
                await self.gate.replied_or(self.socket.poll(left))
                # What was sent before the reply may still be on its way, and a true idle behind it.
                if self.gate.replied.is_set() and not await self.socket.poll(DRAIN_MS):
                    return self.gate.release_idle()
            if not await self.socket.poll(left):
                raise Empty
            frames = await self.socket.recv_multipart(copy=False)
            message = self.gate.admit(self.channel_name, frames, self.session)
            if message is not None:
                return message
            # A flood of dropped messages is always ready to be read and would starve the loop that has to stop it.
            await asyncio.sleep(0)


class GatedClient(AsyncKernelClient):
    """A kernel client whose shell and iopub channels are gated; it answers no input requests and keeps no heartbeat."""

    shell_channel_class = Type(GatedChannel)
    iopub_channel_class = Type(GatedChannel)
    gate: Gate
    recording: Recording | None = None

    @default("context")
    def _shared_context(self) -> zmq.asyncio.Context:
        # One I/O thread for all sandboxes of a process, and limits that every socket gets from its birth.
        return zmq_context()

    def start_channels(self, **_: Any) -> None:  # type: ignore[override]
        """Open shell, iopub and control; an input request would find nobody listening."""
        super().start_channels(  # noqa: S604 (a Jupyter channel has that name)
            shell=True,
            iopub=True,
            stdin=False,
            hb=False,
            control=True,
        )

    @property
    def shell_channel(self) -> Any:
        return self._gated(super().shell_channel, "shell")

    @property
    def iopub_channel(self) -> Any:
        return self._gated(super().iopub_channel, "iopub")

    def execute(self, code: str, *args: Any, **options: Any) -> str:
        """Send `code`; the gate then admits its answers, into the `recording` that was set before."""
        message: str = super().execute(code, *args, **options | {"allow_stdin": False})
        self.gate.expect(message, self.recording)
        self.recording = None
        return message

    def _gated(self, channel: Any, name: str) -> Any:
        channel.gate = self.gate
        channel.channel_name = name
        return channel

    async def wait_for_ready(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 (jupyter_client's signature)
    ) -> None:
        """Wait until the kernel answers on shell and is heard on iopub.

        Raises RuntimeError when it died or `timeout` seconds went by, as nbclient expects. (The inherited method waits
        200 ms more to drain iopub; the gate drops what belongs to nobody, so nothing has to be drained.)
        """
        end = time.monotonic() + (timeout or 60.0)
        answered = heard = False
        while not (answered and heard):
            self.gate.expect(self.kernel_info())
            answered = await self._any(self.shell_channel, 0.5) or answered
            heard = answered and await self._any(self.iopub_channel, 0.05)
            if not await self._async_is_alive():
                msg = "Kernel died before replying to kernel_info"
                raise RuntimeError(msg)
            if time.monotonic() > end:
                msg = f"Kernel didn't respond in {timeout} seconds"
                raise RuntimeError(msg)

    async def _any(self, channel: GatedChannel, patience: float) -> bool:
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            try:
                await channel.get_msg(timeout=min(left, 0.1))
            except Empty:
                if not await self._async_is_alive():
                    return False
            else:
                return True
        return False


def zmq_context() -> zmq.asyncio.Context:
    """The sandboxes' ZMQ context: its sockets refuse giant frames and never hold up an exit."""
    pid = os.getpid()
    if pid not in _contexts:
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.MAXMSGSIZE, FRAME_LIMIT)
        context.setsockopt(zmq.RCVHWM, QUEUE)
        context.setsockopt(zmq.LINGER, 0)
        context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        _contexts[pid] = context
    return _contexts[pid]
