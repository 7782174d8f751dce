"""One attempt: reserved, sent once, and settled however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace

from jupyter_autocoder.errors import StoreError
from jupyter_autocoder.events import Progress, TextDelta, Usage
from jupyter_autocoder.llm import chain, exchange, failures, tokens
from jupyter_autocoder.llm.explain import Failed
from jupyter_autocoder.llm.failures import Kind
from jupyter_autocoder.llm.ledger import SUCCESSES
from jupyter_autocoder.llm.outside import Outside, Turn
from jupyter_autocoder.llm.prices import Model, Tokens
from jupyter_autocoder.llm.redaction import redact
from jupyter_autocoder.llm.request import Question
from jupyter_autocoder.llm.reservation import Ask, Reservation
from jupyter_autocoder.llm.stream import Answer, Malformed, ServerError


async def attempt(
    out: Outside, request: Question, need: chain.Need, model: Model, turn: Turn
) -> AsyncGenerator[TextDelta | Progress, None]:
    """Reserve, send once, and settle however it ends; raises Failed, a refusal of the governor, or NoKey."""
    room = need.max_output_tokens if out.alone else chain.output_room(model, need)
    ask = Ask(
        model=model.name,
        key=out.key,
        input_tokens=need.input_tokens,
        max_output_tokens=room,
        cost=model.ceiling(input_tokens=need.input_tokens, output_tokens=room),
        face=out.face,
        notebook=out.notebook,
    )
    sdk = await out.sdk()
    yield Progress(stage="asking", text=f"asking {model.name}", attempt=turn.attempt + 1, model=model.name)
    lease = await out.desk.reserve(ask, met=frozenset(turn.met))
    turn.attempt += 1
    turn.model = model.name
    answer = request.answer(room)
    once = _Once(out, turn, lease, model, answer)
    both = out.provider.local and not out.table.knows(model.name)
    body = request.body(model, room=room, both_limits=both)
    problem: Failed | None = None
    try:
        method = request.method(sdk)
        if request.streamed:
            texts = exchange.stream_texts(method, body, answer, seconds=once.seconds)
            async with contextlib.aclosing(texts):
                async for text in texts:
                    yield TextDelta(text)
        else:
            await exchange.fetch(method, body, answer, seconds=once.seconds)
            request.take(answer)
    except Exception as error:
        if not isinstance(error, (Malformed, ServerError)) and not exchange.is_outside_failure(error):
            once.stopped("error")
            raise
        problem = once.failure(error)
    except BaseException:
        # The person stopped it (KeyboardInterrupt, CancelledError, GeneratorExit): what came may be billed.
        once.stopped("stopped")
        raise
    # Outside the handlers, so that no exception of ours drags the SDK's along, with the key in its request.
    answer.close()
    problem = problem or once.incomplete(streamed=request.streamed)
    if problem is not None:
        await once.settle_failure(problem)
        raise problem
    line = await once.settle()
    if line:
        yield turn.note(line, "asking")


class _Once:
    """The accounting of one attempt."""

    def __init__(self, out: Outside, turn: Turn, lease: Reservation, model: Model, answer: Answer) -> None:
        self._out = out
        self._turn = turn
        self._lease = lease
        self._model = model
        self._answer = answer
        self._started = out.clock.timer()

    def seconds(self) -> float:
        """Give how long the next piece may take."""
        left = self._turn.deadline - self._out.clock.timer()
        return max(0.0, min(self._out.settings.model.first_byte_timeout, left))

    def failure(self, error: BaseException) -> Failed:
        # Of a body in one piece any byte counts as content, unless it says by itself that it is an error.
        partly = bool(self._answer.raw) and not isinstance(error, ServerError)
        facts = failures.facts_of(error, received=self._answer.received or partly)
        facts = replace(facts, message=redact(facts.message, self._out.secrets))
        kind = Kind.BROKEN if isinstance(error, Malformed) else failures.classify(facts)
        return Failed(kind, facts, self._model, self._lease.ask, self._answer)

    def incomplete(self, *, streamed: bool) -> Failed | None:
        """Give the failure of an answer that ended without an error and is not whole."""
        if not streamed or self._answer.complete:
            return None
        missing = "its end was never marked" if not self._answer.finish_reason else "it did not say what it used"
        facts = failures.Facts(status=200, message=missing, received=self._answer.received)
        return Failed(Kind.BROKEN, facts, self._model, self._lease.ask, self._answer)

    async def settle(self) -> str:
        """Charge a whole answer; give a line to show, or nothing."""
        answer = self._answer
        # Servers of other models have words of their own for the end of an answer.
        known = answer.finish_reason if answer.finish_reason in SUCCESSES else "stop"
        outcome = "refusal" if answer.refusal else known
        await self._charge(self._used(), outcome)
        self._turn.answer = answer
        return self._out.tier_line(await self._out.desk.heed(self._lease, answer.headers))

    async def settle_failure(self, failed: Failed) -> None:
        """Do with the reservation what the table says for this failure."""
        settling = failed.rule.settling
        if settling == "settle received":
            await self._charge(self._used(), str(failed.kind))
        elif settling == "charge estimate":
            ask = self._lease.ask
            usage = Usage(input_tokens=ask.input_tokens, output_tokens=ask.max_output_tokens, cost=ask.cost)
            await self._charge(_estimated(usage), str(failed.kind))
        elif settling == "release unsent":
            await self._out.desk.release(self._lease, str(failed.kind), self._latency(), sent=False)
        else:
            self._turn.usage += Usage(requests=1)
            await self._out.desk.release(self._lease, str(failed.kind), self._latency())
        await self._out.desk.heed(self._lease, failed.facts.headers)

    def stopped(self, outcome: str) -> None:
        """Charge what came of an attempt that was ended from this side, without waiting for anything else."""
        self._answer.close()
        usage = self._used()
        self._turn.usage += usage
        # What ends the attempt must go on; a lease that could not be settled expires into a charge.
        with contextlib.suppress(StoreError):
            self._out.desk.settle_now(self._lease, usage, outcome, self._latency())

    async def _charge(self, usage: Usage, outcome: str) -> None:
        self._turn.usage += usage
        await self._out.desk.settle(self._lease, usage, outcome, self._latency())

    def _used(self) -> Usage:
        """Give the server's count, or what can be told from the texts, flagged as estimated."""
        counted = self._answer.tokens()
        told = counted or Tokens(
            input=self._lease.ask.input_tokens, output=tokens.count_text(self._answer.spoken, model=self._model.name)
        )
        usage = Usage(
            input_tokens=told.input,
            cached_tokens=told.cached,
            output_tokens=told.output,
            cost=self._model.cost(told),
            requests=1,
        )
        return usage if counted else _estimated(usage)

    def _latency(self) -> float:
        return max(0.0, self._out.clock.timer() - self._started)


def _estimated(usage: Usage) -> Usage:
    return replace(usage, estimated=True, requests=1)
