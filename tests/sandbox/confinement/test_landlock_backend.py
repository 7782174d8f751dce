"""The weaker backend: a fake home, a listening socket and a victim process stand beside it, and nothing may happen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox.backends import landlock as module
from jupyter_autocoder.sandbox.backends import watcher
from jupyter_autocoder.sandbox.backends.landlock import LETS_THROUGH, Landlock
from jupyter_autocoder.sandbox.inside import landlock as abi
from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.settings import SandboxSettings

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(abi.version() < module.OLDEST_ABI, reason="this kernel's Landlock is missing or too old"),
]


class Host:
    """What an attack would be after."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / ".ssh" / "id_ed25519"
        self.secret.parent.mkdir()
        self.secret.write_text("PLANTED-SECRET")
        self.secret.chmod(0o600)
        os.utime(self.secret, (1, 1))
        self.socket = folder / "agent.sock"
        self.connected: list[object] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.socket))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])

    def _accept(self) -> None:
        try:
            while True:
                connection, _ = self._server.accept()
                self.connected.append(connection)
                connection.close()
        except OSError:
            return

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("home"))
    yield host
    host.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[Any]:
    """One kernel of this backend for all harmless questions."""
    import asyncio
    from types import SimpleNamespace

    manager = new_manager(SandboxSettings(backend="landlock"))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(manager.start_kernel())
    client: Any = manager.client()
    client.start_channels()
    loop.run_until_complete(client.wait_for_ready(timeout=60))

    def run(code: str) -> tuple[str, str]:
        texts: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            content = message["content"]
            texts.append(content.get("text", "") + content.get("data", {}).get("text/plain", ""))

        reply = loop.run_until_complete(client.execute_interactive(code, output_hook=hook, timeout=60))
        return "".join(texts).strip(), reply["content"].get("ename", "")

    yield SimpleNamespace(run=run, manager=manager)
    client.stop_channels()
    loop.run_until_complete(manager.shutdown_kernel(now=True))
    manager.context.destroy(linger=0)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.mark.parametrize(
    "code",
    [
        "open({secret!r}).read()",
        "open({secret!r}, 'a')",
        "import os; os.listdir({home!r})",
        "import os; os.listdir('/')",
        "import os; os.truncate({secret!r}, 0)",
        "import os; os.unlink({secret!r})",
        "import os; os.rename({secret!r}, 'mine')",
        "import os; os.link({secret!r}, 'mine')",
        "import os; os.symlink({secret!r}, 'mine')",
        "import os; os.chown({secret!r}, 1, 1)",
        "import os; os.setxattr({secret!r}, 'user.x', b'x')",
        "open('/proc/self/root' + {secret!r})",
        "open('/proc/{victim}/environ')",
        "open('/proc/{victim}/cmdline')",
        "open('/proc/{victim}/mem', 'rb')",
        "import os; os.kill({victim}, 0)",
        "import os; os.kill(-1, 0)",
        "import os; os.pidfd_open({victim})",
        "import os; os.setpriority(os.PRIO_PROCESS, {victim}, 19)",
        "import os; os.sched_setaffinity({victim}, [0])",
        "import socket; socket.socket(socket.AF_UNIX).connect({socket!r})",
        "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "import socket; socket.socket(socket.AF_INET)",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "import os; os.fork()",
        "import subprocess; subprocess.run(['/bin/true'])",
        "import os; os.execv('/bin/true', ['true'])",
        "open('/dev/tty', 'w')",
        "open('/dev/shm/x', 'w')",
        "open('/tmp/x-planted', 'w')",
        "import ctypes; c = ctypes.CDLL(None); assert c.ptrace(16, {victim}, 0, 0) == 0",
    ],
)
def test_it_is_refused(alone: Any, host: Host, code: str) -> None:
    values = {"secret": str(host.secret), "home": str(host.folder), "socket": str(host.socket)}

    _, error = alone.run(code.format(victim=host.victim.pid, **values))

    assert error in {"PermissionError", "OSError", "AssertionError", "FileNotFoundError"}
    assert host.secret.read_text() == "PLANTED-SECRET"
    assert host.connected == []
    assert host.victim.poll() is None


def test_modes_and_times_of_the_persons_files_stay(alone: Any, host: Host) -> None:
    alone.run(f"import os; os.chmod({str(host.secret)!r}, 0o777); os.utime({str(host.secret)!r}, (9, 9))")

    status = host.secret.stat()
    assert status.st_mode & 0o777 == 0o600
    assert status.st_mtime == 1


def test_devices_can_be_used_and_not_changed(alone: Any) -> None:
    before = os.stat("/dev/null").st_mode

    alone.run("import os; os.fchmod(os.open('/dev/null', os.O_RDWR), 0o600)")

    assert os.stat("/dev/null").st_mode == before
    assert alone.run("open('/dev/null', 'w').write('x')") == ("1", "")


def test_its_own_folder_works(alone: Any) -> None:
    code = (
        "import os, shutil, tempfile, threading\n"
        "os.makedirs('a/b'); open('a/x', 'w').write('1'); os.rename('a/x', 'a/b/y'); shutil.copy('a/b/y', 'z')\n"
        "with tempfile.NamedTemporaryFile() as file: file.write(b'1')\n"
        "t = threading.Thread(target=print, args=(open('z').read(),)); t.start(); t.join()"
    )

    assert alone.run(code) == ("1", "")
    assert (alone.manager.scratch_outside / "z").read_text() == "1"


def test_data_work_runs(alone: Any) -> None:
    code = "import numpy as np, pandas as pd; pd.DataFrame({'a': np.arange(4)}).a.sum().item()"

    assert alone.run(code) == ("6", "")


def test_it_is_never_chosen_by_itself() -> None:
    assert SandboxSettings().backend == "bubblewrap"
    assert new_manager(SandboxSettings(backend="landlock")).backend == "landlock"


def test_what_it_lets_through_is_published() -> None:
    assert len(LETS_THROUGH) >= 5
    assert all(len(hole) > 20 for hole in LETS_THROUGH)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_an_old_kernel_is_told(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setattr(abi, "version", lambda: version)

    with pytest.raises(SandboxUnavailable) as caught:
        Landlock().check()

    assert caught.value.facility == "landlock"


def test_processes_are_refused_since_nothing_would_bound_them() -> None:
    import asyncio

    manager = new_manager(SandboxSettings(backend="landlock", processes=True))
    with pytest.raises(SandboxUnavailable) as caught:
        asyncio.run(manager.start_kernel())
    manager.context.destroy(linger=0)

    assert caught.value.facility == "processes"


def test_the_disk_watcher_ends_what_fills_the_disk(start: Callable[..., Any]) -> None:
    kernel = start(backend="landlock", scratch=16)

    kernel.client.execute("for n in range(400): open(f'f{n}', 'wb').write(bytes(1 << 20))\nimport time; time.sleep(60)")

    deadline = time.monotonic() + 20
    while kernel.manager.ended_by is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert kernel.manager.ended_by == "disk"


def test_the_watcher_counts_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_bytes(bytes(100_000))
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    (tmp_path / "inside" / "link").symlink_to(tmp_path / "big")
    (tmp_path / "inside" / "up").symlink_to(tmp_path)

    size, files = watcher.usage(str(tmp_path / "inside"))

    assert 100_000 <= size < 200_000
    assert files == 3


def test_a_killed_parent_takes_the_kernel_along(runtime: Path) -> None:
    code = (
        "import asyncio\n"
        "from jupyter_autocoder.sandbox.manager import new_manager\n"
        "from jupyter_autocoder.settings import SandboxSettings\n"
        "async def main():\n"
        "    km = new_manager(SandboxSettings(backend='landlock'))\n"
        "    await km.start_kernel()\n"
        "    print(km.inner_pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[3])}
    others = set(runtime.iterdir())
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline().strip()
        parent.kill()

    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/environ").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
    from jupyter_autocoder.sandbox.folder import sweep

    sweep(runtime)
    # This process has a janitor of its own, who may have begun.
    while not set(runtime.iterdir()) <= others and time.monotonic() < deadline:
        time.sleep(0.02)
    assert set(runtime.iterdir()) <= others
