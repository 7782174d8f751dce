"""podman and docker: a container without network, capabilities or a writable root, for where those are the custom.

The container's file system is empty but for the same mounts as under bubblewrap, so no image is pulled: podman starts
from a folder (``--rootfs``), docker from an empty image that is made on the spot. An image named in the settings
(``sandbox.image``) must hold a ``python3`` of the same minor version with ipykernel.

A container outlives the client that started it; a guard removes it when this process ends, however it ends.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox.backends.base import (
    CONNECTION_FILE,
    HOME,
    INBOX,
    OWN_FILE_SYSTEM,
    PLAN,
    REPORT,
    SCRATCH,
    SHM,
    SOCKETS,
    TMP_SIZE,
    Launch,
    Order,
    Paths,
    through_proc,
    tmpfs_sizes,
)
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.inner import Inner
from jupyter_autocoder.sandbox.machine import install_command
from jupyter_autocoder.sandbox.plan import MIB, OPEN_FILES, TASKS
from jupyter_autocoder.sandbox.stranger import STRANGER
from jupyter_autocoder.sandbox.world import PACKAGE, World

EMPTY_IMAGE = "jupyter-autocoder-empty"
LIBRARY = "/sandbox/lib"
"""Where this package lies in a container from a named image."""
CLIENT_ENVIRONMENT = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST")
MOUNT_POINTS = ("dev", "etc", "proc", "sys", "usr", "sandbox")
WRITABLE_POINTS = ("tmp", *(path.lstrip("/") for path in (SCRATCH, HOME, SOCKETS)))
"""Their modes count: a tmpfs takes on the mode of the folder that it covers."""
TIMEOUT = 30.0


class Container:
    """A container made by `name` (podman or docker), from `image` or from the running environment."""

    bounds_processes = True
    named_report = True

    def __init__(self, name: str, *, image: str = "") -> None:
        self.name = name
        self.image = image

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Rootless ones have a user namespace too; root's and the docker daemon's share the host's."""
        own = ("user",) if self.name == "podman" and os.geteuid() != 0 else ()
        return (*own, "pid", "net", "ipc", "uts", "mnt")

    def check(self) -> str:
        found = self._ask("version", "--format", "{{.Client.Version}}")
        if self.image and self._run("image", "inspect", self.image).returncode != 0:
            raise SandboxUnavailable(
                f"{self.name} has no image called {self.image}",
                facility="container image",
                why="images are never pulled by themselves",
                mend=f"{self.name} pull {self.image}",
            )
        if self.name == "docker" and not self.image:
            self._make_empty_image()
        return f"{self.name} {found}"

    def paths(self, folder: Folder) -> Paths:
        if not self.image:
            return OWN_FILE_SYSTEM
        return Paths(**{**vars(OWN_FILE_SYSTEM), "package": LIBRARY})

    def launch(self, order: Order) -> Launch:
        name, pid_file = order.folder.path.name, order.folder.path / "pid"
        pid_file.unlink(missing_ok=True)
        if os.geteuid() == 0:
            order.folder.hand_over(("inside.json", "plan.json", "report"), STRANGER)
        return Launch(
            argv=(
                self._program(),
                *self._runtime(),
                "run",
                *self._options(order, name, pid_file),
                *self._inside(order),
            ),
            env={key: os.environ[key] for key in CLIENT_ENVIRONMENT if key in os.environ},
            ask=lambda: self._pid(name, pid_file),
            guard=(self._program(), "rm", "-f", *(("-t", "0") if self.name == "podman" else ()), name),
        )

    def sockets(self, folder: Folder, pid: int) -> Path:
        return through_proc(SOCKETS, pid)

    def watch(self, order: Order, inner: Inner) -> None:
        """Nothing to do: every writable place is a tmpfs with a size."""

    def outside(self, path: str, pid: int) -> Path:
        return through_proc(path, pid)

    @property
    def _no_copy(self) -> str:
        """podman else fills a tmpfs with what lies below it."""
        return ",notmpcopyup" if self.name == "podman" else ""

    # -- the command line ----------------------------------------------------------------------------------------------
    def _options(self, order: Order, name: str, pid_file: Path) -> Iterator[str]:
        user = os.geteuid() or STRANGER
        group = os.getegid() or STRANGER
        memory = f"{order.settings.memory}m"
        yield from ("--rm", "--name", name, "--hostname", "sandbox", "--network", "none", "--ipc", "private")
        yield from ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only")
        yield from ("--pids-limit", str(TASKS), "--memory", memory, "--memory-swap", memory)
        yield from ("--ulimit", f"nofile={OPEN_FILES}:{OPEN_FILES}", "--ulimit", f"nproc={TASKS}:{TASKS}")
        yield from ("--ulimit", "core=0:0", "--user", f"{user}:{group}", "--log-driver", "none", "--pull", "never")
        yield from ("--workdir", SCRATCH, "--shm-size", str(TMP_SIZE), "--security-opt", "label=disable")
        if self.name == "podman":
            yield from ("--pidfile", str(pid_file), "--no-hosts", "--systemd", "false", "--read-only-tmpfs=false")
            if os.geteuid() != 0:
                yield from ("--userns", "keep-id")
        for key, value in order.environment.items():
            yield from ("--env", f"{key}={value}")
        for path, size in tmpfs_sizes(order.settings.scratch * MIB):
            if path != SHM:
                yield from ("--tmpfs", f"{path}:rw,nosuid,nodev,size={size},mode=1777{self._no_copy}")
        yield from self._volumes(order)
        if self.name == "docker" or self.image:
            yield from ("--entrypoint", order.world.python if not self.image else "python3")

    def _volumes(self, order: Order) -> Iterator[str]:
        folder = order.folder.path
        bound = [(str(folder / "inside.json"), CONNECTION_FILE), (str(folder / "plan.json"), PLAN)]
        bound.append((str(order.folder.inbox), INBOX))
        if self.image:
            bound += [(str(PACKAGE), f"{LIBRARY}/{PACKAGE.name}"), (order.world.launcher, f"{LIBRARY}/launcher.py")]
        else:
            bound += [(tree, tree) for tree in order.world.trees]
            bound += [("/dev/null", path) for path in order.world.hidden if not os.path.isdir(path)]
        for source, target in bound:
            yield from ("--volume", f"{source}:{target}:ro")
        for path in order.world.hidden:
            if os.path.isdir(path) and not self.image:
                yield from ("--tmpfs", f"{path}:ro,size=4k{self._no_copy}")
        yield from ("--volume", f"{folder / 'report'}:{REPORT}:rw")

    def _inside(self, order: Order) -> tuple[str, ...]:
        """The image or root folder, and the command in it."""
        if self.image:
            return (self.image, "-P", f"{LIBRARY}/launcher.py", PLAN)
        if self.name == "docker":
            return (EMPTY_IMAGE, "-P", order.world.launcher, PLAN)
        root = _make_root(order.folder.path / "root", order.world)
        return ("--rootfs", str(root), order.world.python, "-P", order.world.launcher, PLAN)

    def _runtime(self) -> tuple[str, ...]:
        """crun refuses a machine whose cgroups are half version 1 and half version 2; runc does not."""
        hybrid = os.path.isdir("/sys/fs/cgroup/unified")
        return ("--runtime", "runc") if self.name == "podman" and hybrid and shutil.which("runc") else ()

    # -- asking the program --------------------------------------------------------------------------------------------
    def _program(self) -> str:
        found = shutil.which(self.name)
        if found is None:
            raise SandboxUnavailable(
                f"{self.name} is not installed", facility=self.name, mend=install_command(self.name)
            )
        return found

    def _run(self, *arguments: str, input: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run([self._program(), *arguments], input=input, capture_output=True, timeout=TIMEOUT)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._unusable(str(error)) from None

    def _ask(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            raise self._unusable(done.stderr.decode(errors="replace").strip()[-500:])
        return done.stdout.decode(errors="replace").strip()

    def _unusable(self, why: str) -> SandboxUnavailable:
        mend = "start its daemon: systemctl start docker" if self.name == "docker" else "podman info tells more"
        return SandboxUnavailable(f"{self.name} cannot be used", facility=self.name, why=why, mend=mend)

    def _pid(self, name: str, pid_file: Path) -> int | None:
        if self.name == "docker":
            said = self._run("inspect", "--format", "{{.State.Pid}}", name).stdout
        else:
            said = pid_file.read_bytes() if pid_file.exists() else b""
        return int(said) if said.strip().isdigit() and int(said) > 0 else None

    def _make_empty_image(self) -> None:
        """An image with nothing but mount points in it; nothing is pulled."""
        self._ask("info", "--format", "{{.ServerVersion}}")
        if self._run("image", "inspect", EMPTY_IMAGE).returncode == 0:
            return
        done = self._run("import", "-", EMPTY_IMAGE, input=_empty_tree())
        if done.returncode != 0:
            raise self._unusable(done.stderr.decode(errors="replace").strip()[-500:])


def _empty_tree() -> bytes:
    """A tar archive of mount points, and of the links that stand for /bin and /lib here."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, mode in _points():
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            if os.path.islink(f"/{name}"):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(f"/{name}")
                archive.addfile(entry)
    return buffer.getvalue()


def _make_root(root: Path, shown: World) -> Path:
    """The same as a folder, for podman; its mount points are made by the runtime."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    root.chmod(0o755)
    for name, mode in _points():
        (root / name).mkdir()
        (root / name).chmod(mode)
    for target, path in shown.links:
        (root / path.lstrip("/")).symlink_to(target)
    return root


def _points() -> Iterator[tuple[str, int]]:
    yield from ((name, 0o755) for name in MOUNT_POINTS)
    yield from ((name, 0o1777) for name in WRITABLE_POINTS)
