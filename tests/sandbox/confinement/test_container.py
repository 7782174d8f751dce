"""Containers: podman for real where it works, docker by its command line."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import world
from jupyter_autocoder.sandbox.backends import Order, container
from jupyter_autocoder.sandbox.backends.container import EMPTY_IMAGE, Container
from jupyter_autocoder.sandbox.environment import build
from jupyter_autocoder.sandbox.folder import Folder
from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.sandbox.plan import Plan
from jupyter_autocoder.settings import SandboxSettings


def podman_works() -> bool:
    """Whether podman can start anything here: rootless ones need sub-uids, some machines an older runtime."""
    if shutil.which("podman") is None:
        return False

    async def attempt() -> bool:
        manager = new_manager(SandboxSettings(backend="podman"))
        try:
            await manager.start_kernel()
            await manager.shutdown_kernel(now=True)
        except SandboxUnavailable:
            return False
        finally:
            manager.context.destroy(linger=0)
        return True

    return asyncio.run(attempt())


@pytest.fixture(scope="module")
def _podman() -> None:
    if not podman_works():
        pytest.skip("podman is not installed or cannot start a container here")


def containers() -> set[str]:
    said = subprocess.run(["podman", "ps", "-aq", "--filter", "name=autocoder-"], capture_output=True, text=True)
    return set(said.stdout.split())


@pytest.fixture
def order(tmp_path: Path) -> Iterator[Callable[..., tuple[Container, Order]]]:
    """A function that prepares a start without starting."""
    folders: list[Folder] = []

    def prepare(name: str, **settings: Any) -> tuple[Container, Order]:
        backend = Container(name, image=settings.get("image", ""))
        folder = Folder(tmp_path)
        folders.append(folder)
        for file in ("inside.json", "plan.json", "report"):
            folder.write(file, "{}")
        paths = backend.paths(folder)
        plan = Plan(
            profile="exact", backend=name, namespaces=backend.namespaces, package_path=paths.package,
            connection_file="", scratch="", sockets="", canary="", report="", parent=1,
            readable=(), writable=(), read_only=(),
        )  # fmt: skip
        environment = build(home=paths.home, scratch=paths.scratch, environ={"OPENAI_API_KEY": "sk-planted"})
        shown = world.world()
        values = SandboxSettings(backend=name, **settings)  # type: ignore[arg-type]
        return backend, Order(
            settings=values, world=shown, folder=folder, paths=paths, plan=plan, environment=environment, report=-1
        )

    yield prepare
    for folder in folders:
        folder.close()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a docker and a podman that note what they are asked, and know of no image."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "podman"):
        (folder / name).write_text(
            "#!/bin/sh\n"
            f'echo "$@" >> {tmp_path}/asked\n'
            f'case "$1" in import) cat > {tmp_path}/image.tar;; image) exit 1;; *) echo 27.0.1;; esac\n'
        )
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path


def pairs(argv: tuple[str, ...]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(argv))


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_the_command_line_holds_every_wall(programs: Path, order: Any, name: str) -> None:
    backend, prepared = order(name, memory=512)

    argv = backend.launch(prepared).argv

    assert {
        ("--network", "none"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pids-limit", "1024"),
        ("--memory", "512m"),
        ("--memory-swap", "512m"),
        ("--ipc", "private"),
        ("--pull", "never"),
        ("--ulimit", "core=0:0"),
    } <= pairs(argv)
    assert "--read-only" in argv
    user = dict(pairs(argv))["--user"].split(":")
    assert "0" not in user
    assert not {"--privileged", "-p", "--publish", "--pid", "--cap-add"} & set(argv)


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_every_volume_but_the_reports_pipe_is_read_only(programs: Path, order: Any, name: str) -> None:
    backend, prepared = order(name)

    argv = backend.launch(prepared).argv

    volumes = [value for option, value in itertools.pairwise(argv) if option == "--volume"]
    writable = [volume for volume in volumes if not volume.endswith(":ro")]
    assert [volume.split(":")[1] for volume in writable] == ["/sandbox/run/report"]
    home = os.path.expanduser("~")
    assert not {"/", home, "/etc", "/var", "/home"} & {volume.split(":")[0] for volume in volumes}


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_no_key_reaches_the_client_or_the_container(
    programs: Path, order: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    backend, prepared = order(name)

    launch = backend.launch(prepared)

    assert "sk-planted" not in str((launch.argv, launch.env))


def test_docker_starts_from_an_empty_image_that_is_made_on_the_spot(programs: Path, order: Any) -> None:
    backend, prepared = order("docker")

    said = backend.check()

    asked = (programs / "asked").read_text()
    assert said == "docker 27.0.1"
    assert f"import - {EMPTY_IMAGE}" in asked
    assert "pull" not in asked
    with tarfile.open(fileobj=io.BytesIO((programs / "image.tar").read_bytes())) as archive:
        assert {"usr", "etc", "proc", "dev"} <= set(archive.getnames())
        assert not any(member.isfile() for member in archive)
    argv = backend.launch(prepared).argv
    assert argv[-4:] == (EMPTY_IMAGE, "-P", prepared.world.launcher, "/sandbox/run/plan.json")


def test_a_named_image_brings_its_own_python(programs: Path, order: Any) -> None:
    backend, prepared = order("podman", image="quay.io/someone/science:1")

    argv = backend.launch(prepared).argv

    assert ("--entrypoint", "python3") in pairs(argv)
    assert argv[-4:] == ("quay.io/someone/science:1", "-P", "/sandbox/lib/launcher.py", "/sandbox/run/plan.json")
    assert not any(value.startswith("/usr:") for value in argv)
    assert prepared.paths.package == "/sandbox/lib"


def test_an_image_that_is_not_there_is_never_pulled(programs: Path) -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        Container("podman", image="quay.io/someone/science:1").check()

    assert caught.value.facility == "container image"
    assert caught.value.mend == "podman pull quay.io/someone/science:1"


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_missing_program_is_told_with_the_install_command(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SandboxUnavailable) as caught:
        Container(name).check()

    assert caught.value.facility == name
    assert "install" in caught.value.mend


def test_a_daemon_that_does_not_answer_is_told(programs: Path) -> None:
    (programs / "bin" / "docker").write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n")

    with pytest.raises(SandboxUnavailable) as caught:
        Container("docker").check()

    assert "Cannot connect" in caught.value.why
    assert "docker" in caught.value.mend


@pytest.mark.sandbox
@pytest.mark.usefixtures("_podman")
def test_podman_runs_a_kernel_whose_walls_stand(start: Callable[..., Any], runtime: Path) -> None:
    before = containers()
    kernel = start(backend="podman", scratch=8)

    report = kernel.manager.provisioner.report.facts
    kernel.run("open('out.txt', 'w').write('from inside')")
    (kernel.manager.inbox / "in.txt").write_text("from outside")

    assert kernel.manager.backend == "podman"
    assert report["uid"] != 0
    assert (kernel.manager.scratch_outside / "out.txt").read_text() == "from inside"
    assert kernel.run("import os; open('/sandbox/inbox/in.txt').read()").text == "'from outside'"
    assert kernel.run("os.listdir('/home')").error == "FileNotFoundError"
    assert kernel.run("os.fork()").error == "PermissionError"
    assert kernel.run("import socket; socket.socket()").error == "OSError"
    assert kernel.run("open('big', 'wb').write(bytes(9 << 20))").message == "[Errno 28] No space left on device"
    assert kernel.run("import pandas as pd, numpy as np; pd.Series(np.arange(3)).sum().item()").text == "3"

    kernel.client.stop_channels()
    kernel.wait(kernel.manager.shutdown_kernel(now=True))
    assert containers() == before
    assert list(runtime.iterdir()) == []


@pytest.mark.sandbox
@pytest.mark.usefixtures("_podman")
def test_podman_interrupts_and_restarts(start: Callable[..., Any]) -> None:
    kernel = start(backend="podman")

    async def interrupt() -> Any:
        cell = asyncio.create_task(kernel.ask("import time\nfor _ in range(600): time.sleep(0.1)"))
        await asyncio.sleep(0.5)
        await kernel.manager.interrupt_kernel()
        return await asyncio.wait_for(cell, 10)

    assert kernel.wait(interrupt()).error == "KeyboardInterrupt"
    kernel.client.stop_channels()
    kernel.wait(kernel.manager.restart_kernel(now=True))
    kernel.connect()
    assert kernel.run("open('/tmp/x', 'w').write('1'); 1 + 1").text == "2"


@pytest.mark.sandbox
@pytest.mark.usefixtures("_podman")
def test_a_killed_parent_leaves_no_container(runtime: Path) -> None:
    before = containers()
    code = (
        "import asyncio\n"
        "from jupyter_autocoder.sandbox.manager import new_manager\n"
        "from jupyter_autocoder.settings import SandboxSettings\n"
        "async def main():\n"
        "    km = new_manager(SandboxSettings(backend='podman'))\n"
        "    await km.start_kernel()\n"
        "    print(km.inner_pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(container.__file__).parents[3])}
    others = set(runtime.iterdir())
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline().strip()
        assert Path(f"/proc/{pid}").exists()
        parent.kill()

    deadline = time.monotonic() + 20
    while (containers() != before or Path(f"/proc/{pid}").exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert containers() == before
    assert not Path(f"/proc/{pid}").exists()
    from jupyter_autocoder.sandbox.folder import sweep

    sweep(runtime)
    # This process has a janitor of its own, who may have begun.
    while not set(runtime.iterdir()) <= others and time.monotonic() < deadline:
        time.sleep(0.02)
    assert set(runtime.iterdir()) <= others
