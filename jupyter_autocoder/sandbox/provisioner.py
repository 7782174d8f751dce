"""The kernel provisioner: whatever starts Jupyter kernels starts sandboxed ones through this class.

jupyter_client finds it under the entry point ``autocoder-sandbox`` (nbclient, Jupyter Server, papermill, a person who
picks "Python (sandboxed)"); `manager.new_manager` uses it directly. What the kernel may do is decided here, from the
settings of this process: a kernelspec's ``argv``, ``env`` and ``config``, and the environment, arguments and working
directory of a start request, are ignored or refused, never obeyed.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import environment, fonts, janitor, selftest, stranger
from jupyter_autocoder.sandbox.backends import REPORT, Backend, Order, Paths, backend
from jupyter_autocoder.sandbox.etc import write_etc
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import PATIENCE, Inner
from jupyter_autocoder.sandbox.plan import Plan, Profile, limits
from jupyter_autocoder.sandbox.process import Channel, Started, start
from jupyter_autocoder.sandbox.world import PACKAGE, world
from jupyter_autocoder.settings import SandboxSettings

ENDINGS = {int(signal.SIGXCPU): "cpu_time", int(signal.SIGKILL): "killed"}
OURS = frozenset({"kernel_id", "kernel_spec", "parent"})


class SandboxProvisioner(LocalProvisioner):
    """Starts, signals and ends one sandboxed kernel; `settings` and `profile` are set by code only."""

    settings: SandboxSettings
    profile: Profile = "notebook"
    inner: Inner | None = None
    report: selftest.Report | None = None

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.keys() - OURS:
            raise SandboxUnavailable(
                "kernel.json tries to configure the sandbox",
                facility="kernel.json",
                why=f"its kernel_provisioner has a config with {', '.join(sorted(kwargs.keys() - OURS))}",
                mend="remove it: the sandbox is configured in autocoder.toml under [sandbox]",
            )
        super().__init__(**kwargs)
        self.settings = settings_module.current().sandbox
        self.folder: Folder | None = None
        self._started: Started | None = None
        self._said = ""
        self._backend: Backend | None = None
        self._paths: Paths | None = None

    # -- what the host asks about a running sandbox --------------------------------------------------------------------
    @property
    def backend(self) -> Backend:
        if self._backend is None:
            self._backend = backend(self.settings)
        return self._backend

    @property
    def paths(self) -> Paths:
        """Where things lie, seen from inside; known from `pre_launch` on."""
        if self._paths is None:
            raise RuntimeError("the sandbox has not been started")
        return self._paths

    def outside(self, path: str) -> Path:
        """The path on the host that leads to the inside `path` of the running sandbox."""
        if self.inner is None:
            raise RuntimeError("the sandbox is not running")
        return self.backend.outside(path, self.inner.pid)

    def ended_by(self) -> str | None:
        """Why the process ended: ``cpu_time``, ``disk``, ``killed`` or ``exit``; None while it runs."""
        code = None if self._started is None else self._started.process.poll()
        if code is None:
            return None
        if self.inner is not None and self.inner.killed_for is not None:
            return self.inner.killed_for
        # bwrap tells a signal of its child as 128 + number, a direct child has it negative.
        number = -code if code < 0 else code - 128
        return ENDINGS.get(number, "exit")

    def said(self) -> str:
        """What the sandbox wrote to its real error stream; remembered when it has ended."""
        return self._started.said() if self._started is not None else self._said

    # -- jupyter_client's port -----------------------------------------------------------------------------------------
    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Make the folder and the connection file; called before each start, a restart's too."""
        self.backend.check()
        if self.settings.processes:
            self._require_bounded_processes()
        if self.folder is None:
            janitor.attend()
            self.folder = Folder()
        try:
            self._paths = self.backend.paths(self.folder)
            self._write_connection_files(self.folder, self._paths)
            write_etc(self.folder)
        except BaseException:
            await self.cleanup()
            raise
        return {"cmd": [], "env": {}}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the sandbox and require its self-test. Raises SandboxUnavailable, with nothing left behind."""
        try:
            await self._launch()
        except BaseException:
            await self._remove_all()
            raise
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """Interrupts go to the kernel inside: SIGINT to the process group would end the sandbox itself."""
        if self.inner is not None and signum == signal.SIGINT:
            self.inner.interrupt()
        elif signum in (signal.SIGTERM, signal.SIGKILL):
            self._kill()

    async def kill(self, restart: bool = False) -> None:
        self._kill()
        await self._end_of_process(PATIENCE)

    async def terminate(self, restart: bool = False) -> None:
        self._kill()

    async def wait(self) -> int | None:
        """Wait until the last process inside has ended, not only the one outside."""
        await self._end_of_process(math.inf)
        code: int | None = await super().wait()
        if self.inner is not None:
            await self.inner.gone()
        return code

    async def cleanup(self, restart: bool = False) -> None:
        """Forget the processes; remove the folder unless the kernel is about to start again in it."""
        if self.inner is not None:
            self.inner.close()
            self.inner = None
        if self._started is not None:
            self._said = self._started.said()
            await self._started.close()
            self._started = None
        if self.folder is not None and not restart:
            self.folder.close()
            self.folder = None

    def _require_bounded_processes(self) -> None:
        if self.backend.bounds_processes:
            return
        why = "RLIMIT_NPROC bounds them only in a user namespace, and not for root"
        raise SandboxUnavailable(
            "processes cannot be allowed in this sandbox: nothing would bound their number",
            facility="processes",
            why=why,
            mend='work as another user than root with backend = "bubblewrap", or set processes = false under [sandbox]',
        )

    def _require_no_root(self, inner: Inner) -> None:
        """Landlock alone has nobody else to be; its filters take the place of what a stranger could not do."""
        if self.backend.namespaces and stranger.is_needed() and inner.user() in (0, None):
            raise SandboxUnavailable(
                "the sandbox runs as root, so nothing was run",
                facility="user",
                why="becoming another user has failed",
                mend="start Jupyter as another user than root",
            )

    async def _end_of_process(self, patience: float) -> None:
        """Wait at most `patience` seconds; jupyter_client looks ten times a second, which is felt at each end."""
        deadline = time.monotonic() + patience
        while self.process is not None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                return
            await asyncio.sleep(0.005)

    # -- parts ---------------------------------------------------------------------------------------------------------
    def _write_connection_files(self, folder: Folder, paths: Paths) -> None:
        manager: Any = self.parent
        manager.transport = "ipc"
        manager.ip = str(folder.sockets / "s")
        manager.connection_file = str(folder.path / "kernel.json")
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()
        inside = json.loads(Path(manager.connection_file).read_text())
        inside["ip"] = f"{paths.sockets}/s"
        folder.write("inside.json", json.dumps(inside))

    async def _launch(self) -> None:
        assert self.folder is not None
        channel = Channel(self.folder, named=self.backend.named_report)
        try:
            order = self._order(self.folder, channel)
            self._started = await start(self.backend.launch(order))
            channel.close_write()
            self.process = self._started.process
            self.pid = self.pgid = self.process.pid
            self.cwd = "/"
            pid = await self._started.inner_pid()
            self.inner = Inner(pid)
            if self.backend.namespaces:
                self.folder.link_sockets(self.backend.sockets(self.folder, pid))
            self.report = await self._started.report(channel, order.plan)
            self._require_no_root(self.inner)
        finally:
            channel.close()
        self.backend.watch(order, self.inner)

    def _order(self, folder: Folder, channel: Channel) -> Order:
        paths, shown = self.paths, world(self.settings.modules)
        fonts_inside = fonts.hand_in(folder)
        plan = Plan(
            profile=self.profile,
            backend=self.backend.name,
            namespaces=self.backend.namespaces,
            package_path=paths.package,
            connection_file=paths.connection_file,
            scratch=paths.scratch,
            sockets=paths.sockets,
            canary=str(folder.write("canary", "this must not be readable inside\n")),
            report=REPORT if self.backend.named_report else channel.write,
            parent=os.getpid(),
            readable=(*paths.readable, *(shown.trees if not self.backend.namespaces else ())),
            writable=paths.writable,
            read_only=("/", "/dev", "/usr", paths.inbox, f"{paths.package}/{PACKAGE.name}"),
            modules=self.settings.modules,
            processes=self.settings.processes,
            landlock=self.settings.landlock,
            font_cache=f"{paths.inbox}/{fonts_inside}" if fonts_inside else "",
            limits=limits(self.settings, self.profile, namespaces=bool(self.backend.namespaces)),
        )
        folder.write("plan.json", plan.to_json())
        return Order(
            settings=self.settings,
            world=shown,
            folder=folder,
            paths=paths,
            plan=plan,
            environment=environment.build(home=paths.home, scratch=paths.scratch),
            report=channel.write,
        )

    def _kill(self) -> None:
        if self.inner is not None:
            self.inner.kill()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    async def _remove_all(self) -> None:
        self._kill()
        if self.process is not None:
            await self.wait()
        await self.cleanup()
