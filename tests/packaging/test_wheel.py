"""The wheel: it brings the sidebar to a machine without Node, and no Node is needed to install from source."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BUILT = REPOSITORY / "jupyter_autocoder" / "labextension" / "package.json"
PANEL = "share/jupyter/labextensions/jupyter-autocoder"


def _copy(to: Path) -> Path:
    """Copy what a clone has, without what is built or installed."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "node_modules", "lib", ".yarn", "__pycache__", ".*_cache", ".hypothesis", "tests"
    )
    shutil.copytree(REPOSITORY, to, ignore=ignored, symlinks=True)
    return to


def _wheel(source: Path, *, without_node: bool) -> list[str]:
    """Build a wheel and return the names in it."""
    out = source.parent / "dist"
    # A PATH without Node: the interpreter is called by its full name.
    environment = {"PATH": "/nonexistent" if without_node else str(Path(sys.executable).parent), "HOME": str(out)}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: jlpm --cwd labextension build:prod")
def test_a_wheel_from_a_built_tree_holds_the_sidebar_and_its_server_side(tmp_path):
    names = _wheel(_copy(tmp_path / "source"), without_node=True)

    data = [name.split(".data/data/", 1)[1] for name in names if ".data/data/" in name]
    assert f"{PANEL}/package.json" in data
    assert f"{PANEL}/install.json" in data
    assert any(name.startswith(f"{PANEL}/static/remoteEntry.") for name in data)
    assert f"{PANEL}/schemas/jupyter-autocoder/sidebar.json" in data
    assert "etc/jupyter/jupyter_server_config.d/jupyter_autocoder.json" in data
    assert "jupyter_autocoder/server/app.py" in names
    # Once, where JupyterLab looks for it.
    assert not [name for name in names if name.startswith("jupyter_autocoder/labextension/")]


def test_without_node_a_bare_clone_installs_and_only_the_sidebar_is_missing(tmp_path):
    source = _copy(tmp_path / "source")
    shutil.rmtree(source / "jupyter_autocoder" / "labextension", ignore_errors=True)

    names = _wheel(source, without_node=True)

    assert "jupyter_autocoder/server/app.py" in names
    assert not [name for name in names if PANEL in name]


@pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: jlpm --cwd labextension build:prod")
def test_the_sidebar_is_no_bigger_than_it_may_be():
    files = [file for file in BUILT.parent.rglob("*") if file.is_file() and file.suffix != ".map"]

    assert sum(file.stat().st_size for file in files) <= 600_000


def test_the_front_end_has_the_packages_version():
    from jupyter_autocoder import __version__

    assert json.loads((REPOSITORY / "labextension" / "package.json").read_text())["version"] == __version__


def test_the_lock_file_records_no_registry():
    text = (REPOSITORY / "labextension" / "yarn.lock").read_text()

    assert "http://" not in text
    assert "https://" not in text


def test_no_package_for_real_time_collaboration_is_asked_for():
    wanted = json.loads((REPOSITORY / "labextension" / "package.json").read_text())["dependencies"]

    assert not [name for name in wanted if "collab" in name or "yjs" in name or "docprovider" in name]
