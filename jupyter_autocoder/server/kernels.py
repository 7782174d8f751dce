"""What a conversation asks of the notebook it belongs to: to run code in its own sandbox, to tell its variables.

The kernel's process owns both, so it is asked: one silent request whose expression calls a function of the magics
there. What comes back is data.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
from typing import Any

from jupyter_autocoder.chat import Malformed, decode
from jupyter_autocoder.errors import SandboxDied, UsageError
from jupyter_autocoder.events import Run, Variable
from jupyter_autocoder.server.question import Answer, Question
from jupyter_autocoder.server.services import OnOutput

# Seconds: a kernel that is busy with a cell does not answer; the conversation's own sandbox is there at once.
PROBE = 1.5
_MODULE = "jupyter_autocoder.magics"
# Asked without importing: a kernel where nobody loaded the magics has no sandbox to run in.
_CAN = f"hasattr(__import__('sys').modules.get('{_MODULE}'), 'run_for_chat')"
# Imported, where nobody did yet: telling variables needs no sandbox and leaves no name behind.
_TELL = f"__import__('importlib').import_module('{_MODULE}').describe_for_chat"
# What reading an answer raises that is not what it should be.
_NO_DATA = (Malformed, ValueError, SyntaxError, TypeError, RecursionError, MemoryError)


class Kernels:
    """The notebooks' kernels of one Jupyter server; everything here is called on the server's loop."""

    def __init__(self, sessions: Any, kernels: Any) -> None:
        self._sessions = sessions
        self._kernels = kernels

    async def find(self, notebook: str) -> str | None:
        """Give the id of the notebook's kernel, None when it has none that can run code for a conversation."""
        kernel = await self._kernel_of(notebook)
        if kernel is None:
            return None
        try:
            async with asyncio.timeout(PROBE):
                able = (await self._evaluate(kernel, _CAN)).value
        except (TimeoutError, SandboxDied):
            return None
        return kernel if able == "True" else None

    async def run(self, kernel: str, source: str, on_output: OnOutput) -> Run:
        """Run code through the kernel; `on_output` gets its outputs while it runs, as far as they are shown then.

        The Run is the whole of it. Raises SandboxDied when the kernel ends meanwhile, or gives nothing that is a Run.
        """
        call = f"__import__('sys').modules['{_MODULE}'].run_for_chat({source!r})"
        answer = await self._evaluate(kernel, call, on_output)
        if answer.error == "KeyboardInterrupt":
            raise SandboxDied("the code was interrupted in the notebook's kernel", do="run it again")
        if answer.error:
            why = f"{answer.error}: {answer.message}"
            raise SandboxDied("the notebook's kernel could not run the code", why=why)
        try:
            return decode(Run, _data(answer))
        except _NO_DATA:
            raise SandboxDied("the notebook's kernel gave no result", do="restart the kernel, or try again") from None

    async def variables(self, notebook: str, *, rows: int) -> tuple[Variable, ...]:
        """Tell what the notebook's variables are, with `rows` of each; raises UsageError where its kernel cannot."""
        kernel = await self._kernel_of(notebook)
        if kernel is None:
            raise UsageError(f"no kernel runs for {notebook}", do="run a cell of the notebook, then try again")
        try:
            async with asyncio.timeout(PROBE):
                answer = await self._evaluate(kernel, f"{_TELL}(rows={rows})")
        except TimeoutError:
            what = f"the kernel of {notebook} is busy with a cell"
            raise UsageError(what, do="wait for its end, then try again") from None
        except SandboxDied:
            what = f"the kernel of {notebook} ended"
            raise UsageError(what, do="run a cell of the notebook, then try again") from None
        try:
            return tuple(decode(Variable, item) for item in _data(answer))
        except _NO_DATA:
            raise UsageError(
                f"the kernel of {notebook} cannot tell its variables",
                why="it is no Python, or jupyter_autocoder is not installed beside it",
                do="attach the cells instead, or install jupyter-autocoder in the kernel's environment",
            ) from None

    async def interrupt(self, kernel: str) -> None:
        """Interrupt what the kernel runs."""
        with contextlib.suppress(KeyError):
            await self._kernels.interrupt_kernel(kernel)

    async def _kernel_of(self, notebook: str) -> str | None:
        for session in await self._sessions.list_sessions():
            kernel = session.get("kernel") or {}
            if session.get("path") == notebook and kernel.get("id") in self._kernels:
                return str(kernel["id"])
        return None

    async def _evaluate(self, kernel: str, expression: str, on_output: OnOutput | None = None) -> Answer:
        """Evaluate an expression in the kernel."""
        try:
            manager = self._kernels.get_kernel(kernel)
        except KeyError:
            raise SandboxDied("the notebook has no kernel any more", do="run a cell of it, then try again") from None
        return await Question(manager).ask(expression, on_output)


def _data(answer: Answer) -> Any:
    """Read the JSON text that was answered."""
    return json.loads(ast.literal_eval(answer.value or ""))
