"""A kernel manager for one sandbox of ours: `Sandbox` and the pool start kernels with it.

The contract::

    km = new_manager(settings)            # not started; raises nothing
    await km.start_kernel()               # SandboxUnavailable when no sandbox can be made; nothing is left then
    km.client()                           # an AsyncKernelClient over ipc sockets
    await km.interrupt_kernel()           # a message on the control channel
    await km.shutdown_kernel(now=True)    # SIGKILL; afterwards no process, mount or folder is left

Start it from any thread: the process itself is started by the one lasting thread in `spawn`.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.sandbox.plan import Profile
from jupyter_autocoder.sandbox.provisioner import SandboxProvisioner
from jupyter_autocoder.settings import SandboxSettings

ON_HOST = ["autocoder-sandbox"]
"""The kernelspec's argv; never run: the provisioner builds the command."""


class SandboxManager(AsyncKernelManager):
    """Manages one sandboxed kernel. The attributes below `provisioner` are valid while it runs."""

    provisioner: SandboxProvisioner

    @property
    def backend(self) -> str:
        """``bubblewrap``, ``landlock``, ``podman`` or ``docker``."""
        return self.provisioner.backend.name

    @property
    def scratch(self) -> str:
        """The kernel's working directory, inside: the only place for files that are to come out."""
        return self.provisioner.paths.scratch

    @property
    def scratch_outside(self) -> Path:
        """The same folder as the host reaches it; gone when the sandbox ends. Its content is hostile: no symlink,
        no name and no mode in it may be trusted."""
        return self.provisioner.outside(self.scratch)

    @property
    def inbox(self) -> Path:
        """The host's folder that is shown inside, read-only, as `inbox_inside`; files may be copied in at any time."""
        assert self.provisioner.folder is not None
        return self.provisioner.folder.inbox

    @property
    def inbox_inside(self) -> str:
        return self.provisioner.paths.inbox

    @property
    def inner_pid(self) -> int | None:
        """The host's number of the first process inside; its ``/proc/<pid>/root`` is the sandbox's root."""
        return self.provisioner.inner.pid if self.provisioner.inner else None

    @property
    def kernel_pid(self) -> int | None:
        """The host's number of the kernel process."""
        return self.provisioner.inner.kernel_pid if self.provisioner.inner else None

    @property
    def stderr_tail(self) -> str:
        """The end of what the kernel wrote to its real error stream: for a person, when it died at start."""
        return self.provisioner.said()

    def peak_memory(self) -> int | None:
        """The kernel's largest resident size so far, in bytes; None when it is gone. Ask before the kill."""
        return self.provisioner.inner.peak_memory() if self.provisioner.inner else None

    def cpu_seconds(self) -> float | None:
        """CPU seconds used by the kernel since its start; None when it is gone."""
        return self.provisioner.inner.cpu_seconds() if self.provisioner.inner else None

    def renew_cpu_limit(self) -> None:
        """Give the next run its full ``cpu_time``; the executor calls this before each run."""
        if self.provisioner.inner:
            self.provisioner.inner.renew_cpu(self.provisioner.settings.cpu_time)

    @property
    def ended_by(self) -> str | None:
        """Why the kernel ended by itself: ``cpu_time``, ``disk``, ``killed``, ``exit``; None while it runs."""
        return self.provisioner.ended_by()


def new_manager(settings: SandboxSettings | None = None, *, profile: Profile = "exact") -> SandboxManager:
    """Give a manager that is not started; `settings` default to this process's."""
    spec = KernelSpec(argv=ON_HOST, display_name="Python (sandboxed)", language="python", interrupt_mode="message")
    manager = SandboxManager(kernel_name="autocoder-sandbox", kernel_id=str(uuid.uuid4()), shutdown_wait_time=2.0)
    manager._kernel_spec = spec  # the installed file may be missing, old or edited: it has no say here
    manager.client_factory = AsyncKernelClient
    provisioner = SandboxProvisioner(kernel_id=manager.kernel_id, kernel_spec=spec, parent=manager)
    provisioner.settings = settings_module.current().sandbox if settings is None else settings
    provisioner.profile = profile
    manager.provisioner = provisioner
    return manager
