"""The wheel, installed on a machine without Node: JupyterLab has the sidebar, and it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
REPOSITORY = Path(__file__).parents[2]
LEFT_OUT = (".git", ".venv", "node_modules", "lib", ".yarn", "__pycache__", ".*_cache", ".hypothesis", "tests")


def _run(*command: str | Path, cwd: Path) -> None:
    """Run a command without Node in reach."""
    environment = {**os.environ, "PATH": "/nonexistent", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The interpreter of an environment into which the built wheel was installed; its dependencies are the tests'."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(REPOSITORY, source, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist", cwd=source)
    (wheel,) = (folder / "dist").glob("*.whl")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    # A path in a .pth file brings the packages that lie there, without those that are installed there to be edited.
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_jupyterlab_from_the_wheel_has_the_sidebar_and_it_answers(
    installed, tmp_path, browser, model, answers, lab_class, person_class
):
    answers("Hello from the wheel.")
    application = Path(sys.prefix) / "share" / "jupyter" / "lab"
    environment = {"PATH": f"{installed.parent}:/nonexistent", "JUPYTERLAB_DIR": str(application)}
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        with lab_class(tmp_path, model.base_url, python=installed, **environment) as server:
            person = person_class(context.new_page(), server).visit(server.notebook("a.ipynb", "x = 1"))
            person.ask("hello")
            answer = person.answer().inner_text()
            kernels = server.fetch("GET", "api/kernelspecs")["kernelspecs"]
    finally:
        context.close()

    assert "Hello from the wheel." in answer
    assert "autocoder-sandbox" in kernels
