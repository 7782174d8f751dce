"""Processes, signals and threads that outlive the run."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("process", ()):
        yield Hit(offence.node, f"{offence.path!r} reaches other processes or goes on after the run")


RULE = Rule(
    id="process",
    summary="Processes or background threads are used.",
    reason="A child process would run what nobody checked, and a thread goes on when its run is over.",
    fix="Compute it in this program; for parallel waiting use concurrent.futures.ThreadPoolExecutor in a with block.",
    find=_find,
)
