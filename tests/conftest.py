"""What every test needs: an environment of its own, notebooks that run in real kernels, a store on each database."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

OURS = ("AUTOCODER_", "OPENAI_", "AZURE_OPENAI_")
# Read before the environment is cleaned: in CI nothing may be skipped for want of a server.
IN_CI = bool(os.environ.get("CI"))
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "XDG_RUNTIME_DIR")


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's settings nor CI's own change what a test means."""
    for name in list(os.environ):
        if name.startswith(OURS) or name == "CI":
            monkeypatch.delenv(name)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A private folder with a short path: a unix socket's has room for about 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="jac-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's folders below one of this test's own; returns the folder for notebooks in it."""
    for name in FOLDERS:
        folder = short_folder / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    work = short_folder / "work"
    work.mkdir()
    return work


class Notebook:
    """Cells that are run in a real kernel, one notebook a call; `env` changes the kernel's environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *sources: str, env: Mapping[str, str] | None = None, timeout: int = 60) -> NotebookNode:
        """Run the cells in order, to the last one whatever fails; the extension is loaded before."""
        from nbclient import NotebookClient

        cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_autocoder", *sources)]
        node: NotebookNode = nbformat.v4.new_notebook(cells=cells)
        client = NotebookClient(
            node, timeout=timeout, allow_errors=True, resources={"metadata": {"path": str(self.folder)}}
        )
        asyncio.run(client.async_execute(env={**os.environ, **(env or {})}))
        node.cells = node.cells[1:]
        return node


@pytest.fixture
def notebook(house: Path) -> Notebook:
    return Notebook(house)


@pytest.fixture
def errors_of() -> Callable[[NotebookNode], list[str]]:
    """``Name: first line`` of each error, cell by cell; "" for a cell without one."""

    def read(node: NotebookNode) -> list[str]:
        found = []
        for cell in node.cells:
            error = next((output for output in cell.outputs if output.output_type == "error"), None)
            found.append(f"{error.ename}: {error.evalue.splitlines()[0]}" if error else "")
        return found

    return read


@pytest.fixture
def text_of() -> Callable[[Mapping[str, Any]], str]:
    """Everything a reader of a cell's outputs sees, as plain text."""

    def read(cell: Mapping[str, Any]) -> str:
        parts = []
        for output in cell["outputs"]:
            if output["output_type"] == "stream":
                parts.append(output["text"])
            elif output["output_type"] == "error":
                parts.append("\n".join(output["traceback"]))
            else:
                parts.append(output["data"].get("text/plain", ""))
        return "\n".join(parts)

    return read


class FrozenClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    # For what takes a clock's `sleep`: nobody waits.
    sleep = advance


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def store(tmp_path: Path, clock: FrozenClock) -> Iterator[Any]:
    """A store in a file of its own, on the clock that stands still."""
    from jupyter_autocoder.store import Store

    made = Store(str(tmp_path / "store.db"), clock=clock)
    yield made
    made.close()


class PostgresServer:
    """A server of our own on a loopback port, with a password, that can be stopped and started again."""

    user = "autocoder"

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.password = secrets.token_hex(8)
        self.folder = Path(tempfile.mkdtemp(prefix="autocoder-pg-", dir="/tmp"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        secret = self.folder / "password"
        secret.write_text(self.password)
        if os.getuid() == 0:
            # The server refuses to run as root.
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        init = ("-U", self.user, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync")
        self._run("initdb", "-D", str(self.folder / "data"), *init)
        self.start()

    def start(self) -> None:
        # What survives a kill of a client is tested here, not what survives a loss of power: no fsync.
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-t", "30", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-t", "30", "-m", "immediate", "stop")

    def close(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"t{secrets.token_hex(6)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *args: str) -> None:
        command = [str(self.binaries / program), *args]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        # The server must not inherit our pipes, or whoever reads them waits for its end.
        subprocess.run(
            command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120
        )


def _postgres_binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL server, started from the system's binaries."""
    binaries = _postgres_binaries()
    if binaries is None:
        reason = "no PostgreSQL server is installed here (apt-get install postgresql)"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    server = PostgresServer(binaries)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store, once on each database."""
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def python() -> Callable[..., str]:
    """Run code in a fresh interpreter, with arguments, and return what it printed."""

    def run(code: str, *args: str, prefix: tuple[str, ...] = ()) -> str:
        done = subprocess.run(
            [*prefix, sys.executable, "-c", code, *args], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
