"""Landlock and seccomp without namespaces: weaker, for containers and CI runners that forbid user namespaces.

It is used only where the configuration says ``backend = "landlock"``, never as a fall-back. The launcher confines
itself; nothing stands around it. What it stops: reading and writing any file but the interpreter's and its own folder,
changing modes, owners and times of files by name, every network socket, connecting to anybody's Unix socket, signals to
and inspection of other processes, new processes and programs, and all the calls that both filters refuse.

`LETS_THROUGH` is the published list of what it does not stop, compared with bubblewrap.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox.backends.base import Launch, Order, Paths
from jupyter_autocoder.sandbox.backends.watcher import watch_size
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import Inner
from jupyter_autocoder.sandbox.inside import landlock
from jupyter_autocoder.sandbox.plan import MIB

OLDEST_ABI = 3
"""Linux 6.2: before it, truncate() by name was open to all."""

LETS_THROUGH = (
    "names, sizes, owners and times of any file can be asked for (stat), though no folder can be listed",
    "the numbers of other processes can be guessed and found to exist (stat of /proc/<pid>)",
    "host name, kernel version, number and load of processors, and the names of network interfaces can be read",
    "scratch, home and temporary files lie on the host's disk: a watcher ends the sandbox within half a second of their"
    " passing the limit, where a tmpfs would have refused the write",
    "sockets made in the socket folder are bounded in number only by the file system",
    "the number of threads is bounded by the memory limit alone",
    "not a hole but a difference: shared memory (/dev/shm) does not work, chmod and utime by name do nothing",
    "when the host process is killed, the sandbox's folder stays until the next sandbox starts (as with all backends)",
)

READABLE = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")


class Landlock:
    """The backend for where nothing better is allowed."""

    name = "landlock"
    namespaces: tuple[str, ...] = ()
    bounds_processes = False
    named_report = False

    def check(self) -> str:
        abi = landlock.version()
        if abi < OLDEST_ABI:
            raise SandboxUnavailable(
                "this kernel's Landlock will not do",
                facility="landlock",
                why=f"its ABI is {abi}, and {OLDEST_ABI} is the oldest that will do" if abi else "it has none",
                mend="use Linux 6.2 or later with landlock in /sys/kernel/security/lsm, or another backend",
            )
        return f"Landlock ABI {abi} (weaker than bubblewrap: no namespaces)"

    def paths(self, folder: Folder) -> Paths:
        for name in ("scratch", "home", "tmp", "sockets"):
            # A restart begins with nothing, as it does where these are a tmpfs.
            shutil.rmtree(folder.path / name, ignore_errors=True)
            (folder.path / name).mkdir(mode=0o700)
        writable = tuple(str(folder.path / name) for name in ("scratch", "home", "tmp"))
        return Paths(
            scratch=str(folder.path / "scratch"),
            home=str(folder.path / "home"),
            sockets=str(folder.sockets),
            inbox=str(folder.inbox),
            connection_file=str(folder.path / "inside.json"),
            plan=str(folder.path / "plan.json"),
            writable=writable,
            readable=(*READABLE, str(folder.inbox), str(folder.path / "inside.json")),
        )

    def launch(self, order: Order) -> Launch:
        return Launch(
            argv=(order.world.python, "-P", order.world.launcher, order.paths.plan),
            env={**order.environment, "TMPDIR": str(order.folder.path / "tmp")},
            fds=(order.report,),
        )

    def sockets(self, folder: Folder, pid: int) -> Path:
        return folder.sockets

    def watch(self, order: Order, inner: Inner) -> None:
        watch_size(order.paths.writable, order.settings.scratch * MIB, inner)

    def outside(self, path: str, pid: int) -> Path:
        return Path(path)
