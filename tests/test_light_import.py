"""Importing the package, and loading its faces' hooks, stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"openai", "nbclient", "ipywidgets", "jupyter_server", "pydantic", "pandas", "numpy", "pyarrow", "tiktoken"}


@pytest.mark.parametrize("module", ["jupyter_autocoder", "jupyter_autocoder.settings", "jupyter_autocoder.sandbox"])
def test_import_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY!r}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
