"""The notebook's face: ``%%autocode``, ``%autocode`` and ``%usage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(shell: InteractiveShell) -> None:
    """Register the magics with `shell`."""
    from jupyter_autocoder.magics.shell import AutocodeMagics

    magics = AutocodeMagics(shell)
    shell.register_magics(magics)
    magics.start()


def unload(shell: InteractiveShell) -> None:
    """Remove the magics from `shell` and stop its sandboxes."""
    from jupyter_autocoder.magics.shell import AutocodeMagics

    magics = shell.magics_manager.registry.pop(AutocodeMagics.__name__, None)
    if isinstance(magics, AutocodeMagics):
        magics.close()
    for kind, names in AutocodeMagics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
