"""What works here, what does not, and what mends it: the sandbox's part of ``jupyter autocoder doctor``."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.errors import AutocoderError, SandboxUnavailable
from jupyter_autocoder.sandbox import folder, machine
from jupyter_autocoder.sandbox.backends import backend
from jupyter_autocoder.sandbox.inside import landlock, seccomp
from jupyter_autocoder.sandbox.world import world
from jupyter_autocoder.settings import SandboxSettings

LEAST_FREE = 64 << 20
"""Bytes that the runtime folder should have free."""


class Finding(NamedTuple):
    """One line of the doctor's: `mend` is empty where nothing has to be done."""

    facility: str
    ok: bool
    detail: str
    mend: str


def diagnose(settings: SandboxSettings | None = None) -> list[Finding]:
    """Look at each facility, then start a sandbox and end it again; takes about half a second, raises nothing.

    A facility that is not ok does not always stop the sandbox (Landlock may be optional): the last line tells whether
    it works as a whole.
    """
    settings = settings_module.current().sandbox if settings is None else settings
    return [*_facilities(settings), _whole(settings)]


def _facilities(settings: SandboxSettings) -> Iterator[Finding]:
    yield _checked("platform", _platform)
    yield _checked("python environment", lambda: f"{world(settings.modules).python}")
    yield _runtime_folder()
    yield _checked(settings.backend, lambda: backend(settings).check())
    if settings.backend == "bubblewrap":
        yield _namespaces()
    yield _seccomp()
    yield _landlock(settings)
    yield _user(settings)


def _checked(facility: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(facility, True, look(), "")
    except SandboxUnavailable as error:
        return Finding(error.facility, False, f"{error.what}: {error.why}".rstrip(": "), error.mend)
    except AutocoderError as error:
        return Finding(facility, False, error.what, error.do)


def _platform() -> str:
    if sys.platform != "linux":
        raise SandboxUnavailable(
            "sandboxes run on Linux only",
            facility="platform",
            why=f"this is {platform.system()}",
            mend="use Linux, WSL 2, a container or a JupyterHub for code that runs; asking and checking work here",
        )
    return f"Linux {platform.release()} on {platform.machine()}, {machine.container() or 'no'} container"


def _runtime_folder() -> Finding:
    base = folder.runtime_base()
    free = shutil.disk_usage(base).free
    detail = f"{base}, {free >> 20} MiB free"
    return Finding(
        "temporary folder", free >= LEAST_FREE, detail, "" if free >= LEAST_FREE else f"free space in {base}"
    )


def _namespaces() -> Finding:
    obstacle = machine.namespace_obstacle()
    if obstacle is None:
        return Finding("user namespaces", True, "no switch forbids them", "")
    return Finding(obstacle.facility, False, obstacle.why, obstacle.mend)


def _seccomp() -> Finding:
    try:
        return Finding("seccomp", True, f"a filter for {seccomp.machine()}", "")
    except OSError as error:
        return Finding("seccomp", False, str(error), "use an x86_64 or aarch64 machine")


def _landlock(settings: SandboxSettings) -> Finding:
    version = landlock.version()
    if version:
        return Finding("landlock", True, f"ABI {version}", "")
    optional = settings.landlock == "if-available" and settings.backend == "bubblewrap"
    mend = "boot with lsm=landlock,... on the kernel's command line (Linux 5.13 or later)"
    return Finding("landlock", False, "not there; a second wall is missing" if optional else "not there", mend)


def _user(settings: SandboxSettings) -> Finding:
    if settings.processes and not backend(settings).bounds_processes:
        mend = "set processes = false under [sandbox], or use another backend"
        return Finding("user", False, "nothing would bound the number of processes with this backend", mend)
    if os.geteuid() != 0:
        return Finding("user", True, f"uid {os.geteuid()}", "")
    if settings.backend == "landlock":
        return Finding("user", True, "root: without a namespace the sandbox keeps that user, without its powers", "")
    return Finding("user", True, "root: the sandbox's processes run as a user that owns nothing", "")


def _whole(settings: SandboxSettings) -> Finding:
    """Start a sandbox and read its self-test. A thread of its own: the caller may have a loop running."""
    result: list[Finding] = []
    thread = threading.Thread(target=lambda: result.append(_checked("sandbox", lambda: asyncio.run(_start(settings)))))
    thread.start()
    thread.join()
    return result[0] if result else Finding("sandbox", False, "the trial broke off", "report this as a bug")


async def _start(settings: SandboxSettings) -> str:
    from jupyter_autocoder.sandbox.manager import new_manager

    manager = new_manager(settings)
    try:
        await manager.start_kernel()
        report = manager.provisioner.report
        await manager.shutdown_kernel(now=True)
    finally:
        manager.context.destroy(linger=0)
    walls = len(report.facts) if report else 0
    return f"{settings.backend} works: {walls} facts measured inside are as they must be"
