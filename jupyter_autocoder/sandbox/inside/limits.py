"""rlimits: the kernel's own bounds on memory, time, files and threads."""

from __future__ import annotations

import resource
from collections.abc import Mapping


def apply(limits: Mapping[str, tuple[int, int]]) -> None:
    """Set each limit, ``(soft, hard)`` by name; the filter loaded later keeps them as they are."""
    for name, (soft, hard) in limits.items():
        resource.setrlimit(number(name), (soft, hard))


def number(name: str) -> int:
    """The constant of the `resource` module for a limit's short name."""
    return int(getattr(resource, f"RLIMIT_{name}"))
