"""``jupyter autocoder doctor``: what works here, what does not, and the command that mends it."""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_autocoder import __version__, settings
from jupyter_autocoder.errors import AutocoderError, ExitCode

KERNEL = "autocoder-sandbox"
_CONNECT_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at; `needed` says whether the product is of no use without it."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="tell it as JSON")


def run(options: argparse.Namespace) -> int:
    lines = [line for look in LOOKS for line in _guarded(look)]
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    else:
        sys.stdout.writelines(_render(line) for line in lines)
    broken = [line for line in lines if line.needed and not line.ok]
    if any(line.name.startswith("sandbox") for line in broken):
        return int(ExitCode.NO_SANDBOX)
    return int(ExitCode.CELL_FAILED if broken else ExitCode.DONE)


def _render(line: Line) -> str:
    mark = "works   " if line.ok else "BROKEN  " if line.needed else "missing "
    mend = f"\n         mend: {line.mend}" if line.mend and not line.ok else ""
    return f"{mark} {line.name}: {line.detail}{mend}\n"


def _guarded(look: Callable[[], Iterable[Line]]) -> list[Line]:
    """One broken thing must not hide the others: whatever a look raises becomes its line."""
    name = look.__name__.strip("_")
    try:
        return list(look())
    except AutocoderError as error:
        return [Line(name=name, ok=False, detail=error.what, mend=error.do)]
    except Exception as error:
        return [
            Line(name=name, ok=False, detail=f"{type(error).__name__}: {error}", mend="reinstall jupyter-autocoder")
        ]


def _python() -> Iterable[Line]:
    yield Line(name="python", ok=True, detail=f"{platform.python_version()} at {sys.prefix}, {platform.platform()}")
    for name in ("jupyterlab", "ipykernel", "nbclient", "openai"):
        yield Line(name=name, ok=True, detail=importlib.metadata.version(name))
    yield Line(name="jupyter-autocoder", ok=True, detail=__version__)


def _settings() -> Iterable[Line]:
    current = settings.load()
    locked = f"; {len(current.locked)} keys locked by the administrator" if current.locked else ""
    yield Line(name="settings", ok=True, detail=f"read{locked}")


def _kernelspec() -> Iterable[Line]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = "pip install --force-reinstall --no-deps jupyter-autocoder"
    try:
        spec = KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        yield Line(name="kernelspec", ok=False, detail=f"{KERNEL} is not installed", mend=mend)
        return
    provisioner = spec.metadata.get("kernel_provisioner", {}).get("provisioner_name", "")
    known = {point.name for point in importlib.metadata.entry_points(group="jupyter_client.kernel_provisioners")}
    ok = provisioner == KERNEL and KERNEL in known
    yield Line(name="kernelspec", ok=ok, detail=f"{spec.resource_dir} with provisioner {provisioner!r}", mend=mend)


def _sandbox() -> Iterable[Line]:
    from jupyter_autocoder.sandbox.diagnosis import diagnose

    for found in diagnose():
        yield Line(name=f"sandbox: {found.facility}", ok=found.ok, detail=found.detail, mend=found.mend, needed=False)
    yield from asyncio.run(_try_sandbox())


async def _try_sandbox() -> list[Line]:
    """Run a real sandbox and try to reach out of it: a file, a socket, another process."""
    from jupyter_autocoder.sandbox import Sandbox

    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        canary = Path(folder) / "canary"
        canary.write_text("reached")
        attempts = {
            "read a file of yours": f"open({str(canary)!r}).read()",
            "open a connection": f"import socket; socket.create_connection({server.getsockname()!r}, 2)",
        }
        if not settings.current().sandbox.processes:
            attempts["start a process"] = "import os; os.fork()"
        async with Sandbox() as box:
            works = (await box.run("6 * 7")).value == "42"
            reached = [what for what, source in attempts.items() if (await box.run(source)).ok]
        detail = f"{box.backend} ran code" if works else f"{box.backend} did not run code"
        detail += f", which could {' and '.join(reached)}" if reached else ", which could reach nothing outside"
        mend = "report this with the output of jupyter autocoder doctor --json"
        return [Line(name="sandbox", ok=works and not reached, detail=detail, mend=mend)]


def _sidebar() -> Iterable[Line]:
    from jupyter_core.paths import jupyter_path

    places = [Path(folder) / "labextensions" / "jupyter-autocoder" / "package.json" for folder in jupyter_path()]
    found = next((place for place in places if place.is_file()), None)
    mend = "install Node.js, then: pip install --force-reinstall --no-deps jupyter-autocoder"
    if found is None:
        yield Line(name="sidebar", ok=False, detail="the lab extension is not installed", mend=mend, needed=False)
        return
    version = json.loads(found.read_text(encoding="utf-8")).get("version", "?")
    yield Line(name="sidebar", ok=True, detail=f"lab extension {version} at {found.parent}", needed=False)


def _store() -> Iterable[Line]:
    from jupyter_autocoder.store import Store

    store = Store(settings.current().store.url)
    try:
        with store.read() as transaction:
            transaction.rows("SELECT 1")
        yield Line(name="store", ok=True, detail=store.where)
    finally:
        store.close()


def _model() -> Iterable[Line]:
    from jupyter_autocoder.llm.providers import provider as make_provider

    provider = make_provider(settings.current().model)
    url = urlsplit(provider.base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), _CONNECT_TIMEOUT).close()
        yield Line(name="model server", ok=True, detail=provider.base_url, needed=False)
    except OSError as error:
        detail = f"{provider.base_url}: {error}"
        mend = "check the network, or set OPENAI_BASE_URL to a server you can reach"
        yield Line(name="model server", ok=False, detail=detail, mend=mend, needed=False)
    if provider.local:
        yield Line(name="key", ok=True, detail="a local model needs none", needed=False)
    elif provider.key is None:
        mend = "export OPENAI_API_KEY=..., or set OPENAI_BASE_URL to a local model"
        yield Line(name="key", ok=False, detail="no API key found", mend=mend, needed=False)
    else:
        yield Line(name="key", ok=True, detail=f"from {provider.key.source}, {provider.key}", needed=False)


def _lock() -> Iterable[Line]:
    from jupyter_autocoder.lock import Lock, find

    lock = Lock(find(Path.cwd(), os.environ))
    yield Line(name="lock", ok=True, detail=f"{lock.path}: {len(lock.entries())} answers", needed=False)


LOOKS = (_python, _settings, _kernelspec, _sandbox, _sidebar, _store, _model, _lock)
