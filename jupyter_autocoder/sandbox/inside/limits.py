"""rlimits: the kernel's own bounds on memory, time, files and threads."""

from __future__ import annotations

import resource
from collections.abc import Mapping


def apply(limits: Mapping[str, int]) -> None:
    """Set each limit, soft and hard alike, so that nothing inside can raise it again."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
