"""The judge of the self-test: what the launcher measured inside against what the plan demands.

A fact that is missing or of a wrong type counts as failed. Nothing here repairs anything: a sandbox that cannot prove
itself is killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox.plan import Plan

Facts = Mapping[str, Any]

NOT_SUPPORTED = frozenset({"EOPNOTSUPP", "ENOTSUP"})
"""Two names of one number on Linux; which one Python tells is not promised."""
NO_MOUNTS = "remove what adds mounts to the sandbox"
OLD_PROGRAM = "install the newest bubblewrap of your distribution"
OLD_KERNEL = "use a Linux kernel with CONFIG_SECCOMP_FILTER (any distribution's own has it)"
NO_NAMESPACES = "sysctl -w user.max_user_namespaces=15000"
NO_LANDLOCK = "boot with lsm=landlock,... on the kernel's command line, or set sandbox.landlock to if-available"
LOW_LIMITS = "ulimit -H -a shows the limits of this process; raise the one that is named"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured inside before any user code."""

    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Wall:
    """One thing that must hold: `facility` is its name, `holds` judges the facts, `mend` says what to do."""

    facility: str
    holds: Callable[[Facts, Plan], bool]
    mend: str
    also: str = ""
    """A second fact that the judgement rests on."""


def _all_refused(outcomes: Facts) -> bool:
    return all(outcome in {"EROFS", "EACCES", "EPERM", "ENOENT"} for outcome in outcomes.values())


def _isolated(facts: Facts, plan: Plan) -> bool:
    """Each namespace is another one than this process's own."""
    inside = facts["namespaces"]
    return all(
        str(inside[name]).startswith(f"{name}:[") and inside[name] != os.readlink(f"/proc/self/ns/{name}")
        for name in plan.namespaces
    )


def _landlock_as_demanded(facts: Facts, plan: Plan) -> bool:
    """Where Landlock holds, no file can be made in the socket folder; without it the plan must not demand it."""
    if type(facts["landlock"]) is int and facts["landlock"] > 0:
        return bool(facts["sockets"] == "EACCES")
    return plan.landlock != "required" and bool(plan.namespaces)


WALLS = (
    Wall("no_new_privs", lambda f, p: f["no_new_privs"] == 1, OLD_PROGRAM),
    Wall("seccomp", lambda f, p: f["seccomp"] == 2 and f["internet"] in NOT_SUPPORTED, OLD_KERNEL, "internet"),
    Wall("capabilities", lambda f, p: f["capabilities"] == 0, OLD_PROGRAM),
    Wall("namespaces", _isolated, NO_NAMESPACES),
    Wall("new_namespace", lambda f, p: f["new_namespace"] == "EPERM", OLD_KERNEL),
    Wall("interfaces", lambda f, p: not p.namespaces or f["interfaces"] == ["lo"], NO_NAMESPACES),
    # With a file system of its own the path must not exist at all: "not permitted" would mean that it is there.
    Wall("canary", lambda f, p: f["canary"] == ("ENOENT" if p.namespaces else "EACCES"), NO_MOUNTS),
    Wall(
        "read_only", lambda f, p: set(f["read_only"]) == set(p.read_only) and _all_refused(f["read_only"]), OLD_PROGRAM
    ),
    Wall("landlock", _landlock_as_demanded, NO_LANDLOCK),
    Wall("fork", lambda f, p: p.processes or f["fork"] == "EPERM", OLD_KERNEL),
    Wall("execute", lambda f, p: p.processes or f["execute"] == "EPERM", OLD_KERNEL),
    Wall("connect", lambda f, p: bool(p.namespaces) or f["connect"] == "EPERM", OLD_KERNEL),
    Wall("signal", lambda f, p: bool(p.namespaces) or f["signal"] == "EPERM", OLD_KERNEL),
    Wall("change_mode", lambda f, p: bool(p.namespaces) or f["change_mode"] == "EPERM", OLD_KERNEL),
    Wall("other_process", lambda f, p: bool(p.namespaces) or f["other_process"] == "EACCES", NO_LANDLOCK),
    Wall("limits", lambda f, p: f["limits"] == {name: list(pair) for name, pair in p.limits.items()}, LOW_LIMITS),
)


def judge(facts: Mapping[str, Any], plan: Plan) -> Report:
    """Give the report, or raise SandboxUnavailable naming the first wall that does not stand."""
    for wall in _fallen(facts, plan):
        raise SandboxUnavailable(
            f"the sandbox did not prove its wall {wall.facility!r}, so nothing was run",
            facility=wall.facility,
            why="measured inside: "
            + ", ".join(f"{name} = {facts.get(name)!r}" for name in (wall.facility, wall.also) if name),
            mend=wall.mend,
        )
    return Report(facts=facts)


def _fallen(facts: Mapping[str, Any], plan: Plan) -> Iterator[Wall]:
    for wall in WALLS:
        try:
            holds = wall.holds(facts, plan)
        except (KeyError, TypeError, AttributeError):
            holds = False
        if not holds:
            yield wall
