"""Stand-ins without a socket: a clock that stands still, and a model that answers from a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Self

from jupyter_autocoder.events import Completion, Embeddings, Progress, TextDelta, ToolCall, Usage

Messages = str | Sequence[Mapping[str, Any]]
Script = str | Completion | BaseException | Callable[[list[dict[str, Any]]], Any]


class FrozenClock:
    """A clock that moves only when told: call it for the time, `sleep` and `advance` move it on."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass; negative sets the clock back."""
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        """Pass as `asyncio.sleep` does, without waiting; the lengths are kept in `slept`."""
        self.slept.append(seconds)
        self.advance(seconds)


class ScriptedModel:
    """The shape of GovernedClient without network, limits or keys: `answers` are given one after the other.

    An answer is a text, a Completion, an exception to raise, or a function of the messages that returns one of these.
    `asked` holds the messages of every call. The last answer is not repeated: a call too many raises LookupError.
    """

    def __init__(self, answers: Iterable[Script] = ("Hello from the scripted model.",), *, chunk: int = 16) -> None:
        self.asked: list[list[dict[str, Any]]] = []
        self._answers = iter([answers] if isinstance(answers, str) else answers)
        self._chunk = chunk

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    async def complete(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        max_output_tokens: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Completion:
        """Give the next answer whole."""
        return self._next(messages, model)

    async def stream(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        max_output_tokens: int | None = None,
    ) -> AsyncIterator[TextDelta | Progress | Completion]:
        """Give the next answer in pieces, the Completion last."""
        answer = self._next(messages, model)
        for start in range(0, len(answer.text), self._chunk):
            yield TextDelta(answer.text[start : start + self._chunk])
        yield answer

    async def embed(
        self,
        texts: str | Sequence[str],
        *,
        model: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Embeddings:
        """Give a stable vector of length 8 for each text."""
        from jupyter_autocoder.testing import wire

        rows = wire.embeddings({"input": [texts] if isinstance(texts, str) else list(texts), "model": model or "fake"})
        vectors = tuple(tuple(row["embedding"]) for row in rows["data"])
        return Embeddings(vectors=vectors, model=rows["model"])

    def _next(self, messages: Messages, model: str | None) -> Completion:
        asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else [dict(m) for m in messages]
        self.asked.append(asked)
        try:
            answer = next(self._answers)
        except StopIteration:
            msg = "the scripted model has no answer left"
            raise LookupError(msg) from None
        answer = answer(asked) if callable(answer) else answer
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Completion):
            return answer
        usage = Usage(input_tokens=len(str(asked)) // 4, output_tokens=len(answer) // 4, requests=1, estimated=True)
        return Completion(text=answer, model=model or "scripted", usage=usage)


def call(name: str, **arguments: Any) -> Completion:
    """A Completion that calls one tool, for a script."""
    return Completion(
        text="",
        model="scripted",
        tool_calls=(ToolCall(id="call_0", name=name, arguments=arguments),),
        finish_reason="tool_calls",
    )
