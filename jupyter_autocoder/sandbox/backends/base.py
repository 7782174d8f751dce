"""The port: what the provisioner asks of a way to confine a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import Inner
from jupyter_autocoder.sandbox.plan import Plan
from jupyter_autocoder.sandbox.world import World
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


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start it: `fds` are passed on, `owned` are those of them to close afterwards.

    From `info`, where it is given, the first inner process's number can be read once it runs.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    fds: tuple[int, ...] = ()
    owned: tuple[int, ...] = ()
    info: int | None = None


class Backend(Protocol):
    """A way to confine a kernel; called by the provisioner, in this order: `check`, `paths`, `launch`."""

    name: str
    namespaces: bool
    """True where the sandbox has a file system and process numbers of its own."""

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
