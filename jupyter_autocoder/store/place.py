"""Where the SQLite file lies: local, private, and never on a network file system.

SQLite's locks and its shared memory do not work over a network: two machines that share one file lose rows and damage
it. So the default place is the first local one of

1. ``autocoder/`` in Jupyter's data folder (``JUPYTER_DATA_DIR`` or ``~/.local/share/jupyter``),
2. ``jupyter-autocoder/`` in ``$XDG_STATE_HOME``, for homes on a network whose administrators set it,
3. ``/var/tmp/jupyter-autocoder-<uid>``: local by convention and, unlike ``/tmp``, kept over a restart,

and where none is local the store refuses and names PostgreSQL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jupyter_core import paths

from jupyter_autocoder import folders
from jupyter_autocoder.errors import StoreUnavailable

FILE_NAME = "store.sqlite"
USE_POSTGRES = 'set [store] url = "postgresql://user:password@host/database" in autocoder.toml'

NETWORK = frozenset({
    "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fakeowner", "glusterfs",
    "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs",
    "vboxsf", "virtiofs", "vmhgfs", "webdav",
})  # fmt: skip
# FUSE says nothing about where the bytes are, so of its kinds only these, known to be local, are trusted.
LOCAL_FUSE = frozenset(("fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.bindfs", "fuseblk"))


def default_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the person's own store file in the first local place, its folder made and private.

    Raises StoreUnavailable when every place is on a network or belongs to somebody else.
    """
    reasons = []
    for folder in _candidates(os.environ if environ is None else environ):
        kind = network_kind(folder)
        if kind:
            reasons.append(f"{folder} is on a network file system ({kind})")
            continue
        try:
            return folders.make_private(folder) / FILE_NAME
        except OSError as error:
            reasons.append(f"{folder}: {error.strerror or error}")
    raise StoreUnavailable(
        "there is no local, private folder for the store",
        why="; ".join(reasons),
        do=f"set [store] url to a path on a local disk, or use a server: {USE_POSTGRES}",
    )


def refuse_network(path: Path) -> None:
    """Raise StoreUnavailable when `path` (which need not exist) is on a network file system."""
    kind = network_kind(path)
    if kind:
        raise StoreUnavailable(
            f"the store {path} is on a network file system ({kind})",
            why="SQLite's locks do not hold over a network: limits would break and the file would be damaged",
            do=f"set [store] url to a path on a local disk, or share one ledger by PostgreSQL: {USE_POSTGRES}",
        )


def network_kind(path: Path, mountinfo: str | None = None) -> str:
    """Return the type of the network file system that holds `path`, an empty text for a local one.

    `mountinfo` is the text of ``/proc/self/mountinfo``; where there is none (not Linux) every path counts as local.
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return ""
    kind = _kind_of(os.path.realpath(path), mountinfo)
    remote = kind in NETWORK or (kind.startswith("fuse") and kind not in LOCAL_FUSE)
    return kind if remote else ""


def _kind_of(path: str, mountinfo: str) -> str:
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        mount, _, tail = line.partition(" - ")
        point = _unescape(mount.split(" ")[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two mounts on one point the later one covers the earlier.
        if inside and len(point) >= best:
            best, kind = len(point), tail.split(" ")[0]
    return kind


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _candidates(environ: Mapping[str, str]) -> list[Path]:
    state = environ.get("XDG_STATE_HOME", "")
    return [
        Path(paths.jupyter_data_dir()) / "autocoder",
        *([Path(state) / "jupyter-autocoder"] if os.path.isabs(state) else []),
        folders.ours_in(folders.LASTING),
    ]
