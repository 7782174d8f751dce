"""nbclient with one cell at a time; apart from `session`, because importing it takes as long as starting a kernel."""

from __future__ import annotations

from typing import Any

import nbformat.v4
from nbclient import NotebookClient
from nbformat import NotebookNode

from jupyter_autocoder.sandbox.manager import SandboxManager

# 50 sandboxes at once on two cores need this long; a single one is there in half a second.
START_TIMEOUT = 90


class CellRunner(NotebookClient):
    """Runs cells on a kernel that `manager` has started, with a memory that is fresh for each."""

    reply: dict[str, Any]

    @classmethod
    def over(cls, manager: SandboxManager) -> CellRunner:
        runner = cls(nbformat.v4.new_notebook(), km=manager, allow_errors=True, log=manager.log)
        runner.startup_timeout = START_TIMEOUT
        runner.shutdown_kernel = "immediate"
        runner.iopub_timeout = 2
        runner.on_cell_executed = runner._keep_reply
        return runner

    def begin(self, source: str) -> NotebookNode:
        """The cell to execute next; its outputs will be in it."""
        self.reset_execution_trackers()
        # nbformat's own maker validates against a schema, which takes longer than a small run.
        cell = NotebookNode(cell_type="code", metadata=NotebookNode(), source=source, outputs=[], execution_count=None)
        self.nb.cells = [cell]
        self.reply = {}
        return cell

    def _keep_reply(self, *, execute_reply: dict[str, Any], **_: Any) -> None:
        self.reply = execute_reply["content"]
