"""One live sandboxed kernel: started once, asked many times through nbclient, frozen in between, killed at the end."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zmq

from jupyter_autocoder.errors import SandboxDied
from jupyter_autocoder.sandbox import failure
from jupyter_autocoder.sandbox.channels import GatedClient, zmq_context
from jupyter_autocoder.sandbox.gate import Gate, Recording
from jupyter_autocoder.sandbox.growth import Growth
from jupyter_autocoder.sandbox.imports import deferred_grammar
from jupyter_autocoder.sandbox.manager import SandboxManager, new_manager
from jupyter_autocoder.settings import SandboxSettings

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_autocoder.sandbox.runner import CellRunner

# A lost connection is a flood when its kernel is still alive after this long.
CUT_CERTAIN = 0.15
TICK = 0.05
BOOT = "__import__('jupyter_autocoder.sandbox.inside.boot', fromlist=['install']).install(get_ipython())"

# nbclient and jupyter_client log what we tell the person in our own words.
_LOG = logging.getLogger("jupyter_autocoder.sandbox.kernel")
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


@dataclass(frozen=True, kw_only=True)
class Executed:
    """The outputs of a cell (until the kernel died) and the kernel's last word, None when it died before it."""

    outputs: list[NotebookNode]
    reply: dict[str, Any] | None


class KernelSession:
    """A started kernel with its gate; all methods run on the sandboxes' loop, one execution at a time."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.manager: SandboxManager = new_manager(settings)
        self.manager.log = _LOG
        self.manager.context = zmq_context()
        self.gate = Gate()
        self._runner: CellRunner | None = None
        self._setup: contextlib.AbstractAsyncContextManager[None] | None = None
        self._death: int | None = None
        self._stopped: int | None = None
        self._connection: asyncio.Task[None] | None = None
        self.dead = asyncio.Event()
        self._cut_at: float | None = None
        self._killed = False

    async def start(self) -> None:
        """Start the kernel. Raises SandboxUnavailable when there is no sandbox to be had, SandboxDied when it ended."""
        self.manager.client_factory = type("Client", (GatedClient,), {"gate": self.gate})
        said: Callable[[], str] = str
        try:
            # Importing nbclient takes as long as the process needs to come up, so both happen at once.
            importing = asyncio.ensure_future(asyncio.to_thread(_make_runner, self.manager))
            await self.manager.start_kernel()
            runner = await importing
            # nbclient forgets the kernel that does not answer, and with it what that said.
            said = self.manager.provisioner.said
            self._runner, setup = runner, runner.async_setup_kernel(cleanup_kc=False)
            await setup.__aenter__()
            self._watch_death()
            self._connection = asyncio.create_task(self._watch_connection())
            await self._boot()
        except RuntimeError as error:
            await self.kill()
            raise failure.before_ready(said().strip() or str(error)) from None
        except BaseException:
            await self.kill()
            raise
        finally:
            if self._runner is not None:
                # nbclient would clean up at exit on a loop that is not running then; `live` does it instead.
                atexit.unregister(self._runner._cleanup_kernel)
        self._setup = setup

    async def execute(self, source: str, recording: Recording) -> Executed:
        """Run `source` as one cell. Must not be cancelled: shield it, interrupt, then kill."""
        from nbclient.exceptions import DeadKernelError

        assert self._runner is not None
        self.thaw()
        cell = self._runner.begin(source)
        self._kc.recording = recording
        try:
            await self._runner.async_execute_cell(cell, 0)
        except DeadKernelError:
            return Executed(outputs=cell.outputs, reply=None)
        return Executed(outputs=cell.outputs, reply=self._runner.reply)

    async def request(self, content: dict[str, Any], *, patience: float) -> dict[str, Any]:
        """Ask our own handler inside; the answer is hostile data.

        Raises SandboxDied when the kernel ends. One that is mute for `patience` seconds, or sends without end, is
        killed.
        """
        self.thaw()
        client, growth, end = self._kc, Growth(), time.monotonic() + patience
        message = client.session.msg("autocoder_request", content)
        self.gate.expect(message["header"]["msg_id"])
        client.shell_channel.send(message)
        answer = asyncio.ensure_future(client.shell_channel.get_msg(timeout=patience))
        death = asyncio.ensure_future(self.dead.wait())
        try:
            while not answer.done() and not death.done():
                await asyncio.wait({answer, death}, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
                if growth.is_wild or self.cut_off or time.monotonic() > end:
                    break
            if answer.done() and answer.exception() is None:
                return dict(answer.result()["content"])
        finally:
            for task in (answer, death):
                task.cancel()
        said = self._last_words()
        await self.kill()
        raise SandboxDied("the sandboxed kernel does not answer any more", why=said)

    async def interrupt(self) -> None:
        """Ask for a KeyboardInterrupt inside, over the control channel."""
        self.thaw()
        if self.alive:
            await self.manager.interrupt_kernel()

    async def kill(self) -> None:
        """SIGKILL everything inside and remove what the sandbox left on the host; may be called twice."""
        if self._killed:
            return
        self._killed = True
        self._unwatch_death()
        # The kill comes before the channels are closed, so that a waiting execution learns of the death.
        if self.manager.has_kernel:
            await self.manager.provisioner.kill()
        self._on_death()
        await asyncio.sleep(0)
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.wait({self._connection})
        if self._runner is not None and self._runner.kc is not None:
            self._kc.iopub_channel.socket.disable_monitor()
            self._kc.stop_channels()
        await self.manager.shutdown_kernel(now=True)

    def kill_now(self) -> None:
        """SIGKILL from any thread, without waiting: the process is about to end."""
        process = self.manager.provisioner.process
        if process is not None and process.poll() is None:
            process.kill()

    @property
    def _kc(self) -> GatedClient:
        assert self._runner is not None
        assert isinstance(self._runner.kc, GatedClient)
        return self._runner.kc

    @property
    def alive(self) -> bool:
        return not self.dead.is_set() and self.manager.has_kernel

    @property
    def cut_off(self) -> bool:
        """Whether libzmq closed the connection, as it does on a giant frame, though the kernel lives."""
        return self.alive and self._cut_at is not None and time.monotonic() - self._cut_at > CUT_CERTAIN

    # -- between runs --------------------------------------------------------------------------------------------------
    def freeze(self) -> None:
        """Stop the kernel's processes: between runs nothing inside computes, writes or sends."""
        pid = self.manager.kernel_pid
        if self._stopped is None and pid is not None and self.alive:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
                self._stopped = pid

    def thaw(self) -> None:
        if self._stopped is not None:
            with contextlib.suppress(OSError):
                os.kill(self._stopped, signal.SIGCONT)
            self._stopped = None

    # -- parts ---------------------------------------------------------------------------------------------------------
    async def _boot(self) -> None:
        client = self._kc
        self.gate.expect(client.execute(BOOT, silent=True, store_history=False))
        assert self._runner is not None
        reply = await client.shell_channel.get_msg(timeout=self._runner.startup_timeout)
        if reply["content"]["status"] != "ok":
            raise SandboxDied(
                "the sandboxed kernel could not be prepared",
                why=f"{reply['content']['ename']}: {reply['content']['evalue']}",
                do="run `jupyter autocoder doctor`",
            )

    def _watch_death(self) -> None:
        """Learn of the end at once: nbclient looks once a second."""
        process = self.manager.provisioner.process
        assert process is not None
        self._death = os.pidfd_open(process.pid)
        asyncio.get_running_loop().add_reader(self._death, self._on_death)

    async def _watch_connection(self) -> None:
        """Note when the outputs' connection is lost; a dying kernel loses it too, moments before its end is seen."""
        monitor = self._kc.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            await monitor.recv_multipart()
            self._cut_at = time.monotonic()
        except asyncio.CancelledError:
            pass

    def _unwatch_death(self) -> None:
        if self._death is not None:
            asyncio.get_running_loop().remove_reader(self._death)
            os.close(self._death)
            self._death = None

    def _on_death(self) -> None:
        self._unwatch_death()
        self.dead.set()
        waiting = None if self._runner is None else self._runner.task_poll_for_reply
        if waiting is not None and not waiting.done():
            waiting.cancel()  # nbclient's own way to learn that its kernel died

    def _last_words(self) -> str:
        return self.manager.stderr_tail[-2000:].strip() if self.manager.provisioner is not None else ""


def _make_runner(manager: SandboxManager) -> CellRunner:
    with deferred_grammar():
        from jupyter_autocoder.sandbox.runner import CellRunner
    return CellRunner.over(manager)
