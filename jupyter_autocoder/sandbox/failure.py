"""What a backend's own words on its error stream mean: which facility is missing, and what mends it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_autocoder.errors import SandboxDied, SandboxUnavailable
from jupyter_autocoder.sandbox import machine

NO_NAMESPACE = (
    "No permissions to create",
    "Creating new namespace failed",
    "setting up uid map",
    "Failed to make / slave",
    "Unable to set up user namespace",
    "loopback: Failed RTM_NEWADDR",
    "cannot clone",
    "pivot_root",
    "stranger: ",
)
NO_PROC = ("Can't mount proc", "Failed to mount proc")
NO_NESTING_LIMIT = ("max_user_namespaces", "cannot disable creation of user namespaces")
NO_PYTHON = ("execvp", "Can't find source path", "No module named", "encodings")
NO_SPACE = ("No space left on device",)
LAST_WORDS = 2000


def explain(
    said: str, *, ended: bool, root: Path = machine.ROOT, environ: Mapping[str, str] | None = None
) -> SandboxUnavailable:
    """Make the error for a sandbox that did not prove itself, from what it `said`.

    `ended` tells a process that ended from one that was ended because it took too long.
    """
    text = said.strip()[-LAST_WORDS:]
    facility, mend = _meaning(text, root, environ)
    what = "the sandbox ended before it had proved itself" if ended else "the sandbox did not prove itself in time"
    return SandboxUnavailable(
        f"{what}, so nothing was run", facility=facility, why=text or "it said nothing", mend=mend
    )


def before_ready(said: str) -> SandboxDied:
    """Make the error for a kernel that was confined and then could not become one, from what it `said`."""
    missing = re.findall(r"No module named '([\w.]+)'", said)
    do = (
        f"install {missing[-1].partition('.')[0]} into {sys.prefix}, or name the folder it lies in under "
        "sandbox.modules: folders that a .pth file or PYTHONPATH adds are not shown to generated code"
        if missing
        else "run `jupyter autocoder doctor`"
    )
    last = (said.strip() or "it said nothing").splitlines()[-1]
    return SandboxDied("the sandboxed kernel ended before it was ready", why=last, do=do)


def _meaning(text: str, root: Path, environ: Mapping[str, str] | None) -> tuple[str, str]:
    if _has(text, NO_NAMESPACE + NO_NESTING_LIMIT + NO_PROC):
        return _namespaces(root, environ)
    if _has(text, NO_PYTHON):
        return "python environment", "create the Python environment again, then restart the kernel or server"
    if _has(text, NO_SPACE):
        return "temporary folder", "free some space in the temporary folder"
    return "start", "jupyter autocoder doctor"


def _namespaces(root: Path, environ: Mapping[str, str] | None) -> tuple[str, str]:
    obstacle = machine.namespace_obstacle(root, environ)
    if obstacle is not None:
        return obstacle.facility, obstacle.mend
    return "user namespaces", machine.container_mend(root, environ) or "sudo sysctl -w user.max_user_namespaces=15000"


def _has(text: str, signs: tuple[str, ...]) -> bool:
    return any(sign in text for sign in signs)
