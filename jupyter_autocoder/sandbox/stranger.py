"""Where root starts a sandbox: become a stranger first, a user who owns nothing on this machine, then start bwrap.

Root's powers do not all hang on capabilities. Files of root's stay root's own inside a user namespace (the modes of
``/dev/null`` could be changed, ``/proc`` has files for root's eyes), and RLIMIT_NPROC does not count for root. So the
sandbox's processes run under a number that no account has.

The stranger cannot walk to an interpreter under ``/root``: each thing that is to be shown is first bound, in a mount
namespace of this process's own, to a place that everybody can walk to.

Run as a script, ``stranger.py PARENT SOURCES -- COMMAND``; it imports the standard library only and ends by becoming
COMMAND, in which each source's path, where it stands behind ``--ro-bind``, has been replaced by its place on the stage.
It dies with PARENT, as COMMAND then does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

STRANGER = 61_999
"""Below systemd's range for dynamic users, above those that distributions give out."""
SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
MS_NODEV, MS_NOSUID, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 4, 2, 8, 0x1000, 0x4000, 0x40000
STAGES = ("/mnt", "/media", "/srv", "/opt", "/var")
WHOLE_MACHINE = ["0", "0", "4294967295"]


def is_needed() -> bool:
    """Whether this process is the machine's own root, and not the root of a user namespace."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map") as file:
        return file.read().split() == WHOLE_MACHINE


def cannot_read(path: str) -> bool:
    """Whether a folder or file that root wants to show is closed to everybody else."""
    mode = os.stat(path).st_mode
    return not mode & 0o004 or (os.path.isdir(path) and not mode & 0o001)


def command(argv: Sequence[str]) -> tuple[str, ...]:
    """The command line that starts `argv` (a bwrap with ``--ro-bind SOURCE TARGET``) as the stranger."""
    sources = [argv[at + 1] for at, option in enumerate(argv) if option == "--ro-bind"]
    if not argv[0].startswith("/usr/"):
        sources.append(argv[0])  # a bwrap in a virtual environment, which may be root's own as well
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *dict.fromkeys(sources), "--", *argv)


def as_stranger(*command: str) -> tuple[str, ...]:
    """The command line that runs `command` as the stranger; empty where util-linux is not installed."""
    import shutil  # not for the script, which each start waits for

    switch, program = shutil.which("setpriv"), shutil.which(command[0])
    if switch is None or program is None:
        return ()
    user = (f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups")
    return (switch, *user, "--", program, *command[1:])


def main(arguments: Sequence[str]) -> None:
    """Set the stage, become the stranger, become the command."""
    end = arguments.index("--")
    parent, sources, argv = int(arguments[0]), arguments[1:end], list(arguments[end + 1 :])
    libc = ctypes.CDLL(None, use_errno=True)
    stage = _set(libc, sources)
    for at in range(len(argv) - 1):
        if argv[at] == "--ro-bind":
            argv[at + 1] = stage[argv[at + 1]]
    os.setgroups([])
    os.setresgid(STRANGER, STRANGER, STRANGER)
    os.setresuid(STRANGER, STRANGER, STRANGER)
    # Changing the user forgets it, so it comes last; a parent that died before it was set is noticed here.
    _check(libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        sys.exit("stranger: the process that started this one has ended")
    os.execv(stage.get(argv[0], argv[0]), argv)  # noqa: S606  (the command is bwrap's, made by the backend)


def _set(libc: ctypes.CDLL, sources: Sequence[str]) -> dict[str, str]:
    """Bind each source to a place below a folder that everybody can walk to; give the places by source."""
    _check(libc.unshare(CLONE_NEWNS), "unshare")
    _check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount private")
    # Opened before the stage covers anything that one of them may lie in.
    opened = {source: os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources}
    folder = next(name for name in STAGES if os.path.isdir(name))
    _check(libc.mount(b"stage", folder.encode(), b"tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, b"mode=755"), "stage")
    places = {}
    for number, (source, descriptor) in enumerate(opened.items()):
        place = f"{folder}/{number}"
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            os.mkdir(place)
        else:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT, 0o644))
        bound = libc.mount(f"/proc/self/fd/{descriptor}".encode(), place.encode(), None, MS_BIND | MS_REC, None)
        _check(bound, f"bind {source}")
        places[source] = place
    return places


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        sys.exit(f"stranger: {what}: {os.strerror(error)}")


if __name__ == "__main__":
    main(sys.argv[1:])
