"""What of the host's file system is shown inside, read-only: the system's programs and the interpreter's whole world.

Never the root folder, a home or a project: only `/usr`, the prefixes that this interpreter is made of (venv, its base
under pyenv, uv, conda or the system), its user site, our own package and the folders of ``sandbox.modules``.
"""

from __future__ import annotations

import functools
import os
import site
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_autocoder.errors import SandboxUnavailable, SettingsError

PACKAGE = Path(__file__).resolve().parent.parent
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ETC = (
    "alternatives",  # Debian's BLAS is a link through here
    "fonts",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "timezone",
)
"""Parts of /etc that hold no secrets and that correct code reads."""
SECRETS = ("pip.conf", "etc/jupyter", "etc/pip.conf")
"""What may lie in a prefix and hold tokens or passwords."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Read-only parts of the host. `trees` keep their paths; `links` are ``(target, path)``; `hidden` lie in a tree."""

    python: str
    launcher: str
    trees: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]


def world(modules: tuple[str, ...] = ()) -> World:
    """Look at the running interpreter. Raises SandboxUnavailable when it is gone or its prefix is no proper folder."""
    python = Path(sys.executable)
    if not python.exists():
        raise SandboxUnavailable(
            "the Python that runs this is not there any more",
            facility="python environment",
            why=f"{python or 'its path'} does not exist",
            mend="restore or create the environment again, then restart the kernel or server",
        )
    trees = [*_system_trees(), *_interpreter(python), str(PACKAGE), str(launcher().parent), *_modules(modules)]
    kept = _without_nested(trees)
    hidden = [
        f"{tree}/{name}" for tree in (*kept, "/usr/local") for name in SECRETS if os.path.exists(f"{tree}/{name}")
    ]
    return World(
        python=str(python),
        launcher=str(launcher()),
        trees=tuple(kept),
        links=tuple(_system_links()),
        hidden=tuple(hidden),
    )


def launcher() -> Path:
    """The launcher that belongs to this very package: beside it when installed, in ``kernel/`` of a source tree."""
    installed = Path(__file__).with_name("kernel") / "launcher.py"
    return installed if installed.exists() else PACKAGE.parent / "kernel" / "launcher.py"


def _system_trees() -> Iterator[str]:
    yield "/usr"
    for name in SYSTEM_LINKS:
        if os.path.isdir(f"/{name}") and not os.path.islink(f"/{name}"):
            yield f"/{name}"
    for name in ETC:
        if os.path.exists(f"/etc/{name}"):
            yield f"/etc/{name}"


def _system_links() -> Iterator[tuple[str, str]]:
    for name in SYSTEM_LINKS:
        if os.path.islink(f"/{name}"):
            yield os.readlink(f"/{name}"), f"/{name}"


def _interpreter(python: Path) -> Iterator[str]:
    for prefix in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        yield from _both(prefix)
    # Every link on the way from the venv's python to the real one must lead somewhere inside as well.
    link = python
    while link.is_symlink():
        link = link.parent / os.readlink(link)
        yield from _prefix_of(link)
    if site.ENABLE_USER_SITE and os.path.isdir(site.getusersitepackages()):
        yield from _both(site.getusersitepackages())
    for folder in site.getsitepackages():
        yield from _linked_packages(folder)


def _prefix_of(executable: Path) -> Iterator[str]:
    if executable.parent.name == "bin":
        yield from _both(str(executable.parent.parent))


@functools.cache
def _linked_packages(folder: str) -> tuple[str, ...]:
    """Packages that an installer only linked into site-packages (uv's ``link-mode = "symlink"``)."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_symlink()]
    except OSError:
        return ()
    return tuple(sorted({os.path.realpath(entry.path) for entry in entries}))


def _modules(modules: tuple[str, ...]) -> Iterator[str]:
    for module in modules:
        path = os.path.abspath(os.path.expanduser(module))
        if not os.path.isdir(path):
            raise SettingsError(
                f"sandbox.modules names {module}, which is no folder",
                source="settings",
                key="sandbox.modules",
                do="name folders that hold importable modules",
            )
        _refuse_whole_homes(path)
        yield from _both(path)


def _both(path: str) -> Iterator[str]:
    """The path as it is named and as it really is: a link in the middle would lead nowhere inside."""
    for name in (os.path.abspath(path), os.path.realpath(path)):
        _refuse_whole_homes(name)
        yield name


def _refuse_whole_homes(path: str) -> None:
    home = os.path.realpath(os.path.expanduser("~"))
    too_much = {"/", "/home", "/etc", "/var", "/proc", "/sys", "/run", "/tmp"}  # noqa: S108  (refused, not used)
    if path in too_much or home == path or home.startswith(path.rstrip("/") + "/"):
        raise SandboxUnavailable(
            f"the folder {path} would be shown to generated code as a whole",
            facility="python environment",
            why="it holds a home or the system's own files, not only an interpreter's",
            mend="use a virtual environment in a folder of its own: python -m venv ENVIRONMENT",
        )


def _without_nested(trees: list[str]) -> list[str]:
    kept: list[str] = []
    for tree in sorted(set(trees)):
        if not any(tree.startswith(above + "/") for above in kept):
            kept.append(tree)
    return kept
