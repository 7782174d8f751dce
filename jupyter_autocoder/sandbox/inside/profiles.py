"""The two kernels: `exact` runs what was checked, byte for byte; `notebook` is a person's, with IPython's syntax."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def start(plan: Mapping[str, Any]) -> None:
    """Run the kernel until it ends. Imports IPython: everything before has been confined."""
    # A debugger needs a TCP port, which no sandbox has; importing it only costs time.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    config = Config()
    config.IPKernelApp.connection_file = plan["connection_file"]
    config.InteractiveShellApp.ignore_cwd = True
    config.HistoryManager.enabled = False
    config.HistoryAccessor.enabled = False
    exact = plan["profile"] == "exact"
    if exact:
        config.InteractiveShell.automagic = False
        config.InteractiveShell.autocall = 0
    app = IPKernelApp.instance(config=config)
    app.initialize([])
    if exact:
        transformers = app.shell.input_transformer_manager
        transformers.cleanup_transforms = []
        transformers.line_transforms = []
        transformers.token_transformers = []
    app.start()
