"""Interpreters of every layout, made of empty folders, and what of them would be shown inside."""

from __future__ import annotations

import ast
import os
import site
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxUnavailable, SettingsError
from jupyter_autocoder.sandbox import world as module
from jupyter_autocoder.sandbox.world import PACKAGE, world

INSIDE = PACKAGE / "sandbox" / "inside"


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment whose python is a link to a base's, as `venv` and `uv` make it."""
    base, venv = tmp_path / "python" / "cpython-3.11.9", tmp_path / "project" / ".venv"
    for folder in (base / "bin", venv / "bin", venv / "lib" / "python3.11" / "site-packages"):
        folder.mkdir(parents=True)
    (base / "bin" / "python3.11").write_text("")
    (venv / "bin" / "python").symlink_to(base / "bin" / "python3.11")
    for name, value in {"prefix": venv, "exec_prefix": venv, "base_prefix": base, "base_exec_prefix": base}.items():
        monkeypatch.setattr(sys, name, str(value))
    monkeypatch.setattr(sys, "executable", str(venv / "bin" / "python"))
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(venv / "lib" / "python3.11" / "site-packages")])
    module._linked_packages.cache_clear()
    return tmp_path


def test_a_virtual_environment_is_shown_with_its_base_and_without_its_project(interpreter: Path) -> None:
    (interpreter / "project" / "secrets.env").write_text("KEY=1")

    trees = world().trees

    assert str(interpreter / "project" / ".venv") in trees
    assert str(interpreter / "python" / "cpython-3.11.9") in trees
    assert not any((interpreter / "project" / "secrets.env").is_relative_to(tree) for tree in trees)


def test_a_chain_of_links_is_shown_link_by_link(interpreter: Path) -> None:
    shim = interpreter / "shims" / "3.11"
    (shim / "bin").mkdir(parents=True)
    python = interpreter / "project" / ".venv" / "bin" / "python"
    target = python.resolve()
    python.unlink()
    (shim / "bin" / "python3.11").symlink_to(target)
    python.symlink_to(shim / "bin" / "python3.11")

    assert str(shim) in world().trees


def test_a_prefix_behind_a_link_is_shown_under_both_names(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (interpreter / "current").symlink_to(interpreter / "python" / "cpython-3.11.9")
    monkeypatch.setattr(sys, "base_prefix", str(interpreter / "current"))

    trees = world().trees

    assert str(interpreter / "current") in trees
    assert str(interpreter / "python" / "cpython-3.11.9") in trees


def test_packages_that_are_only_linked_into_site_packages_are_shown(interpreter: Path) -> None:
    cache = interpreter / "cache" / "numpy"
    cache.mkdir(parents=True)
    (Path(site.getsitepackages()[0]) / "numpy").symlink_to(cache)

    assert str(cache) in world().trees


def test_the_user_site_is_shown_only_where_it_is_in_use(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = interpreter / "local" / "site-packages"
    user.mkdir(parents=True)
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(user))

    assert str(user) not in world().trees
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    assert str(user) in world().trees


def test_our_own_package_is_shown_wherever_it_lies(interpreter: Path) -> None:
    assert any(PACKAGE.is_relative_to(tree) for tree in world().trees)
    assert str(PACKAGE.parent) not in world().trees


def test_secrets_in_a_prefix_are_covered(interpreter: Path) -> None:
    venv = interpreter / "project" / ".venv"
    (venv / "pip.conf").write_text("[global]\nindex-url = https://user:token@example.org/simple\n")
    (venv / "etc" / "jupyter").mkdir(parents=True)

    assert {str(venv / "pip.conf"), str(venv / "etc/jupyter")} <= set(world().hidden)


def test_the_persons_modules_are_shown_and_must_be_folders(interpreter: Path) -> None:
    folder = interpreter / "helpers"
    folder.mkdir()

    assert str(folder) in world((str(folder),)).trees
    with pytest.raises(SettingsError) as caught:
        world((str(interpreter / "gone"),))
    assert caught.value.key == "sandbox.modules"


@pytest.mark.parametrize("path", ["/", "/home", "/etc", "/tmp", "~"])
def test_a_home_or_the_systems_own_folders_are_never_shown_as_a_whole(interpreter: Path, path: str) -> None:
    with pytest.raises(SandboxUnavailable):
        world((path,))


def test_a_prefix_that_is_a_home_is_refused(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", os.path.expanduser("~"))

    with pytest.raises(SandboxUnavailable) as caught:
        world()

    assert "virtual environment" in caught.value.mend


def test_a_removed_environment_is_told(interpreter: Path) -> None:
    Path(sys.executable).unlink()

    with pytest.raises(SandboxUnavailable) as caught:
        world()

    assert caught.value.facility == "python environment"


@pytest.mark.parametrize(
    "path",
    [
        module.launcher(),
        PACKAGE / "sandbox" / "stranger.py",
        *(INSIDE / f"{name}.py" for name in ("alone", "bpf", "landlock", "limits", "measure", "seccomp", "syscalls")),
    ],
    ids=lambda path: path.name,
)
def test_what_runs_before_the_walls_stand_imports_the_standard_library_only(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")

    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith("jupyter_autocoder.sandbox.inside") for name in foreign)


@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes a stranger first")
def test_what_only_root_may_read_is_told_before_anything_starts(tmp_path: Path, start: Callable[..., Any]) -> None:
    tmp_path.chmod(0o700)

    with pytest.raises(SandboxUnavailable) as caught:
        start(modules=(str(tmp_path),))

    assert caught.value.mend == f"chmod -R o+rX {tmp_path}"


@pytest.mark.sandbox
def test_modules_of_the_person_can_be_imported_inside_and_not_changed(
    tmp_path: Path, start: Callable[..., Any]
) -> None:
    (tmp_path / "helper_of_mine.py").write_text("answer = 42\n")
    tmp_path.chmod(0o755)
    kernel = start(modules=(str(tmp_path),))

    assert kernel.run("import helper_of_mine; helper_of_mine.answer").text == "42"
    assert kernel.run(f"open({str(tmp_path / 'new.py')!r}, 'w')").error == "OSError"


@pytest.mark.sandbox
def test_a_kernel_that_lies_outside_of_the_shown_folders_is_named_with_the_mend(tmp_path: Path) -> None:
    lean = tmp_path / "lean"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", lean], check=True, timeout=60)
    (lean / f"lib/python3.{sys.version_info.minor}/site-packages/linked.pth").write_text(
        f"{site.getsitepackages()[0]}\n{PACKAGE.parent}\n"
    )
    program = "import asyncio; from jupyter_autocoder.sandbox import Sandbox; asyncio.run(Sandbox().run('1'))"

    done = subprocess.run(
        [lean / "bin" / "python", "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )

    assert "No module named 'ipykernel'" in done.stderr
    assert f"install ipykernel into {lean}" in done.stderr
