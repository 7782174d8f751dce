"""What the sidebar's server side works with: the store, the governed client, the checker, the sandboxes.

Everything that blocks or computes runs off the server's loop: the database in worker threads, the client and the
sandboxes on the process's portal thread (nbclient replaces signal handlers on a main loop, and bubblewrap must be
started from a thread that lives as long as the process).
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from jupyter_autocoder.chat import Client, History
from jupyter_autocoder.events import Run, Variable, Verdict
from jupyter_autocoder.settings import Settings

T = TypeVar("T")
OnOutput = Callable[[dict[str, Any]], None]
Wait = Callable[..., Any]
"""Runs an async function with its arguments on the portal's loop and blocks the calling thread until it is done."""


class Loop(Protocol):
    """The portal, as far as it is needed here; cancelling the future cancels the function."""

    def soon(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]: ...


class Runner(Protocol):
    """Where code runs; called on the portal's loop."""

    async def run(self, conversation: str, source: str, on_output: OnOutput) -> Run: ...

    async def forget(self, conversation: str) -> None: ...

    async def close(self) -> None: ...


class NotebookRunner(Protocol):
    """Asks a notebook's kernel: to run code in its sandbox, to tell its variables; called on the server's loop.

    `find` gives the id of a kernel that can run code, None where the notebook has none.
    """

    async def find(self, notebook: str) -> str | None: ...

    async def run(self, kernel: str, source: str, on_output: OnOutput) -> Run: ...

    async def interrupt(self, kernel: str) -> None: ...

    async def variables(self, notebook: str, *, rows: int) -> tuple[Variable, ...]: ...


class Traded(Protocol):
    """What became of words: text to show, and the id of the ticket that waits, empty for none."""

    @property
    def text(self) -> str: ...

    @property
    def ticket(self) -> str: ...


class Trading(Protocol):
    """The desks of the server's persons; every method blocks."""

    def take(self, owner: str, text: str, *, asked: bool, wait: Wait | None = None) -> Traded | None: ...

    def card(self, owner: str, ticket: str) -> dict[str, Any]: ...

    def answer(self, owner: str, session: str, ticket: str, message: dict[str, Any]) -> dict[str, Any]: ...

    def halt(self, owner: str, session: str) -> None: ...

    def state(self, owner: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """The outside world of the rooms; tests put their own in.

    `client` opens a governed client for a person and a notebook; `redact` hides secrets and says how many; `remaining`
    gives the footer's sentence about what is left; `room` is how many tokens a question may have; `usage` and `limits`
    give Markdown.
    """

    settings: Settings
    history: History
    portal: Loop
    client: Callable[[str, str], contextlib.AbstractAsyncContextManager[Client]]
    check: Callable[[str], Verdict]
    sandboxes: Runner
    redact: Callable[[str], tuple[str, int]]
    count: Callable[[str], int]
    room: Callable[[], int]
    remaining: Callable[[str], str]
    usage: Callable[[str], str]
    limits: Callable[[str], str]
    notebooks: NotebookRunner | None = None
    trading: Trading | None = None

    def count_all(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""
        return [self.count(text) for text in texts]
