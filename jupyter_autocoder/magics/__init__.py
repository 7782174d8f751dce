"""The notebook's face: ``%%autocode``, ``%autocode``, ``%usage`` and ``%trade``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_autocoder.errors import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["describe_for_chat", "load", "run_for_chat", "unload"]


def load(
    shell: InteractiveShell, *, show_ticket: Callable[..., Any], prepare: Callable[[], None] = lambda: None
) -> None:
    """Register the magics with `shell`; `show_ticket(desk, entry)` puts a ticket before the person's eyes.

    `prepare` loads what that needs; it is called on a thread that has time.
    """
    from jupyter_autocoder.magics.shell import AutocodeMagics
    from jupyter_autocoder.magics.trade import TradeMagics

    magics = AutocodeMagics(shell)
    shell.register_magics(
        magics, TradeMagics(shell, show_ticket, propose=lambda *given: magics.workshop.propose(*given))
    )
    magics.start(_warm_up_trading, prepare)


def _warm_up_trading() -> None:
    from jupyter_autocoder.desk.warm import warm_up

    warm_up()


def run_for_chat(source: str) -> str:
    """Check and run `source` in this notebook's own sandbox; return the Run as JSON.

    Called by the Jupyter server through the kernel, for a conversation that belongs to this notebook. The variables
    that the code reads are sent into the sandbox, the outputs to the server while it runs. What the checker refuses
    comes back as a Run that failed.
    """
    from IPython.core.getipython import get_ipython

    from jupyter_autocoder.magics.live import Live
    from jupyter_autocoder.magics.shell import AutocodeMagics

    shell = get_ipython()
    magics = shell.magics_manager.registry.get(AutocodeMagics.__name__) if shell is not None else None
    if not isinstance(magics, AutocodeMagics):
        raise UsageError("this kernel has not loaded the magics", do="run %load_ext jupyter_autocoder in the notebook")
    return magics.workshop.run_for_chat(source, magics.names(), Live(getattr(shell, "kernel", None)).send)


def describe_for_chat(*, rows: int) -> str:
    """Tell what this kernel's variables are as a JSON list of Variables, with `rows` of each (0: no value at all).

    Called by the Jupyter server like `run_for_chat`; the magics need not be loaded.
    """
    from IPython.core.getipython import get_ipython

    from jupyter_autocoder.magics.schemas import schemas

    shell = get_ipython()
    return schemas(shell.user_ns, shell.user_ns_hidden, rows=rows) if shell is not None else "[]"


def unload(shell: InteractiveShell) -> None:
    """Remove the magics from `shell` and stop its sandboxes."""
    from jupyter_autocoder.magics.shell import AutocodeMagics
    from jupyter_autocoder.magics.trade import TradeMagics

    for kind in (AutocodeMagics, TradeMagics):
        magics = shell.magics_manager.registry.pop(kind.__name__, None)
        if isinstance(magics, AutocodeMagics | TradeMagics):
            magics.close()
        for manner, names in kind.magics.items():
            for name in names:
                shell.magics_manager.magics[manner].pop(name, None)
