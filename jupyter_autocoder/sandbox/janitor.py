"""The janitor of a process that uses sandboxes: what killed owners left goes while somebody else still lives.

A process that is killed cannot clean up behind itself, and the next sandbox may be opened a day later.
"""

from __future__ import annotations

import asyncio

from jupyter_autocoder.sandbox.folder import sweep
from jupyter_autocoder.sandbox.loop import sandbox_loop

# Seconds from round to round: a look takes well under a millisecond, and nobody waits for the space.
EVERY = 60.0

_attended: asyncio.AbstractEventLoop | None = None


def attend() -> None:
    """Sweep now, and again every minute for as long as this process lives; may be called from any thread."""
    global _attended
    sweep()
    loop = sandbox_loop()  # another one after a fork
    if _attended is not loop:
        _attended = loop
        loop.call_soon_threadsafe(loop.call_later, EVERY, _round, loop)


def _round(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_in_executor(None, sweep)
    loop.call_later(EVERY, _round, loop)
