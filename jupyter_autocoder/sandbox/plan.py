"""What one sandbox is to be: decided here on the host, carried out by the launcher inside, proved by its report."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass, field
from typing import Literal

from jupyter_autocoder.sandbox.inside.limits import number
from jupyter_autocoder.settings import SandboxSettings

Profile = Literal["exact", "notebook"]

MIB = 1 << 20
OPEN_FILES = 1024
TASKS = 1024
"""Threads (and processes, where they are allowed) of one sandbox."""
LIFETIME_FACTOR = 60
"""How many times ``cpu_time`` a kernel may use in its whole life; one run may use it once."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything the launcher inside must know; all paths are paths inside.

    `package_path` is where this package is found, `modules` are the person's own import folders. `readable` and
    `writable` are Landlock's; in `sockets` only sockets may be made; `read_only` are folders that must refuse a write.
    `parent` is the host's process that starts the sandbox, in the host's numbering. `canary` is a file of the host that
    must not be readable. `limits` are ``(soft, hard)`` by rlimit name, in the kernel's units. `report` is the
    descriptor, or the named pipe, that takes the self-test; `namespaces` are those that differ from the host's.
    """

    profile: Profile
    backend: str
    namespaces: tuple[str, ...]
    package_path: str
    connection_file: str
    scratch: str
    sockets: str
    canary: str
    report: int | str
    parent: int
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    read_only: tuple[str, ...]
    modules: tuple[str, ...] = ()
    processes: bool = False
    landlock: Literal["required", "if-available"] = "if-available"
    font_cache: str = ""
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def limits(settings: SandboxSettings, profile: Profile, *, namespaces: bool) -> dict[str, tuple[int, int]]:
    """The rlimits that `settings` ask for, lowered to what this process itself may have.

    Only the CPU's soft limit is below its hard one: it counts from the kernel's start, and the host renews it for each
    run (`Inner.renew_cpu`).
    """
    # Without a user namespace the count is of all the person's threads on this machine: no bound for one sandbox.
    tasks = {"NPROC": (TASKS,) * 2} if namespaces else {}
    lifetime = settings.cpu_time * LIFETIME_FACTOR
    wanted = {
        "AS": (settings.memory * MIB,) * 2,
        "CPU": (lifetime if profile == "notebook" else settings.cpu_time, lifetime),
        "FSIZE": (settings.file_size * MIB,) * 2,
        "NOFILE": (OPEN_FILES,) * 2,
        "CORE": (0, 0),
        **tasks,
    }
    return {name: _at_most_ours(name, *pair) for name, pair in wanted.items()}


def _at_most_ours(name: str, soft: int, hard: int) -> tuple[int, int]:
    ours = resource.getrlimit(number(name))[1]
    return (soft, hard) if ours == resource.RLIM_INFINITY else (min(soft, ours), min(hard, ours))
