from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_autocoder.testing import FakeOpenAI

REPOSITORY = Path(__file__).parents[2]
BUILT = REPOSITORY / "jupyter_autocoder" / "labextension"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "ui-token"


def _missing() -> str:
    if CHROMIUM is None:
        return "no Chromium: apt-get install chromium"
    if not (BUILT / "package.json").exists():
        return "the sidebar is not built: jlpm --cwd labextension build"
    return ""


class Lab:
    """A real JupyterLab, or Notebook 7, in a process of its own, with a home of its own.

    Without a `python` it runs the working tree; another one has everything installed that it needs. Not `extended`, it
    has neither the sidebar nor its server.
    """

    def __init__(
        self,
        home: Path,
        base_url: str,
        *,
        program: str = "jupyterlab",
        python: Path | None = None,
        extended: bool = True,
        **environment: str,
    ) -> None:
        self.program = program
        self.python = python
        self.home = home
        self.work = home / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        data = home / "data"
        extensions = data / "labextensions"
        extensions.mkdir(parents=True, exist_ok=True)
        self.extended = extended
        if python is None and extended and not (extensions / "jupyter-autocoder").exists():
            (extensions / "jupyter-autocoder").symlink_to(BUILT)
        (home / "config").mkdir(exist_ok=True)
        quiet = home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True, exist_ok=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("JUPYTER", "AUTOCODER", "OPENAI"))
            },
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(data),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "OPENAI_BASE_URL": base_url,
            "OPENAI_API_KEY": "sk-not-a-real-key-0000000000",
            **environment,
        }
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, again on the same port and with the same home."""
        self.log = (self.home / "lab.log").open("ab")
        extensions = {
            "jupyter_autocoder.server": self.extended,
            "jupyterlab": True,
            "notebook": self.program == "notebook",
        }
        enabled = {"ServerApp": {"jpserver_extensions": extensions if self.python is None else {}}}
        (self.home / "config" / "jupyter_server_config.json").write_text(json.dumps(enabled))
        self.process = subprocess.Popen(
            [
                str(self.python or sys.executable),
                "-m",
                self.program,
                "--no-browser",
                "--allow-root",
                f"--port={self.port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={TOKEN}",
                f"--ServerApp.root_dir={self.work}",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            env=self.environment,
            cwd=self.work,
            stdout=self.log,
            stderr=self.log,
        )
        self._wait()

    def stop(self) -> None:
        """End it; may be called twice."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def notebook(self, name: str, *cells: str) -> str:
        """Write a notebook and return its path."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, self.work / name)
        return name

    def fetch(self, verb: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def _wait(self) -> None:
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise AssertionError((self.home / "lab.log").read_text()[-4000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Person:
    """Somebody in front of a browser tab with the sidebar open."""

    def __init__(self, page: Any, lab: Lab) -> None:
        self.page = page
        self.lab = lab
        # JupyterLab's own word on a server that is away lies over everything until somebody reads it.
        away = page.locator(".jp-Dialog", has_text="Server Connection Error")
        page.add_locator_handler(away, lambda dialog: dialog.locator(".jp-Dialog-footer button").first.click())

    def visit(self, notebook: str = "") -> Person:
        path = f"lab/tree/{notebook}" if notebook else "lab"
        self.page.goto(f"{self.lab.url}/{path}?token={TOKEN}&reset")
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        self.show()
        if notebook:
            self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        return self

    def reload(self) -> None:
        self.page.reload()
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        self.show()
        # The last conversation is looked up once the page is restored.
        self.page.wait_for_timeout(700)

    def show(self) -> None:
        if not self.page.locator(".jp-ac-frame").is_visible():
            self.page.locator("[data-id='jupyter-autocoder:sidebar']").first.click()
        self.input.wait_for(timeout=30_000)

    def until(self, true: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something that the page does not show."""
        ends = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < ends, "it did not come"
            self.page.wait_for_timeout(50)

    def begin(self) -> None:
        """Leave what an earlier test said; the sidebar resumes the last conversation once the page is restored."""
        self.page.wait_for_timeout(700)
        self.page.get_by_role("button", name="New conversation", exact=True).click()
        self.page.locator(".jp-ac-hint").wait_for()
        self.input.wait_for()
        # The chat library draws its input twice, the second time with the page's theme.
        self.page.wait_for_timeout(300)

    @property
    def input(self) -> Any:
        return self.page.locator(".jp-ac-sidebar .jp-chat-input-container textarea:not([aria-hidden])").first

    def ask(self, text: str) -> None:
        self.input.click()
        self.input.fill(text)
        self.input.press("Enter")

    def messages(self, role: str) -> Any:
        return self.page.locator(f".jp-ac-message[data-role={role}]")

    def answer(self, state: str = "done", *, timeout: int = 20_000) -> Any:
        """Wait for the last answer to reach a state."""
        found = self.page.locator(f".jp-ac-message[data-role=model][data-state={state}]").last
        try:
            found.wait_for(timeout=timeout)
        except Exception:
            self.shot("failure")
            raise
        return found

    def shot(self, name: str) -> None:
        folder = os.environ.get("SIDEBAR_SHOTS")
        if folder:
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.fixture(scope="session")
def lab_class() -> type[Lab]:
    """For tests that need a server of their own."""
    return Lab


@pytest.fixture(scope="session")
def person_class() -> type[Person]:
    """For tests that come by another way."""
    return Person


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if reason := _missing():
        pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def model() -> Iterator[FakeOpenAI]:
    """The fake OpenAI server; each test sets what it answers."""
    with FakeOpenAI(lambda body: model_answer[0](body)) as fake:
        yield fake


model_answer: list[Callable[[dict[str, Any]], Any]] = [lambda body: "Hello from the model."]


@pytest.fixture
def answers() -> Iterator[Callable[[Any], None]]:
    """Set the model's answer for this test: a text, a Reply, or a function of the request."""

    def use(answer: Any) -> None:
        model_answer[0] = answer if callable(answer) else lambda body: answer

    yield use
    model_answer[0] = lambda body: "Hello from the model."


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, model: FakeOpenAI, browser: Any) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), model.base_url) as running:
        yield running


@pytest.fixture
def visitor(lab: Lab, browser: Any) -> Iterator[Callable[..., Person]]:
    """Open a tab; every context is a browser of its own with its own cookies."""
    contexts = []

    def come(*, notebook: str = "", fresh: bool = True, server: Lab | None = None, **options: Any) -> Person:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        person = Person(context.new_page(), server or lab).visit(notebook)
        if fresh:
            person.begin()
        return person

    yield come
    for context in contexts:
        context.close()
