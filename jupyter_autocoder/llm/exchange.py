"""One request on the wire and its answer, with nothing of the SDK's types or its HTTP library's beyond this file."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any

from jupyter_autocoder.llm.stream import Answer, Events

# What a request can raise that says something about the network or the server. Anything else is a mistake of ours.
_LIBRARIES = frozenset({"openai", "httpx", "httpx2", "httpcore", "httpcore2", "anyio", "h11", "h2"})
# After [DONE] only the body's end is missing; whoever reads it can use the connection again.
_DRAIN_SECONDS = 0.05

Seconds = Callable[[], float]


def is_outside_failure(error: BaseException) -> bool:
    """Whether an exception tells of the server or the way to it."""
    if isinstance(error, (OSError, TimeoutError, EOFError, ssl.SSLError)):
        return True
    return any(kind.__module__.partition(".")[0] in _LIBRARIES for kind in type(error).__mro__)


async def stream_texts(
    method: Any, request: Mapping[str, Any], answer: Answer, *, seconds: Seconds
) -> AsyncGenerator[str, None]:
    """Send a streamed request and give the text as it comes; `answer` takes in everything.

    `seconds` is asked before every wait for how long that one may last. Closing the generator closes the connection.
    """
    events = Events()
    async with (
        _response(method, request, answer, seconds) as response,
        contextlib.aclosing(response.iter_bytes()) as body,
    ):
        while data := await _next(body, seconds() if not events.done else _DRAIN_SECONDS, late_is_end=events.done):
            answer.allow(len(data))
            for event in events.feed(data):
                if text := answer.feed_chunk(event):
                    yield text
    events.check_any()


async def fetch(method: Any, request: Mapping[str, Any], answer: Answer, *, seconds: Seconds) -> None:
    """Send a request whose answer comes in one piece, and gather its body in ``answer.raw``."""
    async with (
        _response(method, request, answer, seconds) as response,
        contextlib.aclosing(response.iter_bytes()) as body,
    ):
        while data := await _next(body, seconds()):
            answer.allow(len(data))
            answer.raw += data


@contextlib.asynccontextmanager
async def _response(method: Any, request: Mapping[str, Any], answer: Answer, seconds: Seconds) -> AsyncIterator[Any]:
    manager = method.with_streaming_response.create(**request)
    async with _patience(seconds()):
        response = await manager.__aenter__()
    try:
        answer.headers = {name.lower(): value for name, value in response.headers.items()}
        yield response
    finally:
        await manager.__aexit__(None, None, None)


async def _next(body: Any, seconds: float, *, late_is_end: bool = False) -> bytes:
    """Give the next bytes, nothing at the end; an empty piece in the middle does not count as the end."""
    try:
        async with _patience(seconds):
            async for data in body:
                if data:
                    piece: bytes = data
                    return piece
    except TimeoutError:
        if not late_is_end:
            raise
    return b""


@contextlib.asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        if error.args:
            raise
        msg = f"nothing came for {seconds:.3g} seconds"
        raise TimeoutError(msg) from None
