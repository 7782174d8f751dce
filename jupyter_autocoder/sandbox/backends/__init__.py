"""The ways to confine a kernel, behind one small port."""

from __future__ import annotations

from jupyter_autocoder.sandbox.backends.base import Backend, Launch, Order, Paths

__all__ = ["Backend", "Launch", "Order", "Paths", "backend"]


def backend(name: str) -> Backend:
    """Give the backend that the settings name; there is no falling back from one to another."""
    if name == "bubblewrap":
        from jupyter_autocoder.sandbox.backends.bubblewrap import Bubblewrap

        return Bubblewrap()
    if name == "landlock":
        from jupyter_autocoder.sandbox.backends.landlock import Landlock

        return Landlock()
    raise ValueError(name)
