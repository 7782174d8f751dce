"""The wheel: it brings the sidebar to a machine without Node, and no Node is needed to install from source."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
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


def _build(source: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Build without Node in reach: the interpreter is called by its full name."""
    out = source.parent / "dist"
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=source,
        env={"PATH": "/nonexistent", "HOME": str(out)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def _wheel(source: Path) -> list[str]:
    """Build a wheel and return the names in it."""
    done = _build(source, "wheel")
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (source.parent / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: jlpm --cwd labextension build:prod")
def test_a_wheel_from_a_built_tree_holds_the_sidebar_and_its_server_side(tmp_path):
    names = _wheel(_copy(tmp_path / "source"))

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

    names = _wheel(source)

    assert "jupyter_autocoder/server/app.py" in names
    assert not [name for name in names if PANEL in name]


@pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: jlpm --cwd labextension build:prod")
def test_a_wheel_from_a_source_archive_needs_no_node_for_its_sidebar(tmp_path):
    done = _build(_copy(tmp_path / "source"), "sdist")
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()

    names = _wheel(source)

    assert any(f"{PANEL}/static/remoteEntry." in name for name in names)


def test_a_source_archive_without_the_sidebar_is_refused(tmp_path):
    source = _copy(tmp_path / "source")
    shutil.rmtree(source / "jupyter_autocoder" / "labextension", ignore_errors=True)

    done = _build(source, "sdist")

    assert done.returncode != 0
    assert "Node.js was not found" in done.stdout + done.stderr


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
