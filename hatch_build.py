"""Build the sidebar's front end into the wheel, wherever Node is at hand.

An install without Node succeeds and says that it has no sidebar; so does the server at its start, and ``jupyter
autocoder doctor`` tells how to get it. A wheel and a source archive that were built with Node carry the built files, so
only a bare clone is ever without; a source archive without them is refused. ``SKIP_JUPYTER_BUILDER=1`` skips the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUTPUT = "jupyter_autocoder/labextension"
INSTALLED = "share/jupyter/labextensions/jupyter-autocoder"
SOURCES = ("src", "style", "schema", "package.json", "yarn.lock", "tsconfig.json")
SHARED = ("jupyter_autocoder/widgets/card.js", "jupyter_autocoder/widgets/card.css")

NO_ARCHIVE = (
    "Node.js was not found: nobody could install the chat sidebar from this source archive. "
    "Install Node.js, or set SKIP_JUPYTER_BUILDER=1 to make it without."
)


class FrontEnd(BuildHookInterface[Any]):
    """Called by hatchling before it collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is missing or stale, and add what is there to the wheel."""
        root = Path(self.root)
        try:
            self._build(root)
        except (OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                msg = f"building the sidebar failed ({error}); SKIP_JUPYTER_BUILDER=1 installs without it"
                raise RuntimeError(msg) from error
            self.app.display_warning(f"the sidebar was not built ({error}); try: jlpm --cwd labextension build")
        # A source archive takes the built files as its artifacts; only a wheel puts them where JupyterLab looks.
        if self.target_name == "wheel" and (root / OUTPUT / "package.json").exists():
            build_data["shared_data"][OUTPUT] = INSTALLED
            build_data["shared_data"]["labextension/install.json"] = f"{INSTALLED}/install.json"

    def _build(self, root: Path) -> None:
        if os.environ.get("SKIP_JUPYTER_BUILDER"):
            self.app.display_warning("SKIP_JUPYTER_BUILDER is set: the sidebar is not built")
        elif not stale(root):
            self.app.display_info("the sidebar is built already")
        elif shutil.which("node") is None:
            if self.target_name == "sdist":
                raise RuntimeError(NO_ARCHIVE)
            self.app.display_warning("Node.js was not found: this install has no chat sidebar")
        else:
            jlpm = [sys.executable, "-c", "from jupyter_builder.jlpm import main; main()"]
            environment = {**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"}
            for command in (["install", "--immutable"], ["build:prod"]):
                subprocess.run([*jlpm, *command], cwd=root / "labextension", env=environment, check=True)  # noqa: S603


def stale(root: Path) -> bool:
    """Whether the built files are missing or older than a source."""
    built = root / OUTPUT / "package.json"
    if not built.exists():
        return True
    sources = [*(root / "labextension" / name for name in SOURCES), *(root / name for name in SHARED)]
    files = [file for source in sources for file in ([source] if source.is_file() else source.rglob("*"))]
    return any(file.stat().st_mtime > built.stat().st_mtime for file in files if file.is_file())
