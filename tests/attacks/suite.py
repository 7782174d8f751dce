"""The attack suite: attacks as data, a fake host to attack, and the places where an attack can be run.

An attack succeeds by an effect that the fake host or a client of the kernel can see. It is shown to succeed in a plain
kernel first; then each layer that has to stop it is asked alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

from jupyter_autocoder.errors import AutocoderError
from jupyter_autocoder.events import Run
from jupyter_autocoder.sandbox import Sandbox, SandboxSettings

FAMILIES = Path(__file__).parent / "families"
# A message type that a client shows or acts on; everything else is the protocol's own.
SHOWN = frozenset({"display_data", "update_display_data", "execute_result", "stream", "error"})
# The word behind the colon is put there by the running attack; in its source, which a traceback shows, it is apart.
_GOT = re.compile(r"GOT:\w")
# Attacks share a kernel; what one leaves behind must neither help nor hinder the next.
REMEMBER = "_clean = dict(globals())"
FORGET = """
for _name in [name for name in globals() if name not in _clean and name not in ("_clean", "_name")]:
    del globals()[_name]
globals().update(_clean)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: its code with places for the fake host, the effect it wants and the layers that must stop it."""

    id: str
    family: str
    code: str
    effect: str
    layers: frozenset[str]
    shows: str = ""
    message: str = ""
    needs: str = ""
    alone: bool = False


def attacks(*families: str) -> list[Attack]:
    """Return the attacks of the named families, or all."""
    found: list[Attack] = []
    for path in sorted(FAMILIES.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if families and table["family"] not in families:
            continue
        for name, entry in table["attacks"].items():
            own = {"code": entry} if isinstance(entry, str) else entry
            found.append(
                Attack(
                    id=f"{table['family']}/{name}",
                    family=table["family"],
                    code=own.get("before", table.get("before", "")) + own["code"].lstrip("\n"),
                    effect=own.get("effect", table["effect"]),
                    layers=frozenset(own.get("layers", table["layers"])),
                    shows=own.get("shows", ""),
                    message=own.get("message", ""),
                    needs=own.get("needs", ""),
                    alone=own.get("alone", table.get("alone", False)),
                )
            )
    return found


@dataclass
class Trace:
    """What came out of a run, as the effects need it: printed text, rich outputs, message types."""

    text: str = ""
    outputs: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    busy: bool = False


class Host:
    """A fake host: a home with planted secrets, a listening socket, a neighbour's runtime folder and a victim."""

    def __init__(self) -> None:
        self.secret = f"planted-{secrets.token_hex(8)}"
        self.name = f"victim-{secrets.token_hex(4)}"
        self.root = Path(tempfile.mkdtemp(prefix="fake-host-"))
        self.home, self.outside, self.runtime, self.scratch = (
            self.root / part for part in ("home", "outside", "runtime", "scratch")
        )
        self.connections = 0
        self._ends: list[socket.socket] = []
        self.port = self._listen(socket.socket(), ("127.0.0.1", 0))
        self._plant()
        self._listen(socket.socket(socket.AF_UNIX), str(self.runtime / "agent.sock"))
        file = {"ip": "127.0.0.1", "shell_port": self.port, "key": self.secret, "transport": "tcp"}
        (self.runtime / "kernel-1.json").write_text(json.dumps(file))
        self.victim = self._start_victim()

    def _plant(self) -> None:
        for folder in (self.home / ".ssh", self.outside, self.runtime, self.left):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / ".secret").write_text(self.secret)
        (self.home / ".ssh" / "id_rsa").write_text(self.secret)
        with contextlib.closing(sqlite3.connect(self.home / "keys.db")) as database, database:
            database.execute("create table keys (v text)")
            database.execute("insert into keys values (?)", [self.secret])
        self._tidy_outside()

    def _tidy_outside(self) -> None:
        shutil.rmtree(self.outside, ignore_errors=True)
        self.outside.mkdir()
        (self.outside / "keep").write_text("kept")

    def _listen(self, end: socket.socket, address: Any) -> int:
        end.bind(address)
        end.listen(16)
        self._ends.append(end)
        threading.Thread(target=self._accept, args=(end,), daemon=True).start()
        return int(end.getsockname()[1]) if end.family == socket.AF_INET else 0

    def _accept(self, end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = end.accept()
                self.connections += 1
                peer.close()

    def _start_victim(self) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.environ["PATH"], "API_KEY": self.secret}
        code = f"import time; time.sleep(3600)  # {self.name} {self.secret}"
        return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=self.home)

    def fill(self, attack: Attack) -> str:
        """Return the attack's code, aimed at this host."""
        values = {
            "HOME": self.home,
            "OUTSIDE": self.outside,
            "RUNTIME": self.runtime,
            "SECRET": self.secret,
            "PORT": self.port,
            "VICTIM": self.victim.pid,
            "VICTIM_NAME": self.name,
            "HOST_PID": os.getpid(),
            "HOSTNAME": socket.gethostname(),
            **{f"{name}_CODES": _codes(getattr(self, name.lower())) for name in ("HOME", "OUTSIDE", "RUNTIME")},
        }
        return re.sub(r"@([A-Z_]+)@", lambda place: str(values[place[1]]), attack.code)

    def succeeded(self, attack: Attack, trace: Trace) -> bool:
        """Say whether the effect is there; what was broken is mended for the next attack."""
        try:
            return self._effect(attack, trace)
        finally:
            self._mend()

    def _effect(self, attack: Attack, trace: Trace) -> bool:
        match attack.effect:
            case "secret":
                return self.secret in trace.text
            case "process":
                return "CHILD:42" in trace.text
            case "got":
                return _GOT.search(trace.text) is not None
            case "connection":
                return _soon(lambda: self.connections > 0)
            case "victim":
                return _soon(lambda: self.victim.poll() is not None)
            case "outside":
                return self._outside() != {"keep": b"kept"}
            case "shown":
                return any(re.search(attack.shows, shown) for shown in _rich(trace.outputs))
            case "printed":
                return re.search(attack.shows, trace.text) is not None
            case "message":
                return attack.message in trace.messages or (attack.message == "FORGED" and "FORGED" in str(trace))
            case "left":
                return any(not _is_plain(path) for path in self.left.iterdir())
            case "exhausted":
                return trace.busy or _GOT.search(trace.text) is not None
        msg = f"{attack.id} has the unknown effect {attack.effect!r}"
        raise ValueError(msg)

    def _outside(self) -> dict[str, bytes]:
        if not self.outside.is_dir():
            return {}
        return {path.name: path.read_bytes() for path in self.outside.iterdir()}

    @property
    def left(self) -> Path:
        """Where a run's files end up: a plain kernel's working folder, or what was collected from a sandbox."""
        return self.scratch / "work"

    def _mend(self) -> None:
        for path in self.left.iterdir():  # the folder itself is where the kernel works
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.connections = 0
        self._tidy_outside()
        if self.victim.poll() is not None:
            self.victim = self._start_victim()

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for end in self._ends:
            # Closing alone would leave the thread in accept().
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        shutil.rmtree(self.root)


class Plain:
    """A kernel without any confinement, whose home is the fake host's; started again when an attack has killed it."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._start()

    def _start(self) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._host.home), "API_KEY": self._host.secret}
        environment |= {"IPYTHONDIR": str(self._host.scratch / ".ipython"), "MPLBACKEND": "agg"}
        self._manager = KernelManager()
        self._manager.start_kernel(env=environment, cwd=str(self._host.left), stdout=-3, stderr=-3)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self._execute(REMEMBER, 20)

    def restart(self) -> None:
        self.close()
        self._start()

    def run(self, code: str, *, patience: float = 20.0) -> Trace:
        """Run `code` and return all it sent; `busy` when it was not done after `patience` seconds."""
        self._execute(FORGET, 20)
        return self._execute(code, patience)

    def _execute(self, code: str, patience: float) -> Trace:
        request = self._client.execute(code, store_history=False, allow_stdin=False)
        trace = Trace()
        end = time.monotonic() + patience
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=max(0.01, end - time.monotonic()))
            except Empty:
                trace.busy = True
                return trace
            kind, content = message["msg_type"], message["content"]
            if kind == "status":
                ours = message["parent_header"].get("msg_id") == request
                if ours and content["execution_state"] == "idle" and "x" not in content:
                    break
                trace.messages += ["FORGED"] if "x" in content else []
                continue
            _note(trace, kind, content)
        with contextlib.suppress(Empty):
            reply = self._client.get_shell_msg(timeout=2)
            while reply["parent_header"].get("msg_id") != request:
                reply = self._client.get_shell_msg(timeout=2)
            trace.messages += ["payload"] if reply["content"].get("payload") else []
        return trace

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _note(trace: Trace, kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        trace.text += content["text"]
    elif kind == "error":
        trace.text += "\n".join([f"{content['ename']}: {content['evalue']}", *content["traceback"]])
    elif kind in SHOWN:
        trace.outputs.append({"data": content["data"], "metadata": content["metadata"]})
        trace.text += str(content["data"].get("text/plain", ""))
    if kind not in ("execute_input",):
        trace.messages.append(kind)


def of_run(run: Run) -> Trace:
    """Make a trace of what a sandbox gave back."""
    error = run.error.traceback if run.error else ""
    text = "\n".join([run.stdout, run.stderr, run.value or "", error, *run.notes])
    shown = [output for output in run.outputs if output["output_type"] not in ("stream", "error")]
    plain = "\n".join(str(output.get("data", {}).get("text/plain", "")) for output in shown)
    kinds = [output["output_type"] for output in shown if output["output_type"] not in SHOWN]
    return Trace(text=text + plain, outputs=list(shown), messages=kinds)


def _rich(outputs: list[dict[str, Any]]) -> Iterator[str]:
    """Yield everything but plain text that a front end would look at, media types included."""
    for output in outputs:
        for kind, value in output.get("data", {}).items():
            if kind != "text/plain":
                yield f"{kind} {value if isinstance(value, str) else json.dumps(value)}"
        yield json.dumps(output.get("metadata", {}))


def _codes(path: Path) -> str:
    """Spell a path so that no reader of the source can see it."""
    return " ".join(str(ord(character)) for character in str(path))


def _is_plain(path: Path) -> bool:
    """Say whether a file is regular, alone, without special rights and of a printable name."""
    status = path.lstat()
    if stat.S_ISDIR(status.st_mode):
        return all(map(_is_plain, path.iterdir()))
    regular = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and not status.st_mode & 0o7111
    return regular and path.name.isprintable()


def _soon(condition: Any) -> bool:
    end = time.monotonic() + 0.4
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Confined:
    """Sandboxes, the policy off: one for all attacks, one with small limits for those that use things up."""

    LIMITS = SandboxSettings(wall_time=2.0, cpu_time=30, memory=1024, scratch=32, file_size=32, output=1)

    def __init__(self, do: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._do = do
        self._boxes: dict[bool, Sandbox] = {}

    def run(self, attack: Attack, code: str, *, into: Path) -> Run:
        """Run `code` of `attack` where it belongs; what earlier attacks left behind is forgotten first.

        The files that an attack of that kind leaves are collected `into` a folder.
        """
        small = attack.family == "exhaustion"
        if small not in self._boxes:
            box = Sandbox(self.LIMITS if small else SandboxSettings(wall_time=20.0))
            self._do(box.start())
            self._boxes[small] = box
        run: Run = self._do(self._run(self._boxes[small], code))
        if attack.effect == "left":
            self._do(self._collect(self._boxes[small], into))
        return run

    async def _run(self, box: Sandbox, code: str) -> Run:
        # A kernel that died and was started again remembers nothing; then there is nothing to forget either.
        await box.run(f"if '_clean' not in globals():\n    {REMEMBER}\n{FORGET}")
        return await box.run(code)

    async def _collect(self, box: Sandbox, into: Path) -> None:
        """Take out every file there is, under its own name where the sandbox lets it have one."""
        for file in await box.files():
            with contextlib.suppress(AutocoderError):
                await box.collect(file.name, into / file.name)

    def close(self) -> None:
        for box in self._boxes.values():
            self._do(box.close())
