"""Each facility is taken away in turn: the sandbox must not start, must say which one is missing, and leave nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable
from jupyter_autocoder.sandbox import process, selftest, world
from jupyter_autocoder.sandbox.backends import bubblewrap
from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.sandbox.plan import Plan
from jupyter_autocoder.settings import SandboxSettings

OUTSIDE = {name: f"{name}:[1]" for name in ("user", "pid", "net", "ipc", "uts", "mnt")}
PLAN = Plan(
    profile="exact",
    backend="bubblewrap",
    namespaces=tuple(OUTSIDE),
    package_path="/p",
    connection_file="/c",
    scratch="/s",
    sockets="/k",
    canary="/canary",
    report=3,
    parent=1,
    readable=("/",),
    writable=("/s",),
    read_only=("/", "/usr"),
    limits={"AS": (1, 1), "CPU": (2, 3)},
)
GOOD: dict[str, Any] = {
    "no_new_privs": 1,
    "seccomp": 2,
    "capabilities": 0,
    "namespaces": OUTSIDE,
    "interfaces": ["lo"],
    "canary": "ENOENT",
    "read_only": {"/": "EROFS", "/usr": "EROFS"},
    "sockets": "EACCES",
    "landlock": 7,
    "fork": "EPERM",
    "execute": "EPERM",
    "internet": "ENOTSUP",
    "new_namespace": "EPERM",
    "limits": {"AS": [1, 1], "CPU": [2, 3]},
    "uid": 1000,
}


def test_good_facts_pass() -> None:
    assert selftest.judge(GOOD, PLAN).facts == GOOD


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"uid"}))
def test_a_missing_fact_is_a_missing_wall(name: str) -> None:
    facts = {key: value for key, value in GOOD.items() if key != name}

    with pytest.raises(SandboxUnavailable):
        selftest.judge(facts, PLAN)


@pytest.mark.parametrize(
    ("name", "value", "facility"),
    [
        ("no_new_privs", 0, "no_new_privs"),
        ("seccomp", 0, "seccomp"),
        ("seccomp", 1, "seccomp"),
        ("internet", "worked", "seccomp"),
        ("internet", "EPERM", "seccomp"),
        ("capabilities", 1 << 21, "capabilities"),
        ("capabilities", "0", "capabilities"),
        ("namespaces", {**OUTSIDE, "net": os.readlink("/proc/self/ns/net")}, "namespaces"),
        ("namespaces", {**OUTSIDE, "user": "ENOENT"}, "namespaces"),
        ("namespaces", {}, "namespaces"),
        ("interfaces", ["lo", "eth0"], "interfaces"),
        ("interfaces", [], "interfaces"),
        ("canary", "worked", "canary"),
        ("canary", "EACCES", "canary"),
        ("read_only", {"/": "EROFS"}, "read_only"),
        ("read_only", {"/": "EROFS", "/usr": "worked"}, "read_only"),
        ("sockets", "worked", "landlock"),
        ("fork", "worked", "fork"),
        ("execute", "ENOENT", "execute"),
        ("new_namespace", "worked", "new_namespace"),
        ("limits", {"AS": [1, 1]}, "limits"),
        ("limits", {"AS": [1, -1], "CPU": [2, 3]}, "limits"),
        ("limits", None, "limits"),
    ],
)
def test_a_wrong_fact_names_its_wall_and_a_mend(name: str, value: Any, facility: str) -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        selftest.judge({**GOOD, name: value}, PLAN)

    assert caught.value.facility == facility
    assert caught.value.mend
    assert "measured inside" in caught.value.why


@pytest.mark.parametrize("report", [b"", b"nonsense", b"[]", b"null", b'{"seccomp": 2}'])
def test_a_report_that_is_no_report_is_refused(report: bytes) -> None:
    with pytest.raises(SandboxUnavailable):
        selftest.judge(process._parse(report), PLAN)


def refusal(**settings: Any) -> SandboxUnavailable:
    """Try to start a sandbox and give the error; nothing may be left of it."""

    async def attempt() -> SandboxUnavailable:
        manager = new_manager(SandboxSettings(**settings))
        with pytest.raises(SandboxUnavailable) as caught:
            await manager.start_kernel()
        assert not manager.has_kernel
        assert manager.provisioner.folder is None
        manager.context.destroy(linger=0)
        return caught.value

    return asyncio.run(attempt())


@pytest.fixture
def drop(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take options away from bubblewrap's command line, or add some."""

    def edit(*options: str, add: tuple[str, ...] = ()) -> None:
        kept = [option for option in bubblewrap._isolation() if option not in options]
        monkeypatch.setattr(bubblewrap, "_isolation", lambda: (*kept, *add))

    return edit


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Put a changed copy of the launcher in its place."""
    original = world.launcher()

    def edit(old: str, new: str) -> None:
        text = original.read_text()
        assert old in text
        folder = tmp_path / "kernel"
        shutil.copytree(original.parent, folder)
        (folder / "launcher.py").write_text(text.replace(old, new))
        monkeypatch.setattr(world, "launcher", lambda: folder / "launcher.py")

    return edit


@pytest.mark.sandbox
@pytest.mark.parametrize("option", ["--unshare-net", "--unshare-pid", "--unshare-ipc"])
def test_without_a_namespace_nothing_starts(drop: Callable[..., None], option: str) -> None:
    drop(option)

    assert refusal().facility == "namespaces"


@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep capabilities")
def test_with_capabilities_kept_nothing_starts(drop: Callable[..., None]) -> None:
    drop("--cap-drop", "ALL", add=("--cap-add", "ALL"))

    assert refusal().facility == "capabilities"


@pytest.mark.sandbox
def test_with_a_host_folder_mounted_nothing_starts(monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    mounts = bubblewrap._mounts
    monkeypatch.setattr(bubblewrap, "_mounts", lambda order: (*mounts(order), "--ro-bind", str(runtime), str(runtime)))

    assert refusal().facility == "canary"


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("old", "new", "facility"),
    [
        ("    seccomp.load(", "    (lambda filter: None)(", "fork"),
        ("    limits.apply(", "    (lambda limits: None)(", "limits"),
        ("    abi = landlock.restrict(", "    abi = (lambda **rules: 7)(", "landlock"),
        ("    seccomp.load(", "    raise OSError(22, 'no filter')\n    (", "start"),
        ("        json.dump(facts, report)", "        report.write('{')", "no_new_privs"),
        ("        json.dump(facts, report)", "        pass", "start"),
    ],
)
def test_with_a_step_of_the_launcher_missing_nothing_starts(
    launcher: Callable[..., None], old: str, new: str, facility: str
) -> None:
    launcher(old, new)

    assert refusal().facility == facility


@pytest.mark.sandbox
def test_without_any_filter_nothing_starts(launcher: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    launcher("    seccomp.load(", "    (lambda filter: None)(")
    allow_all = b"\x06\0\0\0\0\0\xff\x7f"
    monkeypatch.setattr(bubblewrap, "first", lambda arch: allow_all)

    assert refusal().facility == "seccomp"


@pytest.mark.sandbox
def test_without_landlock_nothing_starts_where_it_is_required(launcher: Callable[..., None]) -> None:
    launcher("    abi = landlock.restrict(", "    abi = (lambda **rules: 0)(")

    assert refusal(landlock="required").facility == "landlock"


@pytest.mark.sandbox
def test_without_landlock_the_other_walls_suffice_where_it_is_not_required(
    launcher: Callable[..., None], start: Callable[..., Any]
) -> None:
    launcher("    abi = landlock.restrict(", "    abi = (lambda **rules: 0)(")

    kernel = start(landlock="if-available")

    assert kernel.run("1 + 1").text == "2"
    assert kernel.manager.provisioner.report.facts["landlock"] == 0


@pytest.mark.sandbox
def test_a_launcher_that_hangs_is_ended_in_time(launcher: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    launcher("    limits.apply(", "    __import__('time').sleep(600)\n    (")
    monkeypatch.setattr(process, "START_TIMEOUT", 1.0)

    assert refusal().facility == "start"


@pytest.mark.sandbox
def test_a_launcher_that_dies_is_told_with_what_it_said(launcher: Callable[..., None]) -> None:
    launcher("    limits.apply(", "    sys.exit('the disk is on fire')\n    (")

    error = refusal()

    assert error.facility == "start"
    assert "the disk is on fire" in error.why


def test_the_launcher_alone_never_runs_a_kernel(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, str(world.launcher()), "-f", str(tmp_path / "k.json")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode != 0
    assert "changed by hand" in done.stderr
