"""The port: what the provisioner asks of a way to confine a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import Inner
from jupyter_autocoder.sandbox.plan import MIB, Plan
from jupyter_autocoder.sandbox.world import PACKAGE, World
from jupyter_autocoder.settings import SandboxSettings


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where things lie, seen from inside."""

    scratch: str
    home: str
    sockets: str
    inbox: str
    connection_file: str
    plan: str
    writable: tuple[str, ...]
    readable: tuple[str, ...]
    package: str = str(PACKAGE.parent)
    """The folder from which `jupyter_autocoder` is imported."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One sandbox to be started: its settings, what it may see, its folder and its clean environment."""

    settings: SandboxSettings
    world: World
    folder: Folder
    paths: Paths
    plan: Plan
    environment: dict[str, str]
    report: int
    """The descriptor that the launcher writes to, or -1 where it opens ``plan.report`` by name."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start it: `fds` are passed on, `owned` are those of them to close afterwards.

    The first inner process is the started one, unless bwrap tells its number on `info` or `ask` gives it (None as long
    as it is not known). `guard` is a command to be run when the sandbox is to go or this process has died.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    fds: tuple[int, ...] = ()
    owned: tuple[int, ...] = ()
    info: int | None = None
    ask: Callable[[], int | None] | None = None
    guard: tuple[str, ...] = ()


class Backend(Protocol):
    """A way to confine a kernel; called by the provisioner, in this order: `check`, `paths`, `launch`."""

    name: str

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Which ones differ from the host's; empty means that nothing but its own filters is around the process."""

    @property
    def bounds_processes(self) -> bool:
        """True where the number of processes is bounded, so that they may be allowed."""

    named_report: bool
    """True where no descriptor can be passed on, so that the report goes through a named pipe."""

    def check(self) -> str:
        """Say in a few words what was found; raise SandboxUnavailable where it will not do."""

    def paths(self, folder: Folder) -> Paths:
        """Tell where things will lie inside."""

    def launch(self, order: Order) -> Launch:
        """Give the command; nothing is started here."""

    def sockets(self, folder: Folder, pid: int) -> Path:
        """The socket folder as the host reaches it, once the inner process `pid` runs."""

    def watch(self, order: Order, inner: Inner) -> None:
        """Begin to enforce what the backend cannot bound by itself; called when the sandbox has proved itself."""

    def outside(self, path: str, pid: int) -> Path:
        """The path on the host under which the inside `path` of process `pid` is reached."""


# Where things lie in every sandbox that has a file system of its own.
SCRATCH = "/sandbox/scratch"
HOME = "/sandbox/home"
SOCKETS = "/sandbox/sockets"
INBOX = "/sandbox/inbox"
CONNECTION_FILE = "/sandbox/run/kernel.json"
PLAN = "/sandbox/run/plan.json"
REPORT = "/sandbox/run/report"
TMP = "/tmp"  # noqa: S108  (the sandbox's own)
SHM = "/dev/shm"  # noqa: S108  (the sandbox's own)

TMP_SIZE = 256 * MIB
HOME_SIZE = 64 * MIB
SOCKETS_SIZE = MIB

OWN_FILE_SYSTEM = Paths(
    scratch=SCRATCH,
    home=HOME,
    sockets=SOCKETS,
    inbox=INBOX,
    connection_file=CONNECTION_FILE,
    plan=PLAN,
    writable=(SCRATCH, HOME, TMP, SHM),
    readable=("/",),
)


def tmpfs_sizes(scratch: int) -> tuple[tuple[str, int], ...]:
    """The writable places of such a sandbox, each with its size in bytes."""
    return ((TMP, TMP_SIZE), (HOME, HOME_SIZE), (SCRATCH, scratch), (SHM, TMP_SIZE), (SOCKETS, SOCKETS_SIZE))


def through_proc(path: str, pid: int) -> Path:
    """The host's way to a path inside such a sandbox."""
    return Path(f"/proc/{pid}/root{path}")
