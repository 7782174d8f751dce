"""The private folder of one sandbox (or one run) on the host, and the janitor for folders whose owner was killed.

::

    autocoder-xxxxxxxx/      0700
        lock                 held with flock for as long as the owner lives
        kernel.json          the connection file, as clients on the host need it
        inside.json          the same, with the path that the socket folder has inside
        plan.json            what the launcher has to do
        etc/                 the made-up /etc
        inbox/               input files, bound read-only; may be filled later
        sockets -> ...       the socket folder; under namespaces it lies inside and is reached through /proc

The path is short on purpose: a Unix socket's path has 107 bytes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path

from jupyter_autocoder.errors import SandboxUnavailable

PREFIX = "autocoder-"
LONGEST_BASE = 107 - len("/autocoder-12345678/sockets/s-65535")
UNLOCKED_GRACE = 600.0
"""Seconds that a folder without a lock file is left alone: its owner may be between two lines of `Folder.__init__`."""


class Folder:
    """A fresh 0700 folder that is removed by `close`, or by another process's `sweep` when this one is killed."""

    def __init__(self, base: Path | None = None) -> None:
        base = runtime_base() if base is None else base
        try:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        except OSError as error:
            raise _no_folder(base, error) from None
        self._lock = -1
        # One that is dropped open goes with the garbage or at exit; in a forked copy of this process it stays.
        self._remove = weakref.finalize(self, _remove_in, os.getpid(), self.path)
        try:
            # It gets its name when it is held: a janitor that came in between would take the folder for abandoned.
            self._lock = os.open(self.path / "lock.new", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            (self.path / "lock.new").rename(self.path / "lock")
            for name in ("etc", "inbox"):
                (self.path / name).mkdir(mode=0o700)
        except OSError as error:
            self.close()
            raise _no_folder(base, error) from None

    @property
    def sockets(self) -> Path:
        return self.path / "sockets"

    @property
    def inbox(self) -> Path:
        return self.path / "inbox"

    def write(self, name: str, text: str) -> Path:
        """Write a small private file. Raises SandboxUnavailable when the disk is full."""
        path = self.path / name
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
                file.write(text)
        except OSError as error:
            raise _no_folder(self.path.parent, error) from None
        return path

    def hand_over(self, names: Iterable[str], user: int) -> None:
        """Give single files to `user`, who cannot walk into the folder itself, and let everybody read the inbox."""
        for name in names:
            os.chown(self.path / name, user, user)
        self.inbox.chmod(0o755)

    def link_sockets(self, target: Path) -> None:
        """Let `sockets` lead to where the kernel binds; a restart leads it elsewhere."""
        self.sockets.unlink(missing_ok=True)
        self.sockets.symlink_to(target)

    def close(self) -> None:
        """Remove everything; may be called twice."""
        self._remove()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def sweep(base: Path | None = None) -> int:
    """Remove the folders of dead owners below `base` and return how many went; none where it cannot be looked at."""
    base = runtime_base() if base is None else base
    removed = 0
    try:
        entries = list(os.scandir(base))
    except OSError:
        return 0
    for entry in entries:
        if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False) and _is_abandoned(Path(entry.path)):
            shutil.rmtree(entry.path, ignore_errors=True)
            removed += 1
    return removed


def _remove_in(owner: int, path: Path) -> None:
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    try:
        if path.lstat().st_uid != os.geteuid():
            return False
        lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return path.exists() and time.time() - path.lstat().st_mtime > UNLOCKED_GRACE
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def runtime_base() -> Path:
    """The person's private runtime folder, else the temporary folder; neither where its path is too long."""
    for name in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        if name and len(name) <= LONGEST_BASE and _is_usable(Path(name)):
            return Path(name)
    return Path("/tmp")  # noqa: S108  (mkdtemp makes a 0700 folder in it)


def _is_usable(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    private_or_sticky = status.st_uid == os.geteuid() or bool(status.st_mode & stat.S_ISVTX)
    return stat.S_ISDIR(status.st_mode) and private_or_sticky and os.access(path, os.W_OK | os.X_OK)


def _no_folder(base: Path, error: OSError) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"no private folder can be made in {base}",
        facility="temporary folder",
        why=error.strerror or str(error),
        mend=f"free some space in {base}, or point XDG_RUNTIME_DIR or TMPDIR to a local folder that you own",
    )
