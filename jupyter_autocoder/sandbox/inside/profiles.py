"""The two kernels: `exact` runs what was checked, byte for byte; `notebook` is a person's, with IPython's syntax.

The first thing here that is more than the standard library: the process is confined by now.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config


def run(plan: Mapping[str, Any]) -> None:
    """Be an IPython kernel until it ends."""
    os.chdir(plan["scratch"])
    sys.argv[:] = ["sandbox"]
    _provide_fonts(plan["font_cache"])
    # A debugger needs a TCP port, which no sandbox has; importing it only costs time.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance(config=_config(plan))
    app.initialize([])
    if plan["profile"] == "exact":
        _run_as_written(app)
    app.start()


def _config(plan: Mapping[str, Any]) -> Config:
    from traitlets.config import Config

    config = Config()
    config.IPKernelApp.connection_file = plan["connection_file"]
    config.InteractiveShellApp.ignore_cwd = True
    # Nobody will read a history in a home that ends with the kernel; opening its database costs time.
    config.HistoryAccessor.enabled = False
    config.HistoryManager.enabled = False
    if plan["profile"] == "exact":
        config.InteractiveShell.automagic = False
        config.InteractiveShell.autocall = 0
        config.InteractiveShell.history_load_length = 0
    return config


def _run_as_written(app: IPKernelApp) -> None:
    """Take away everything that turns a cell's text into other text: ``!``, ``%``, ``?``, prompts, indentation."""
    manager: Any = app.shell
    transformers = manager.input_transformer_manager
    transformers.cleanup_transforms.clear()
    transformers.line_transforms.clear()
    transformers.token_transformers.clear()
    manager.ast_transformers.clear()


def _provide_fonts(cache: str) -> None:
    """Put the font list where matplotlib looks for it, which else takes seconds to make one in an empty home."""
    if not os.path.exists(cache):
        return
    home = os.environ["MPLCONFIGDIR"]
    os.makedirs(home, exist_ok=True)
    shutil.copyfile(cache, os.path.join(home, os.path.basename(cache)))
