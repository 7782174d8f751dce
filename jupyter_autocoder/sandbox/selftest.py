"""The judge of the self-test: what the launcher measured inside against what the plan demands.

A fact that is missing or of a wrong type counts as failed. Nothing here repairs anything: a sandbox that cannot prove
itself is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured inside before any user code."""

    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Wall:
    """One thing that must hold: `facility` is its name, `holds` judges the facts, `mend` says what to do."""

    facility: str
    holds: Callable[[Mapping[str, Any], Plan], bool]
    mend: str


WALLS = (
    Wall("no_new_privs", lambda f, p: f["no_new_privs"] == 1, "use a newer bubblewrap"),
    Wall("capabilities", lambda f, p: f["capabilities"] == 0, "use a newer bubblewrap"),
    Wall("network", lambda f, p: not p.namespaces or f["interfaces"] == ["lo"], "allow network namespaces"),
    Wall("canary", lambda f, p: f["canary"] not in ("done", "error"), "do not add mounts"),
    Wall("limits", lambda f, p: f["limits"] == p.limits, "raise the hard limits of this process: ulimit -H -a"),
)


def judge(facts: Mapping[str, Any], plan: Plan) -> Report:
    """Give the report, or raise SandboxUnavailable naming the first wall that does not stand."""
    for wall in _fallen(facts, plan):
        raise SandboxUnavailable(
            f"the sandbox did not prove its {wall.facility}",
            facility=wall.facility,
            why=f"measured inside: {facts.get(wall.facility)!r}",
            mend=wall.mend,
        )
    return Report(facts=facts)


def _fallen(facts: Mapping[str, Any], plan: Plan) -> Iterator[Wall]:
    for wall in WALLS:
        try:
            holds = wall.holds(facts, plan)
        except (KeyError, TypeError):
            holds = False
        if not holds:
            yield wall
