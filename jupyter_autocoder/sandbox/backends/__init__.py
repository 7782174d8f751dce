"""The ways to confine a kernel, behind one small port."""

from __future__ import annotations

from jupyter_autocoder.sandbox.backends.base import REPORT, Backend, Launch, Order, Paths
from jupyter_autocoder.settings import SandboxSettings

__all__ = ["REPORT", "Backend", "Launch", "Order", "Paths", "backend"]


def backend(settings: SandboxSettings) -> Backend:
    """Give the backend that the settings name; there is no falling back from one to another."""
    name = settings.backend
    if name == "bubblewrap":
        from jupyter_autocoder.sandbox.backends.bubblewrap import Bubblewrap

        return Bubblewrap()
    if name == "landlock":
        from jupyter_autocoder.sandbox.backends.landlock import Landlock

        return Landlock()
    from jupyter_autocoder.sandbox.backends.container import Container

    return Container(name, image=settings.image)
