"""The environment inside: built anew from a short allow-list, since the host's holds keys and tokens.

The backend's own process is started with it too: ``bwrap --clearenv`` would leave the host's in ``/proc/1/environ``.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping

KEPT = ("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "TZ")
"""How text, numbers and times look: without these, correct code would give other results than outside."""


def build(*, home: str, scratch: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the whole environment of the sandboxed kernel; `environ` is the host's."""
    environ = os.environ if environ is None else environ
    kept = {name: environ[name] for name in KEPT if name in environ}
    made = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "USER": "user",
        "LOGNAME": "user",
        "TMPDIR": "/tmp",  # noqa: S108  (the sandbox's own)
        "PWD": scratch,
        "XDG_CACHE_HOME": f"{home}/.cache",
        "MPLCONFIGDIR": f"{home}/.config/matplotlib",
        "IPYTHONDIR": f"{home}/.ipython",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONUSERBASE": site.getuserbase() if site.ENABLE_USER_SITE else f"{home}/.local",
    }
    if "LANG" not in kept and "LC_ALL" not in kept and sys.flags.utf8_mode == 0:
        # Python's own choice for the C locale, said aloud so that native libraries agree with it.
        made["LC_CTYPE"] = kept.get("LC_CTYPE", "C.UTF-8")
    return kept | made
