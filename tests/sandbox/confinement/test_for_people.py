""" "Python (sandboxed)" as people use it: by its kernelspec, under the ecosystem's own programs."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jupyter_kernel_test
import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import world

NAME = "autocoder-sandbox"
INSTALLED = bool(entry_points(group="jupyter_client.kernel_provisioners", name=NAME))
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not INSTALLED, reason="the package is not installed, so Jupyter cannot find the provisioner"),
]
SOURCES = Path(world.PACKAGE).parent / "kernel"


@pytest.fixture(scope="module")
def jupyter_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of Jupyter's with our kernelspec in it."""
    folder = tmp_path_factory.mktemp("jupyter")
    shutil.copytree(SOURCES, folder / "kernels" / NAME, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(autouse=True)
def _spec_is_found(jupyter_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter_path))


def change_spec(jupyter_path: Path, **changes: Any) -> str:
    """Install an edited copy of the kernelspec and give its name."""
    name = f"edited-{time.monotonic_ns()}"
    folder = jupyter_path / "kernels" / name
    shutil.copytree(jupyter_path / "kernels" / NAME, folder)
    spec = json.loads((folder / "kernel.json").read_text())
    (folder / "kernel.json").write_text(json.dumps(spec | changes))
    return name


def ask(manager: Any, code: str, **start: Any) -> str:
    """Start a kernel, run one cell, give what it printed."""
    manager.start_kernel(**start)
    client = manager.client()
    client.start_channels()
    texts: list[str] = []
    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(
            code, timeout=60, output_hook=lambda message: texts.append(message["content"].get("text", ""))
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(texts).strip()


def test_the_kernelspec_is_found_and_complete(jupyter_path: Path) -> None:
    spec = KernelSpecManager(kernel_dirs=[str(jupyter_path / "kernels")]).get_kernel_spec(NAME)

    assert spec.display_name == "Python (sandboxed)"
    assert spec.interrupt_mode == "message"
    assert spec.metadata["kernel_provisioner"]["provisioner_name"] == NAME
    for logo in ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg"):
        assert Path(spec.resource_dir, logo).stat().st_size > 0


STATUS = """
import os
print([line for line in open('/proc/self/status') if line.startswith('Seccomp:')], 'X_PLANTED' in os.environ)
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]},
        {"env": {"X_PLANTED": "1", "PYTHONSTARTUP": "/tmp/x.py", "AUTOCODER_SANDBOX_MEMORY": "999999"}},
        {"interrupt_mode": "signal"},
    ],
)
def test_an_edited_kernelspec_weakens_nothing(jupyter_path: Path, changes: dict[str, Any]) -> None:
    manager = KernelManager(kernel_name=change_spec(jupyter_path, **changes))

    assert ask(manager, STATUS) == "['Seccomp:\\t2\\n'] False"


@pytest.mark.parametrize("config", [{"settings": {"memory": 99}}, {"profile": "none"}, {"unconfined": True}])
def test_a_kernelspec_cannot_configure_the_sandbox(jupyter_path: Path, config: dict[str, Any]) -> None:
    provisioner = {"provisioner_name": NAME, "config": config}
    manager = KernelManager(kernel_name=change_spec(jupyter_path, metadata={"kernel_provisioner": provisioner}))

    with pytest.raises(SandboxUnavailable) as caught:
        manager.start_kernel()

    assert caught.value.facility == "kernel.json"


def test_without_its_provisioner_the_launcher_refuses_to_be_a_kernel(jupyter_path: Path) -> None:
    manager = KernelManager(kernel_name=change_spec(jupyter_path, metadata={}))
    manager.start_kernel(stderr=subprocess.DEVNULL)
    process = manager.provisioner.process

    try:
        assert process.wait(timeout=30) != 0
    finally:
        manager.shutdown_kernel(now=True)


def test_a_start_request_weakens_nothing(tmp_path: Path) -> None:
    manager = KernelManager(kernel_name=NAME)
    environment = {**os.environ, "X_PLANTED": "1", "AUTOCODER_SANDBOX_BACKEND": "none"}

    said = ask(manager, STATUS, env=environment, cwd=str(tmp_path), extra_arguments=["--InteractiveShell.foo=1"])

    assert said == "['Seccomp:\\t2\\n'] False"


def test_ipythons_syntax_works_but_not_the_shell() -> None:
    manager = KernelManager(kernel_name=NAME)

    said = ask(manager, "%precision 3\nx = %pwd\nprint(x)\n!echo reached")

    assert said.startswith("/sandbox/scratch")
    assert "reached" not in said


def notebook(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(
        cells=cells, metadata={"kernelspec": {"name": NAME, "display_name": "x", "language": "python"}}
    )


CELLS = ("import numpy as np, pandas as pd", "pd.DataFrame({'a': np.arange(3)}).a.sum().item()")


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "nbclient", "{path}", "--inplace"],
        ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", "{path}"],
        ["-m", "papermill", "{path}", "{path}", "--no-progress-bar"],
    ],
    ids=["jupyter-execute", "nbconvert", "papermill"],
)
def test_a_strangers_notebook_runs_under_the_usual_runners(tmp_path: Path, command: list[str], runtime: Path) -> None:
    path = tmp_path / "stranger.ipynb"
    nbformat.write(notebook(*CELLS), path)
    before = set(runtime.iterdir())
    if command[1] == "nbclient":
        command = ["-c", "from nbclient.cli import main; main()", *command[2:]]

    done = subprocess.run(
        [sys.executable, *(part.format(path=path) for part in command)], capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    outputs = nbformat.read(path, as_version=4).cells[-1].outputs
    assert outputs[0].data["text/plain"] == "3"
    assert set(runtime.iterdir()) == before


def test_a_failing_cell_fails_the_runner(tmp_path: Path) -> None:
    path = tmp_path / "failing.ipynb"
    nbformat.write(notebook("import os; os.fork()"), path)

    done = subprocess.run(
        [sys.executable, "-c", "from nbclient.cli import main; main()", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode != 0
    assert "PermissionError" in done.stderr


class Server:
    """A real Jupyter Server on loopback, and the little of its API that is needed."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture
def server(tmp_path: Path, jupyter_path: Path) -> Iterator[Server]:
    token = "t" * 16
    env = {**os.environ, "JUPYTER_PATH": str(jupyter_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    env |= {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "OPENAI_API_KEY": "sk-planted"}
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0", f"--IdentityProvider.token={token}"]
    command = [sys.executable, "-m", "jupyter_server", *options, f"--ServerApp.root_dir={tmp_path}"]
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield Server(_url(tmp_path / "runtime", process), token)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _url(runtime: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                return str(json.loads(path.read_text())["url"]).rstrip("/")
            except (ValueError, KeyError):
                continue  # it is being written
        time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.mark.server
def test_jupyter_server_starts_runs_interrupts_restarts_and_deletes_it(server: Server, runtime: Path) -> None:
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    before = set(runtime.iterdir())
    kernel = server.call("POST", "api/kernels", {"name": NAME, "env": {"X_PLANTED": "1"}})["id"]
    assert len(set(runtime.iterdir()) - before) == 1

    async def talk(steps: list[Any]) -> list[str]:
        address = f"{server.url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        socket = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {server.token}"}))
        said: list[str] = []
        try:
            for step in steps:
                if callable(step):
                    await asyncio.to_thread(step)
                else:
                    said.append(await _execute(socket, step))
        finally:
            socket.close()
            # Until the server has answered, the connection itself is open.
            while await asyncio.wait_for(socket.read_message(), 20) is not None:
                pass
        return said

    async def interrupted() -> list[str]:
        cell = asyncio.create_task(talk(["import time; time.sleep(60)"]))
        await asyncio.sleep(2)
        await asyncio.to_thread(server.call, "POST", f"api/kernels/{kernel}/interrupt", {})
        return await asyncio.wait_for(cell, 30)

    async def all_steps() -> list[list[str]]:
        first = await talk(["x = 1; print(1 + 1)", STATUS])
        stopped = await interrupted()
        await asyncio.to_thread(server.call, "POST", f"api/kernels/{kernel}/restart", {})
        return [first, stopped, await talk(["print('x' in globals())"])]

    first, stopped, restarted = asyncio.run(all_steps())
    server.call("DELETE", f"api/kernels/{kernel}")

    assert first == ["2", "['Seccomp:\\t2\\n'] False"]
    assert "KeyboardInterrupt" in stopped[0]
    assert restarted == ["False"]
    assert set(runtime.iterdir()) == before


async def _execute(socket: Any, code: str) -> str:
    """Run one cell over the server's WebSocket and give its text, or its error's name."""
    header = {"msg_id": f"m{time.monotonic_ns()}", "msg_type": "execute_request", "session": "s", "username": "u"}
    header |= {"version": "5.3", "date": "2026-01-01T00:00:00Z"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(message))
    texts: list[str] = []
    while True:
        answer = json.loads(await asyncio.wait_for(socket.read_message(), 60))
        if answer["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        content = answer["content"]
        texts += [content[name] for name in ("text", "ename") if name in content and answer["channel"] == "iopub"]
        if answer["msg_type"] == "status" and content["execution_state"] == "idle":
            return "".join(texts).strip()


@pytest.mark.kernel
class TestConformance(jupyter_kernel_test.KernelTests):
    """The ecosystem's own suite. Left out: input() (no stdin test here), a history (none is kept)."""

    kernel_name = NAME
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = ({"text": "zi", "matches": {"zip"}},)
    complete_code_samples = ("1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n")
    incomplete_code_samples = ("print('''hello", "def f(x):\n  x*2")
    invalid_code_samples = ("import = 7q",)
    code_page_something = "zip?"
    code_generate_error = "raise ValueError('x')"
    code_execute_result = (
        {"code": "1+2+3", "result": "6"},
        {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
    )
    code_display_data = (
        {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
        {"code": "from IPython.display import Math, display; display(Math('\\\\frac{1}{2}'))", "mime": "text/latex"},
    )
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"
