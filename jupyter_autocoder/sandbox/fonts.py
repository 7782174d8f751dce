"""matplotlib's list of fonts, made once per environment and handed to each sandbox.

A sandbox's home is empty, so matplotlib would look through all fonts of the system at every start: seconds where many
are installed. The list is made on the host by matplotlib itself, in the background, never taken from a sandbox (what
comes out of one is not trusted). Until it is ready, sandboxes do without.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from importlib import metadata
from pathlib import Path

from jupyter_autocoder.sandbox import spawn
from jupyter_autocoder.sandbox.folder import Folder

TIMEOUT = 120.0
HIDDEN = ".fonts"
"""The folder in the inbox."""


def hand_in(folder: Folder) -> str:
    """Put the list into the inbox, if there is one already; give its path below the inbox, else an empty text."""
    ready = _ready()
    if ready is None:
        return ""
    target = folder.inbox / HIDDEN
    with contextlib.suppress(OSError):  # a sandbox without it only draws later
        target.mkdir(mode=0o755, exist_ok=True)
        shutil.copyfile(ready, target / ready.name)
        (target / ready.name).chmod(0o644)
        return f"{HIDDEN}/{ready.name}"
    return ""


def cache_folder() -> Path | None:
    """Where the list of this environment and this version of matplotlib is kept; None without matplotlib."""
    try:
        version = metadata.version("matplotlib")
    except metadata.PackageNotFoundError:
        return None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = hashlib.sha256(f"{sys.prefix} {version}".encode()).hexdigest()[:16]
    return Path(base) / "jupyter-autocoder" / f"fonts-{name}"


def make(folder: Path) -> None:
    """Have matplotlib make its list, in a process of its own with an empty home, and move it to `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="making-") as home:
        environment = {"HOME": home, "MPLCONFIGDIR": f"{home}/made", "PATH": "/usr/bin:/bin"}
        command = (sys.executable, "-P", "-s", "-c", "import matplotlib.font_manager")
        process = spawn.popen(command, env=environment).result(timeout=TIMEOUT)
        atexit.register(process.kill)
        try:
            process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            atexit.unregister(process.kill)
        # Another process may have been faster; its list is as good.
        with contextlib.suppress(OSError):
            os.rename(f"{home}/made", folder)


def _ready() -> Path | None:
    folder = _folder()
    if folder is None:
        return None
    found = sorted(folder.glob("fontlist-v*.json"))
    if found:
        return found[-1]
    _make_in_background(folder)
    return None


@functools.cache
def _folder() -> Path | None:
    return cache_folder()


@functools.cache
def _make_in_background(folder: Path) -> None:
    """Once in this process's life, whether it works or not."""

    def attempt() -> None:
        with contextlib.suppress(OSError):  # no cache can be written here: every sandbox looks for itself
            make(folder)

    threading.Thread(target=attempt, name="sandbox-fonts", daemon=True).start()
