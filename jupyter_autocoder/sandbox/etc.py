"""The made-up /etc: no name, group or host of the real machine is told."""

from __future__ import annotations

from jupyter_autocoder.sandbox.folder import Folder

USER = 1000
FILES = {
    "passwd": f"user:x:{USER}:{USER}:user:/sandbox/home:/usr/sbin/nologin\n",
    "group": f"user:x:{USER}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
}


def write_etc(folder: Folder) -> None:
    """Write the files into the folder's ``etc``."""
    for name, text in FILES.items():
        folder.write(f"etc/{name}", text)
