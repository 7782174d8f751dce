"""What a notebook shows beside text: the confirmation card of a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_autocoder.widgets.show import Shown, show_ticket

__all__ = ["Shown", "show_ticket"]


def __getattr__(name: str) -> Any:
    # ipywidgets and anywidget are loaded when a ticket is shown, not when the magics are.
    if name in __all__:
        from jupyter_autocoder.widgets import show

        return getattr(show, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
