"""`Sandbox`: code in, a `Run` out, in a kernel that can reach nothing of this machine."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.errors import SandboxDied, SandboxError, UsageError
from jupyter_autocoder.events import Run
from jupyter_autocoder.sandbox import files, live
from jupyter_autocoder.sandbox.files import ScratchFile
from jupyter_autocoder.sandbox.gate import MIB, Caps, Recording
from jupyter_autocoder.sandbox.kept import Kept
from jupyter_autocoder.sandbox.loop import hand_over
from jupyter_autocoder.sandbox.result import make_run
from jupyter_autocoder.sandbox.scratch import Scratch
from jupyter_autocoder.sandbox.session import KernelSession
from jupyter_autocoder.sandbox.watch import GRACE, Watch
from jupyter_autocoder.settings import SandboxSettings

OnOutput = Callable[[dict[str, Any]], None]
LOST = "the sandbox was started anew: variables of earlier runs are gone"
SOURCE_LIMIT = 4 * MIB


class Sandbox:
    """A sandboxed Python that keeps its variables from run to run; no policy is applied here.

    ::

        async with Sandbox() as box:
            run = await box.run("1 + 1")      # run.value == "2"

    It can be used from any loop and thread; the work is done on the sandboxes' own thread. One run at a time: further
    ones wait. When the kernel dies the run says so, and the next one gets a fresh kernel and says that as well.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings_module.current().sandbox if settings is None else settings
        self._pid = os.getpid()
        self._closed = False
        self._remarks: list[str] = []
        self._inputs: dict[str, Path] = {}
        self._session: KernelSession | None = None
        self._turn: asyncio.Lock | None = None
        self._running: tuple[Watch, asyncio.Task[Any]] | None = None
        self._asking: tuple[KernelSession, asyncio.Future[Any]] | None = None

    async def __aenter__(self) -> Sandbox:
        try:
            await self.start()
        except BaseException:
            # A start that is cancelled goes on by itself, and nobody would be left to end what it starts.
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        session = getattr(self, "_session", None)
        if session is None or self._pid != os.getpid():
            return
        warnings.warn(f"{self!r} was dropped open; close it or use `async with`", ResourceWarning, stacklevel=2)
        live.discard(session)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._session is not None else "not started"
        return f"<Sandbox {self.settings.backend}, {state}>"

    @property
    def backend(self) -> str:
        """What confines the code: ``bubblewrap``, ``landlock``, ``podman`` or ``docker``."""
        return self.settings.backend

    @property
    def alive(self) -> bool:
        """Whether there is a kernel that could run something at once."""
        return self._session is not None and self._session.alive

    async def start(self) -> None:
        """Start the kernel now instead of at the first run.

        Raises SandboxUnavailable when no sandbox can be made here (nothing was run, nothing is left), SandboxDied when
        the kernel ended before it was ready.
        """
        await hand_over(self._locked(self._kernel), on_cancel=self._stop)

    async def run(
        self,
        source: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 (it bounds the code inside, which cancelling would not end)
        on_output: OnOutput | None = None,
    ) -> Run:
        """Run `source`, byte for byte, for at most `timeout` seconds (default: the setting `wall_time`).

        `on_output` gets each cleaned nbformat output as it comes, on the caller's loop. Failures of the code are in
        the Run; raises SandboxUnavailable and SandboxDied only when there is no kernel to run it. A cancelled caller
        interrupts the code, and kills it when that does not help within two seconds.
        """
        if len(source) > SOURCE_LIMIT:
            raise UsageError("the source is too long to run", why=f"it has {len(source)} characters", do="shorten it")
        wall_time = self.settings.wall_time if timeout is None else timeout
        deliver = None if on_output is None else _deliver_here(on_output)

        async def work() -> Run:
            return await self._run(source, wall_time, deliver)

        return await hand_over(self._locked(work), on_cancel=self._stop)

    async def put(self, name: str, value: Any) -> None:
        """Bind `name` inside to a copy of `value`, by data formats only.

        Raises ValueCannotCross naming the object, its type and what can cross.
        """
        values = await _values()

        async def work() -> None:
            await self._quietly(lambda session: values.put(session, name, value, patience=self.settings.wall_time))

        await hand_over(self._locked(work), on_cancel=self._stop)

    async def get(self, name: str) -> Any:
        """A copy of the variable `name`, an ordinary writable object; nothing from inside is unpickled or evaluated.

        Raises KeyError when there is no such variable, ValueCannotCross when it is no data.
        """
        values = await _values()

        async def work() -> Any:
            limit = self.settings.scratch * MIB
            patience = self.settings.wall_time
            return await self._quietly(lambda session: values.get(session, name, limit=limit, patience=patience))

        return await hand_over(self._locked(work), on_cancel=self._stop)

    async def load(self, module: str) -> None:
        """Import `module` ahead of the code that will want it; one that cannot be imported is left out.

        Nothing is bound in the namespace. Raises SandboxUnavailable and SandboxDied.
        """

        async def work() -> None:
            patience = self.settings.wall_time
            await self._quietly(lambda session: session.request({"do": "load", "module": module}, patience=patience))

        await hand_over(self._locked(work), on_cancel=self._stop)

    async def add_file(self, path: str | os.PathLike[str], *, name: str | None = None) -> str:
        """Copy a file of this machine in, read-only, and return its path inside. A restarted kernel has it again.

        Code finds it under `name` (default: its own; ``data/prices.csv`` makes the folder) in its working directory.
        Raises UsageError when it is no regular file or `name` is no file name.
        """
        source = Path(path)
        shown = source.name if name is None else name

        async def work() -> str:
            session = await self._kernel()
            inside = await asyncio.to_thread(_lend, session, source, shown)
            self._inputs[shown] = source
            return inside

        return str(await hand_over(self._locked(work)))

    async def files(self) -> tuple[ScratchFile, ...]:
        """The regular files that the code left in its working directory."""

        async def work() -> tuple[ScratchFile, ...]:
            return files.listing(Scratch((await self._kernel()).manager.scratch_outside))

        found: tuple[ScratchFile, ...] = await hand_over(self._locked(work))
        return found

    async def collect(self, name: str, to: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Copy the file `name` of the code's working directory to the path `to`, or into the folder `to`.

        Returns where it went. Raises UsageError when there is no such regular file, it is too large, or the target
        exists and `overwrite` is false.
        """
        limit = self.settings.scratch * MIB

        async def work() -> Path:
            scratch = Scratch((await self._kernel()).manager.scratch_outside)
            return await asyncio.to_thread(files.copy_out, scratch, name, Path(to), limit=limit, overwrite=overwrite)

        target: Path = await hand_over(self._locked(work))
        return target

    async def interrupt(self) -> None:
        """Interrupt the running code, if any; kill it when it has not ended two seconds later."""
        await hand_over(self._stop())

    async def close(self) -> None:
        """End the kernel and remove everything of it from this machine; may be called twice."""
        self._closed = True
        await hand_over(self._close())

    # -- on the sandboxes' loop ----------------------------------------------------------------------------------------
    async def _locked(self, work: Callable[[], Any]) -> Any:
        self._turn = self._turn or asyncio.Lock()
        async with self._turn:
            return await work()

    async def _kernel(self) -> KernelSession:
        """The running kernel, started (again) if need be."""
        if self._closed:
            raise SandboxDied("this sandbox was closed", do="open a new one")
        if self._session is not None and self._session.alive:
            return self._session
        if self._session is not None:
            self._remarks.append(LOST)
            await self._drop()
        session = KernelSession(self.settings)
        live.add(session)
        try:
            await session.start()
            await self._lend_again(session)
        except BaseException:
            await session.kill()
            live.remove(session)
            raise
        session.freeze()
        self._session = session
        return session

    async def _lend_again(self, session: KernelSession) -> None:
        """Hand in what was lent before; a file that has gone since is taken off the list, with a remark."""
        for name, path in list(self._inputs.items()):
            try:
                await asyncio.to_thread(_lend, session, path, name)
            except (UsageError, SandboxError) as error:
                # Or no later run, which may not want the file at all, would ever get a kernel.
                del self._inputs[name]
                why = f" ({error.why})" if error.why else ""
                self._remarks.append(f"the file {name} is not lent any more: {error.what}{why}")

    async def _run(self, source: str, wall_time: float, deliver: OnOutput | None) -> Run:
        session = await self._kernel()
        caps = Caps(size=self.settings.output * MIB, messages=self.settings.messages)
        kept = Kept(self.settings.keep_output) if self.settings.keep_output else None
        recording = Recording(caps=caps, on_output=deliver, keep=kept.write if kept else None)
        while self._remarks:
            recording.note(self._remarks.pop(0))
        start = time.monotonic()
        watch = Watch(session, recording, self.settings, wall_time=wall_time)
        task = asyncio.create_task(session.execute(source, recording))
        self._running = watch, task
        try:
            await watch.over(task)
        finally:
            self._running = None
        if kept is not None and (remark := kept.close(cut=recording.truncated or recording.flooded)):
            recording.note(remark)
        run = make_run(task.result(), recording, watch, session, seconds=time.monotonic() - start)
        if session.alive:
            session.freeze()
        else:
            self._remarks.append(LOST)
            await self._drop()
        return run

    async def _quietly(self, work: Callable[[KernelSession], Awaitable[Any]]) -> Any:
        """Do something with the kernel that is no run, and freeze it again."""
        session = await self._kernel()
        task = asyncio.ensure_future(work(session))
        self._asking = session, task
        try:
            return await task
        finally:
            self._asking = None
            if session.alive:
                session.freeze()

    async def _stop(self) -> None:
        if self._running is not None:
            watch, task = self._running
            await watch.stop(task)
        elif self._asking is not None:
            session, asked = self._asking
            await session.interrupt()
            await asyncio.wait({asked}, timeout=GRACE)
            if not asked.done():
                await session.kill()

    async def _close(self) -> None:
        await self._stop()
        await self._locked(self._drop)

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.kill()
            live.remove(session)


def _lend(session: KernelSession, path: Path, name: str) -> str:
    """Copy a file into the inbox and show it in the working directory; return its path in the inbox."""
    flat = name.replace("%", "%25").replace("/", "%2F")
    files.copy_in(path, session.manager.inbox, flat)
    inside = f"{session.manager.inbox_inside}/{flat}"
    files.show(Scratch(session.manager.scratch_outside), name, inside)
    return inside


async def _values() -> Any:
    # Loaded with the first value: a sandbox that only runs code does without.
    from jupyter_autocoder.sandbox import values

    return values


def _deliver_here(on_output: OnOutput) -> OnOutput:
    """A function for the sandboxes' thread that calls `on_output` on the loop that is running now."""
    loop = asyncio.get_running_loop()

    def deliver(output: dict[str, Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(on_output, output)

    return deliver
