"""A sentence becomes governed, checked and sandboxed code in Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; called by ``%load_ext jupyter_autocoder``."""
    from jupyter_autocoder import magics

    magics.load(shell, show_ticket=_show_ticket, prepare=_prepare_tickets)


def _show_ticket(desk: Any, entry: Any) -> Any:
    """Show a ticket by the widgets, which are imported when the first one is shown."""
    from jupyter_autocoder.widgets import show_ticket

    return show_ticket(desk, entry, tell=_tell)


def _prepare_tickets() -> None:
    """Import the widgets before the first ticket wants them; a kernel without them says so when it does."""
    import contextlib

    from jupyter_autocoder.widgets import kernel

    if kernel.in_kernel():
        with contextlib.suppress(ImportError):
            import jupyter_autocoder.widgets.card  # noqa: F401


def _tell(text: str) -> None:
    """Say something where there is no kernel: in IPython itself."""
    import sys

    sys.stdout.write(f"{text}\n")


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove the magics and stop the sandboxes; called by ``%unload_ext`` and ``%reload_ext``."""
    from jupyter_autocoder import magics

    magics.unload(shell)
