from __future__ import annotations

import asyncio
import contextlib
import http.cookiejar
import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
import websocket
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from jupyter_autocoder.chat import History
from jupyter_autocoder.events import Completion, Finding, Progress, Run, TextDelta, Usage, Verdict
from jupyter_autocoder.llm.identity import current_user
from jupyter_autocoder.portal import portal
from jupyter_autocoder.server.base import SETTINGS_KEY
from jupyter_autocoder.server.house import House
from jupyter_autocoder.server.kernels import Kernels
from jupyter_autocoder.server.services import OnOutput, Services
from jupyter_autocoder.server.trading import Desks
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

T = TypeVar("T")
TOKEN = "s3cret-token"


class FakeClient:
    """Answers from a script: texts are streamed, numbers are seconds to wait, errors are raised."""

    def __init__(self) -> None:
        self.script: list[Any] = ["Hello ", "world"]
        self.finish_reason = "stop"
        self.asked: list[list[dict[str, Any]]] = []
        self.closed = threading.Event()

    async def stream(
        self, messages: Sequence[dict[str, Any]], *, model: str | None = None
    ) -> AsyncIterator[TextDelta | Progress | Completion]:
        self.asked.append(list(messages))
        self.closed.clear()
        said = ""
        try:
            for item in self.script:
                if isinstance(item, str):
                    said += item
                    yield TextDelta(item)
                elif isinstance(item, Exception):
                    raise item
                elif isinstance(item, Progress):
                    yield item
                else:
                    await asyncio.sleep(item)
            usage = Usage(input_tokens=12, output_tokens=3, cost=450, requests=1)
            yield Completion(
                text=said,
                model="gpt-4o",
                usage=usage,
                notes=("gpt-4o was busy once.",),
                finish_reason=self.finish_reason,
            )
        finally:
            self.closed.set()


class FakeSandboxes:
    """Runs nothing; prints the source, or waits when it is a number."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.stopped = threading.Event()

    async def run(self, conversation: str, source: str, on_output: OnOutput) -> Run:
        output = {"output_type": "stream", "name": "stdout", "text": source}
        on_output(output)
        try:
            await asyncio.sleep(float(source) if source.isdigit() else 0)
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return Run(ok=True, stdout=source, outputs=(output,), duration=0.5)

    async def forget(self, conversation: str) -> None:
        self.forgotten.append(conversation)

    async def close(self) -> None:
        self.forgotten.append("all")


class DenyAll(Authorizer):
    """Knows everybody and lets nobody do anything."""

    def is_authorized(self, *args: Any) -> bool:
        return False


def _check(source: str) -> Verdict:
    finding = Finding(rule="evil", line=1, column=0, message="evil is refused", fix="be good")
    return Verdict(findings=(finding,) if "evil" in source else ())


class Server:
    """A real Jupyter server on a loopback socket, in a thread of its own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.client = FakeClient()
        self.sandboxes = FakeSandboxes()
        self.folder = folder
        self.options = options
        self.room = 24_000
        self.ready = threading.Event()
        self.house: House
        self.port = 0

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self.ready.wait(30)
        return self

    def __exit__(self, *args: object) -> None:
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(20)
        self.store.close()

    def services(self) -> Services:
        self.store = Store(str(self.folder / "store.sqlite"))

        @contextlib.asynccontextmanager
        async def client(owner: str, notebook: str) -> AsyncIterator[Any]:
            yield self.client

        return Services(
            settings=Settings(),
            history=History(self.store),
            portal=portal(),
            client=client,
            check=_check,
            sandboxes=self.sandboxes,
            redact=lambda text: (text.replace("sk-secret", "[key removed]"), text.count("sk-secret")),
            count=lambda text: len(text.split()),
            room=lambda: self.room,
            remaining=lambda owner: "$1.20 left today",
            usage=lambda owner: "used: little",
            limits=lambda owner: "limits: many",
            trading=Desks(Settings(), self.store),
        )

    def _serve(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._main())
        self.loop.close()

    async def _main(self) -> None:
        self._ended = asyncio.Event()
        app = ServerApp(
            token=TOKEN,
            root_dir=str(self.folder),
            open_browser=False,
            allow_root=True,
            jpserver_extensions={"jupyter_autocoder.server": True},
            log_level="CRITICAL",
            **self.options,
        )
        self.app = app
        app.init_signal = lambda: None
        app.initialize(argv=[], find_extensions=False, new_httpserver=False)
        self.house = House(self.services())
        app.web_app.settings[SETTINGS_KEY] = self.house
        for extensions in app.extension_manager.extension_apps.values():
            for extension in extensions:
                extension.settings[SETTINGS_KEY] = self.house
        server = HTTPServer(app.web_app)
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        self.ready.set()
        await self._ended.wait()
        server.stop()
        await server.close_all_connections()
        await app._cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=5)

    # -- what a browser does -------------------------------------------------------------------------------------------
    def fetch(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        sent = {"Authorization": f"token {token}"} if token else {}
        return self._request(verb, f"jupyter_autocoder/{path}", body, {**sent, **(headers or {})})

    def jupyter(self, verb: str, path: str, body: Any = None) -> Any:
        """Ask Jupyter's own endpoints."""
        return self._request(verb, path, body, {"Authorization": f"token {TOKEN}"})[1]

    def _request(self, verb: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}",
            method=verb,
            data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, _parsed(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _parsed(error.read())

    def tab(self, *, token: str | None = TOKEN, origin: str | None = None) -> Tab:
        header = [f"Authorization: token {token}"] if token else []
        url = f"ws://127.0.0.1:{self.port}/jupyter_autocoder/socket"
        connection = websocket.create_connection(
            url, timeout=20, header=header, origin=origin, suppress_origin=origin is None
        )
        return Tab(connection)

    @property
    def owner(self) -> str:
        return current_user()

    def login_cookie(self) -> str:
        """Sign in as a browser does and return its cookies."""
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        for path in ("login", f"api/status?token={TOKEN}"):
            opener.open(f"http://127.0.0.1:{self.port}/{path}", timeout=20).close()
        cookies = {cookie.name: cookie.value for cookie in jar}
        assert "_xsrf" in cookies
        assert any(name.startswith("username-") for name in cookies), cookies
        return "; ".join(f"{name}={value}" for name, value in cookies.items())

    def begin(self) -> str:
        return str(self.fetch("POST", "conversations", {})[1]["id"])


class Tab:
    """One browser tab's socket."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(websocket.WebSocketException, OSError):
            self.connection.close(timeout=1)
        # The library leaves a socket open that the server has closed.
        self.connection.shutdown()

    def send(self, type: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": type, **fields}))

    def next(self) -> dict[str, Any]:
        text = self.connection.recv()
        assert text, "the server closed the socket"
        return dict(json.loads(text))

    def until(self, wanted: Callable[[dict[str, Any]], bool], *, seconds: float = 20) -> dict[str, Any]:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            frame = self.next()
            if wanted(frame):
                return frame
        raise AssertionError("the frame never came")

    def open(self, conversation: str) -> dict[str, Any]:
        self.send("open", conversation=conversation)
        return self.until(lambda frame: frame["type"] in ("snapshot", "gone"))

    def put(self, state: str, *, role: str = "model") -> dict[str, Any]:
        """Wait for a message of this role to reach this state."""
        frame = self.until(
            lambda f: f["type"] == "put" and f["message"]["role"] == role and f["message"]["state"] == state
        )
        return dict(frame["message"])


class Notebook:
    """A notebook's session with a real kernel on a server."""

    def __init__(self, server: Server, path: str) -> None:
        self.server = server
        self.kernels = Kernels(server.app.session_manager, server.app.kernel_manager)
        body = {"path": path, "type": "notebook", "kernel": {"name": "python3"}}
        created = server.jupyter("POST", "api/sessions", body)
        self.session: str = created["id"]
        self.kernel: str = created["kernel"]["id"]

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.server.loop)

    def call(self, work: Coroutine[Any, Any, T], *, seconds: float = 30) -> T:
        """Run a coroutine on the server's loop."""
        return self.begin(work).result(seconds)

    async def execute(self, source: str, *, wait: float | None = None) -> None:
        """Run a cell; for `wait` seconds only, when its end is of no interest."""
        async with self.client() as client:
            client.execute(source, silent=True)
            if wait is not None:
                await asyncio.sleep(wait)
                return
            reply = await client.get_shell_msg(timeout=30)
        assert reply["content"]["status"] == "ok", reply["content"]

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        """Another front end of the kernel."""
        client = self.server.app.kernel_manager.get_kernel(self.kernel).client()
        client.start_channels(stdin=False, hb=False)
        try:
            yield client
        finally:
            client.stop_channels()

    def end(self, how: str) -> None:
        """Restart, kill or shut down the kernel."""
        if how == "restart":
            self.server.jupyter("POST", f"api/kernels/{self.kernel}/restart", {})
        elif how == "shutdown":
            self.close()
        else:
            manager = self.server.app.kernel_manager.get_kernel(self.kernel)
            self.call(manager.signal_kernel(signal.SIGKILL))

    def close(self) -> None:
        self.server.jupyter("DELETE", f"api/sessions/{self.session}")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


@pytest.fixture(autouse=True)
def _private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as running:
        yield running


@pytest.fixture
def closed_server(tmp_path: Path) -> Iterator[Server]:
    """A server whose authorizer refuses everything."""
    with Server(tmp_path, authorizer_class=DenyAll) as running:
        yield running


@pytest.fixture
def notebook(server: Server) -> Iterator[Notebook]:
    """The notebook a.ipynb with a kernel that runs."""
    made = Notebook(server, "a.ipynb")
    yield made
    made.close()
