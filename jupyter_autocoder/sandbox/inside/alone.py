"""What a process without namespaces around it does for itself: end with its parent, and give up root's powers."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

SET_PDEATHSIG, CAPBSET_DROP, NO_NEW_PRIVS = 1, 24, 38
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
"""Higher than any there is; the kernel answers EINVAL to those that it does not have."""


def prepare(parent: int) -> None:
    """Die with `parent`, and hold no capability. Raises OSError, also when the parent has died meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise OSError("the process that started this one has ended")
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    # Before the capabilities go: without either, Landlock refuses to be applied.
    _check(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    _check(libc.syscall(CAPSET[os.uname().machine], header, bytes(24)), "capset")


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)
