"""Start, interrupt, restart, end: and nothing is left, whoever ends it and how."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import world
from jupyter_autocoder.sandbox.backends import bubblewrap
from jupyter_autocoder.sandbox.manager import SandboxManager, new_manager
from jupyter_autocoder.sandbox.stranger import STRANGER
from jupyter_autocoder.settings import SandboxSettings

pytestmark = pytest.mark.sandbox

ROOT = str(Path(world.PACKAGE).parent)


def processes(manager: SandboxManager) -> list[int]:
    """The sandbox's processes on the host: bubblewrap, the first one inside, the kernel."""
    pids = [manager.provisioner.process.pid, manager.inner_pid, manager.kernel_pid]  # type: ignore[union-attr]
    return [pid for pid in pids if pid is not None]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_managers_contract_holds_while_it_runs(start: Callable[..., Any]) -> None:
    kernel = start()
    manager: SandboxManager = kernel.manager

    kernel.run("open('out.txt', 'w').write('from inside')")
    (manager.inbox / "in.txt").write_text("from outside")

    assert manager.backend == "bubblewrap"
    assert (manager.scratch_outside / "out.txt").read_text() == "from inside"
    assert kernel.run(f"print(open({manager.inbox_inside!r} + '/in.txt').read())").text == "from outside"
    assert kernel.run("import os; os.getcwd()").text == repr(manager.scratch)
    assert manager.kernel_pid != manager.inner_pid
    assert (manager.peak_memory() or 0) > 10 << 20
    assert 0 < (manager.cpu_seconds() or 0) < 60
    assert manager.ended_by is None


@pytest.mark.parametrize("mode", ["message", "signal"])
def test_an_interrupt_stops_the_cell_and_nothing_else(start: Callable[..., Any], mode: str) -> None:
    kernel = start()
    kernel.manager.kernel_spec.interrupt_mode = mode
    kernel.run("kept = 41")

    async def interrupt() -> Any:
        cell = asyncio.create_task(kernel.ask("import time\nfor _ in range(600): time.sleep(0.1)"))
        await asyncio.sleep(0.5)
        await kernel.manager.interrupt_kernel()
        return await asyncio.wait_for(cell, 10)

    assert kernel.wait(interrupt()).error == "KeyboardInterrupt"
    assert kernel.run("kept + 1").text == "42"


def test_a_kill_ends_what_an_interrupt_cannot(start: Callable[..., Any], runtime: Path) -> None:
    kernel = start()
    folder, pids = kernel.manager.provisioner.folder.path, processes(kernel.manager)
    assert folder.parent == runtime
    assert len({pid for pid in pids if alive(pid)}) == 3
    kernel.client.execute("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); x = 9**9**9")
    time.sleep(0.5)

    begin = time.monotonic()
    kernel.wait(kernel.manager.shutdown_kernel(now=True))

    assert time.monotonic() - begin < 3
    assert not any(alive(pid) for pid in pids)
    assert not folder.exists()


def test_a_polite_shutdown_works_too(start: Callable[..., Any]) -> None:
    kernel = start()
    folder, pid = kernel.manager.provisioner.folder.path, kernel.manager.inner_pid

    kernel.wait(kernel.manager.shutdown_kernel(now=False))

    assert not alive(pid)
    assert not folder.exists()


def test_a_restart_keeps_the_folder_and_loses_the_state(start: Callable[..., Any], runtime: Path) -> None:
    kernel = start()
    kernel.run("x = 1; open('old.txt', 'w')")
    folder, pid = kernel.manager.provisioner.folder.path, kernel.manager.inner_pid
    kernel.client.stop_channels()

    kernel.wait(kernel.manager.restart_kernel(now=True))
    kernel.connect()

    assert kernel.manager.provisioner.folder.path == folder
    assert [path for path in runtime.iterdir() if path == folder]
    assert kernel.manager.inner_pid != pid
    assert not alive(pid)
    assert kernel.run("x").error == "NameError"
    assert kernel.run("import os; os.listdir('.')").text == "[]"


def test_cpu_time_ends_a_kernel_and_each_run_gets_its_own(start: Callable[..., Any]) -> None:
    kernel = start(cpu_time=2)
    burn = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"
    for _ in range(2):
        kernel.manager.renew_cpu_limit()
        assert kernel.run(burn.format(1.2)).error == ""

    kernel.manager.renew_cpu_limit()
    kernel.client.execute(burn.format(30))

    assert until(lambda: kernel.manager.ended_by is not None, 20)
    assert kernel.manager.ended_by == "cpu_time"


def test_a_kernel_that_kills_itself_is_told_apart(start: Callable[..., Any]) -> None:
    kernel = start()

    kernel.client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert until(lambda: kernel.manager.ended_by is not None)
    assert kernel.manager.ended_by == "killed"


def test_a_kernel_that_died_can_be_restarted(start: Callable[..., Any]) -> None:
    kernel = start()
    kernel.client.execute("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert until(lambda: kernel.manager.ended_by is not None)
    kernel.client.stop_channels()

    kernel.wait(kernel.manager.restart_kernel(now=True))
    kernel.connect()

    assert kernel.run("1 + 1").text == "2"
    assert kernel.manager.ended_by is None


def test_the_kernels_real_error_stream_can_be_read_and_cannot_grow(start: Callable[..., Any]) -> None:
    kernel = start()

    kernel.run(
        "import os, sys\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try:\n"
        "        if 'sandbox-output' in os.readlink(f'/proc/self/fd/{fd}'):\n"
        "            for _ in range(100): os.write(fd, b'\\x1b]0;owned\\x07 noise ' * 1000)\n"
        "    except OSError: pass"
    )

    assert "noise" in kernel.manager.stderr_tail
    assert len(kernel.manager.stderr_tail) <= 1 << 16
    assert kernel.run("1 + 1").text == "2"


def test_a_killed_parent_leaves_no_process_and_the_next_start_removes_its_folder(
    start: Callable[..., Any], runtime: Path
) -> None:
    code = (
        "import asyncio, sys\n"
        "from jupyter_autocoder.sandbox.manager import new_manager\n"
        "async def main():\n"
        "    km = new_manager()\n"
        "    await km.start_kernel()\n"
        "    print(km.provisioner.folder.path, km.provisioner.process.pid, km.inner_pid, km.kernel_pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": ROOT}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        folder, *pids = parent.stdout.readline().split()
        assert len({pid for pid in pids if alive(int(pid))}) == 3
        parent.send_signal(signal.SIGKILL)

    assert until(lambda: not any(alive(int(pid)) for pid in pids))
    assert folder not in Path("/proc/self/mountinfo").read_text()
    start()
    assert not Path(folder).exists()


def test_a_thread_that_ends_does_not_take_its_sandbox_with_it() -> None:
    import threading

    manager = new_manager()
    threads = [threading.Thread(target=lambda: asyncio.run(manager.start_kernel()))]
    threads[0].start()
    threads[0].join()
    pid = manager.inner_pid
    try:
        time.sleep(0.5)
        assert pid is not None
        assert alive(pid)
    finally:
        asyncio.run(manager.shutdown_kernel(now=True))
        manager.context.destroy(linger=0)


def test_many_at_once_all_start_or_say_why(runtime: Path) -> None:
    async def one(manager: SandboxManager) -> bool:
        await manager.start_kernel()
        started.extend(processes(manager))
        return manager.provisioner.report is not None

    async def all_of_them() -> list[bool]:
        managers = [new_manager(SandboxSettings(memory=1024)) for _ in range(50)]
        try:
            return list(await asyncio.gather(*(one(manager) for manager in managers)))
        finally:
            await asyncio.gather(*(manager.shutdown_kernel(now=True) for manager in managers))
            for manager in managers:
                manager.context.destroy(linger=0)

    started: list[int] = []
    begin = time.monotonic()

    assert asyncio.run(asyncio.wait_for(all_of_them(), 120)) == [True] * 50
    assert time.monotonic() - begin < 120
    assert not any(alive(pid) for pid in started)
    assert list(runtime.iterdir()) == []


def attempt(prepare: Callable[[SandboxManager], None] = lambda manager: None) -> SandboxUnavailable:
    async def begin() -> SandboxUnavailable:
        manager = new_manager()
        prepare(manager)
        with pytest.raises(SandboxUnavailable) as caught:
            await manager.start_kernel()
        assert not manager.has_kernel
        assert manager.provisioner.folder is None
        manager.context.destroy(linger=0)
        return caught.value

    return asyncio.run(begin())


def test_a_removed_python_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/gone/venv/bin/python")

    assert attempt().facility == "python environment"


def test_an_interpreter_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = world.world()
    broken = type(shown)(**{**shown.__dict__, "python": "/usr/bin/no-such-python"})
    monkeypatch.setattr("jupyter_autocoder.sandbox.provisioner.world", lambda modules: broken)

    assert attempt().facility == "python environment"


def test_a_missing_bubblewrap_is_told_with_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "PREFERRED", "/nonexistent/bwrap")
    monkeypatch.setenv("PATH", "/nonexistent")

    error = attempt()

    assert error.facility == "bubblewrap"
    assert "install" in error.mend


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo bubblewrap 0.4.1", "0.8.0 is the oldest"),
        ("echo nonsense", "0.8.0 is the oldest"),
        ("exit 3", "does not run"),
    ],
)
def test_a_bubblewrap_of_a_wrong_version_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, why: str
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "PREFERRED", str(program))

    error = attempt()

    assert error.facility == "bubblewrap version"
    assert why in error.why


def test_user_namespaces_switched_off_midway_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo bubblewrap 0.9.0 && exit\n"
        "echo 'bwrap: No permissions to create a new namespace, likely because the kernel does not allow' >&2; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "PREFERRED", str(program))

    error = attempt()

    assert error.facility == "user namespaces"
    assert error.mend


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes a stranger first")
def test_roots_sandbox_runs_as_somebody_who_owns_nothing(start: Callable[..., Any]) -> None:
    kernel = start()

    status = Path(f"/proc/{kernel.manager.kernel_pid}/status").read_text()
    users = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert set(users) == {str(STRANGER)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes a stranger first")
def test_a_sandbox_that_stayed_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap.stranger, "command", lambda argv: argv)
    monkeypatch.setattr("jupyter_autocoder.sandbox.folder.Folder.hand_over", lambda folder, names, user: None)

    assert attempt().facility == "user"


def test_processes_work_where_they_are_allowed_and_stay_bounded(start: Callable[..., Any]) -> None:
    kernel = start(processes=True, memory=1024)
    bomb = (
        "import os, time\n"
        "children = 0\n"
        "try:\n"
        "    while children < 3000:\n"
        "        if os.fork() == 0: time.sleep(30); os._exit(0)\n"
        "        children += 1\n"
        "except OSError: pass\n"
        "print(children)"
    )

    assert kernel.run("import subprocess; subprocess.run(['/bin/echo', 'hi'], capture_output=True).stdout").text == (
        "b'hi\\n'"
    )
    assert (
        kernel.run("import concurrent.futures as f; list(f.ProcessPoolExecutor(2).map(abs, [-1, -2]))").text == "[1, 2]"
    )
    assert kernel.run("import socket; socket.socket()").error == "OSError"
    assert 0 < int(kernel.run(bomb).text) < 1100
    pid = kernel.manager.inner_pid
    kernel.wait(kernel.manager.shutdown_kernel(now=True))
    assert not alive(pid)
