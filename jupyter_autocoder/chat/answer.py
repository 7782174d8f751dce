"""One answer of the model, streamed: text is gathered for a moment, so that a fast model does not flood its readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol

from jupyter_autocoder.errors import StreamIncomplete
from jupyter_autocoder.events import Completion, Progress, TextDelta

# Seconds: under the eye's threshold, and thirty frames a second at most.
GATHER = 0.03


class Client(Protocol):
    """What is needed of the governed client; `stream` ends with exactly one Completion."""

    def stream(
        self, messages: Sequence[dict[str, Any]], *, model: str | None = None
    ) -> AsyncIterator[TextDelta | Progress | Completion]: ...


class _Gatherer:
    """Joins pieces of text that come within one moment; everything else passes at once, in order."""

    def __init__(self, emit: Callable[[TextDelta | Progress], None]) -> None:
        self._emit = emit
        self._pieces: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        self._pieces.append(text)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pieces:
            text = "".join(self._pieces)
            self._pieces.clear()
            self._emit(TextDelta(text))


async def answer(
    client: Client,
    messages: Sequence[dict[str, Any]],
    *,
    emit: Callable[[TextDelta | Progress], None],
    model: str | None = None,
) -> Completion:
    """Ask and give the whole answer; meanwhile `emit` gets its text and what is waited for.

    Cancel it to stop: the provider's stream is closed and what had come was emitted. Raises what the client raises.
    """
    gatherer = _Gatherer(emit)
    stream = client.stream(messages, model=model)
    try:
        async for event in stream:
            if isinstance(event, TextDelta):
                gatherer.add(event.text)
            elif isinstance(event, Completion):
                return event
            else:
                gatherer.flush()
                emit(event)
    finally:
        gatherer.flush()
        # A generator that is merely dropped would keep the provider's connection until the garbage collector comes.
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    raise StreamIncomplete("the answer ended without an end", received="", do="ask again")
