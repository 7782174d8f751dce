"""The server extension behind the sidebar."""

from __future__ import annotations

from typing import Any

__all__ = ["_jupyter_server_extension_points"]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server what to load; called by it at its start."""
    from jupyter_autocoder.server.app import AutocoderApp

    return [{"module": "jupyter_autocoder.server", "app": AutocoderApp}]
