"""What one sandbox is to be: decided here on the host, carried out by the launcher inside, proved by its report."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass, field
from typing import Literal

from jupyter_autocoder.settings import SandboxSettings

Profile = Literal["exact", "notebook"]

MIB = 1 << 20
OPEN_FILES = 1024
TASKS = 1024
"""Threads (and processes, where they are allowed) of one sandbox."""
NOTEBOOK_CPU_FACTOR = 60
"""A person's kernel lives for hours and has nobody who renews its CPU limit for each cell."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything the launcher inside must know; paths are paths inside.

    `limits` are rlimits by name, in the kernel's units. `writable` are folders, `sockets` is where only sockets may
    be made. `canary` is a file of the host that must not be readable. `report` is the descriptor that the launcher
    writes its report to.
    """

    profile: Profile
    backend: str
    connection_file: str
    scratch: str
    sockets: str
    canary: str
    report: int
    python_path: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ("/",)
    processes: bool = False
    namespaces: bool = True
    landlock: Literal["required", "if-available"] = "if-available"
    font_cache: str = ""
    limits: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def limits(settings: SandboxSettings, profile: Profile) -> dict[str, int]:
    """The rlimits that `settings` ask for, lowered to what this process itself may have."""
    cpu = settings.cpu_time * (NOTEBOOK_CPU_FACTOR if profile == "notebook" else 1)
    wanted = {
        "AS": settings.memory * MIB,
        "CPU": cpu,
        "FSIZE": settings.file_size * MIB,
        "NOFILE": OPEN_FILES,
        "NPROC": TASKS,
        "CORE": 0,
    }
    return {name: _at_most_ours(name, value) for name, value in wanted.items()}


def _at_most_ours(name: str, value: int) -> int:
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
