"""Who asks: the user, the process, and the key by its fingerprint."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping

from jupyter_autocoder.text import plain

_USER_LENGTH = 300
_FINGERPRINT = re.compile(r"none|key-[0-9a-f]{16}")


def current_user(environ: Mapping[str, str] | None = None) -> str:
    """Return the hub's name for this user (``JUPYTERHUB_USER``), else the operating system's."""
    environ = os.environ if environ is None else environ
    hub_user = environ.get("JUPYTERHUB_USER", "")
    if hub_user:
        return plain(hub_user)[:_USER_LENGTH]
    # The variables of getpass.getuser() could be set to anybody's name; the user id could not.
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else environ.get("USERNAME", "unknown")


def current_process() -> str:
    """Return ``machine:pid``, which tells a crashed holder's machine and process."""
    return f"{platform.node() or 'localhost'}:{os.getpid()}"


def fingerprint(key: str, base_url: str = "") -> str:
    """Return what stands for a key in the ledger: a hash, from which the key cannot be had back.

    The same key at another address is another account, so the base URL is part of it.
    """
    if not key:
        return "none"
    return "key-" + hashlib.sha256(f"{base_url}\n{key}".encode()).hexdigest()[:16]


def is_fingerprint(text: str) -> bool:
    return _FINGERPRINT.fullmatch(text) is not None
