"""What all questions of one client share, and what one question has come to so far."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_autocoder.errors import AutocoderError
from jupyter_autocoder.events import Progress, Stage, Usage
from jupyter_autocoder.llm.desk import Desk
from jupyter_autocoder.llm.identity import fingerprint
from jupyter_autocoder.llm.prices import Model, PriceTable
from jupyter_autocoder.llm.providers import Provider
from jupyter_autocoder.llm.stream import Answer
from jupyter_autocoder.settings import Default, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time of day, a stopwatch, and a way to wait; tests replace all three."""

    clock: Callable[[], float]
    timer: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    def today(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self.clock(), datetime.UTC).date()


class Outside:
    """What all questions of one client share: settings, provider, prices, the governor's desk and the connection."""

    def __init__(
        self,
        *,
        settings: Settings,
        provider: Provider,
        table: PriceTable,
        desk: Desk,
        clock: Clock,
        face: str,
        notebook: str,
    ) -> None:
        self.settings = settings
        self.provider = provider
        self.table = table
        self.desk = desk
        self.clock = clock
        self.face = face
        self.notebook = notebook
        self.secrets = (provider.key.secret,) if provider.key else ()
        self.key = fingerprint(provider.key.secret if provider.key else "", provider.base_url)
        # A single local model is asked whatever a table says of its name; so are its limits its own.
        self.alone = provider.local and isinstance(settings.model.fallback, Default)
        self._tier_told = False
        self._sdk: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting = asyncio.Lock()

    async def begin(self) -> Turn:
        """Start the clock of one question; the first import of the SDK does not count. Raises NoKey."""
        await self.sdk()
        now = self.clock.timer()
        return Turn(started=now, deadline=now + self.settings.model.deadline)

    def model(self, name: str) -> Model:
        """Give what is known of a model here."""
        if self.alone and name not in self.table.own:
            return Model(name=name, input=0, output=0)
        return self.table.find_local(name) if self.provider.local else self.table.find(name)

    def prepare(self) -> None:
        """Import the SDK; without a key the first call says so, not this."""
        with contextlib.suppress(AutocoderError):
            self._connect()

    async def sdk(self) -> Any:
        """Give the SDK's client for this loop; the import takes a second, so it happens on another thread."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Connections and locks of another loop are of no use here.
            self._sdk, self._loop, self._connecting = None, loop, asyncio.Lock()
        async with self._connecting:
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._connect)
        return self._sdk

    def _connect(self) -> Any:
        sdk = self.provider.connect(timeout=self.settings.model.first_byte_timeout)
        # The SDK imports its parts at first use: here, and not on the loop while a timeout runs.
        for part in (sdk.chat.completions, sdk.embeddings):
            _ = part.with_streaming_response
        return sdk

    async def disconnect(self) -> None:
        sdk, self._sdk = self._sdk, None
        # Connections of a loop that has ended cannot be closed any more, they went with it.
        if sdk is not None and self._loop is asyncio.get_running_loop():
            await sdk.close()

    def tier_line(self, line: str | None) -> str:
        """Pass the governor's line about a wider tier on once, not with every answer."""
        if not line or self._tier_told:
            return ""
        self._tier_told = True
        return line


@dataclass(slots=True)
class Turn:
    """What one question has come to so far."""

    started: float
    deadline: float
    model: str = ""
    attempt: int = 0
    usage: Usage = field(default_factory=Usage)
    notes: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    answer: Answer = field(default_factory=Answer)

    def note(self, line: str, stage: Stage = "retrying") -> Progress:
        """Keep a line for the Completion and make the event that shows it now."""
        self.notes.append(line)
        return Progress(stage=stage, text=line, attempt=max(self.attempt, 1), model=self.model)
