"""The governed client: every request is allowed before it is sent, and accounted for however it ends.

::

    async with GovernedClient() as client:
        answer = await client.complete("Say hello")
        async for event in client.stream("Count to ten"):     # TextDelta, Progress; the Completion last
            ...
        vectors = await client.embed(["one", "two"])

One client belongs to one event loop. openai is imported by the first call, or by `warm_up` on any thread before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from jupyter_autocoder import settings as all_settings
from jupyter_autocoder.errors import AutocoderError, ToolArgumentsError
from jupyter_autocoder.events import Completion, Embeddings, Progress, ToolCall
from jupyter_autocoder.llm import prices, providers
from jupyter_autocoder.llm.asking import walk
from jupyter_autocoder.llm.desk import Desk
from jupyter_autocoder.llm.embedding import embed
from jupyter_autocoder.llm.governor import LEASE_SECONDS, Governor
from jupyter_autocoder.llm.outside import Clock, Outside, Turn
from jupyter_autocoder.llm.purse import Purse
from jupyter_autocoder.llm.request import Request, make_request, refuse_detour
from jupyter_autocoder.llm.streams import AnswerStream, Event, Streams
from jupyter_autocoder.llm.tools import read_arguments
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

Messages = str | Sequence[Mapping[str, Any]]
Tools = Sequence[Mapping[str, Any]]


class GovernedClient:
    """Completions, streams and embeddings under the limits of one user.

    `face` and `notebook` stand in the ledger; `user` is the person to charge, where a server acts for one; `purse`
    bounds what may be spent in all, beside the limits that are shared. Raises what
    `jupyter_autocoder.errors` has under GovernorError, ModelError, AnswerError and StoreError; every one of them
    carries as `usage` what was spent before it came to that.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        store: Store | None = None,
        face: str = "script",
        notebook: str = "",
        user: str | None = None,
        purse: Purse | None = None,
        provider: providers.Provider | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = all_settings.current() if settings is None else settings
        self._own_store = Store(self.settings.store.url) if store is None else None
        refuse_detour(self.settings)
        self._provider = provider or providers.provider(self.settings.model)
        governor = Governor(
            store or self._store(),
            self.settings.limits,
            user=user,
            local=self._provider.local,
            # A lease outlives the question it was taken for.
            lease_seconds=max(LEASE_SECONDS, self.settings.model.deadline + 60.0),
            purse=purse,
        )
        self._desk = Desk(governor)
        self._streams = Streams()
        self._out = Outside(
            settings=self.settings,
            provider=self._provider,
            table=prices.load(self.settings.model.prices_file),
            desk=self._desk,
            clock=Clock(clock=clock, timer=timer, sleep=sleep),
            face=face,
            notebook=notebook,
        )

    def _store(self) -> Store:
        assert self._own_store is not None
        return self._own_store

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop what still streams and close the connections; what was reserved is settled by then."""
        await self._streams.close()
        await self._out.disconnect()
        self._desk.close()
        if self._own_store is not None:
            self._own_store.close()

    def warm_up(self) -> None:
        """Import what the first call needs, which takes a second; for a thread that has time."""
        self._out.prepare()

    async def complete(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Tools | None = None,
        max_output_tokens: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Completion:
        """Ask and give the whole answer; waits, retries and fallbacks go to `on_progress`."""
        request = self._request(messages, model, tools, max_output_tokens, streamed=False)
        async with contextlib.aclosing(self._answer(request)) as events:
            async for event in events:
                if isinstance(event, Completion):
                    return event
                if isinstance(event, Progress) and on_progress is not None:
                    on_progress(event)
        msg = "an answer ends with a Completion or an error"
        raise AssertionError(msg)

    def stream(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Tools | None = None,
        max_output_tokens: int | None = None,
    ) -> AnswerStream:
        """Ask and give the answer as it comes: TextDelta and Progress events, the Completion last."""
        request = self._request(messages, model, tools, max_output_tokens, streamed=True)
        return AnswerStream(self._answer(request), self._streams)

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        model: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Embeddings:
        """Give one vector for each text, in their order; large lists are sent in several requests."""
        given = [texts] if isinstance(texts, str) else texts
        return await embed(self._out, given, model=model, on_progress=on_progress)

    def _request(
        self, messages: Messages, model: str | None, tools: Tools | None, room: int | None, *, streamed: bool
    ) -> Request:
        secrets = self._out.secrets
        return make_request(self.settings, messages, model, tools, room, streamed=streamed, secrets=secrets)

    async def _answer(self, request: Request) -> AsyncGenerator[Event, None]:
        """Walk the chain, and once more when the tool calls cannot be used."""
        turn = await self._out.begin()
        try:
            for last in (False, True):
                async with contextlib.aclosing(walk(self._out, request, turn)) as events:
                    async for event in events:
                        yield event
                try:
                    calls = _read_calls(request, turn)
                    break
                except ToolArgumentsError as error:
                    if last:
                        raise
                    yield turn.note(f"the call of {error.tool} does not fit its schema: asking once more", "retrying")
                    request = request.ask_again(turn.answer, error)
        except AutocoderError as error:
            error.usage = turn.usage
            raise
        answer = turn.answer
        yield Completion(
            text=answer.text,
            model=answer.model or turn.model,
            tool_calls=calls,
            finish_reason=answer.finish_reason or "stop",
            refusal=answer.refusal or None,
            usage=turn.usage,
            notes=tuple(turn.notes),
            seconds=self._out.clock.timer() - turn.started,
        )


def _read_calls(request: Request, turn: Turn) -> tuple[ToolCall, ...]:
    """Check the arguments of every call; an answer that was cut off by its limit has none that can be used."""
    if turn.answer.finish_reason == "length":
        return ()
    return tuple(
        ToolCall(
            id=call["id"] or f"call_{index}",
            name=call["name"],
            arguments=read_arguments(request.tools, call["name"], call["arguments"]),
        )
        for index, call in enumerate(turn.answer.calls)
    )
