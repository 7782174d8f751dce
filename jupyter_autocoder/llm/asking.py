"""One question on its way: along the chain of models, over waits and retries, down to single attempts.

Three generators, one inside the other: `walk` goes from model to model, `_ask` asks one model as often as the table of
failures allows, `attempt` reserves, sends once and settles. They give TextDelta and Progress events; what was found out
and used is collected in a `Turn`.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections import Counter
from collections.abc import AsyncGenerator

import tenacity

from jupyter_autocoder.errors import AutocoderError, BudgetExceeded, PriceUnknown, RateLimited
from jupyter_autocoder.events import Progress, TextDelta
from jupyter_autocoder.llm import chain, failures
from jupyter_autocoder.llm.attempt import attempt
from jupyter_autocoder.llm.explain import Failed, breaker_open, error_of, first_line
from jupyter_autocoder.llm.failures import Kind
from jupyter_autocoder.llm.outside import Outside, Turn
from jupyter_autocoder.llm.prices import Model
from jupyter_autocoder.llm.profiles import PROFILES
from jupyter_autocoder.llm.refusals import duration
from jupyter_autocoder.llm.request import Question

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


async def walk(out: Outside, request: Question, turn: Turn) -> AsyncGenerator[TextDelta | Progress, None]:
    """Ask the models of the chain one after the other until one answers; raises the first one's error if none does."""
    failed: Failed | None = None
    passed_over: AutocoderError | None = None
    for name in request.names(out.settings.model, local=out.provider.local):
        model = out.model(name)
        if failed is not None and (out.clock.timer() >= turn.deadline or not _may_follow(out, model, failed)):
            continue
        need = request.need(model)
        skip = None if out.alone else chain.why_not(model, need, today=out.clock.today(), dated=out.provider.dated)
        if skip is not None:
            passed_over = passed_over or skip.error(
                skip.reason, do="choose another model, or add one to model.fallback"
            )
            yield turn.note(skip.reason)
            continue
        try:
            async with contextlib.aclosing(_ask(out, request, need, model, turn)) as events:
                async for event in events:
                    yield event
            return
        except Failed as error:
            failed = error if failed is None else failed.followed_by(error)
            await _open_breaker(out, error, turn)
            if error.rule.fall_back == "never":
                break
            yield turn.note(first_line(error, where=out.provider.base_url))
        except (BudgetExceeded, PriceUnknown, RateLimited) as error:
            # The first model's limits are the person's own; a fallback that does not fit them is only passed over.
            if failed is None and not breaker_open(error):
                raise
            passed_over = passed_over or error
            yield turn.note(f"{name} is not asked: {error.what}")
    raise error_of(failed or passed_over, turn.notes, where=out.provider.base_url)


def _may_follow(out: Outside, model: Model, failed: Failed) -> bool:
    """Whether a model can do better where the last one failed."""
    if failed.rule.fall_back == "larger window":
        return model.window is not None and failed.model.window is not None and model.window > failed.model.window
    if failed.rule.fall_back == "larger limit":
        limit = PROFILES[out.settings.limits.profile].model(model.name).tokens_per_minute
        met = failures.asked_limit(failed.facts)
        return limit is None or met is None or limit > met
    return failed.rule.fall_back == "next"


async def _open_breaker(out: Outside, failed: Failed, turn: Turn) -> None:
    """Keep new calls away from what just failed; a local model has no account and is better asked again."""
    if failed.rule.breaker and not out.alone:
        turn.met.add(await out.desk.trip(failed.ask, failed.rule.breaker, str(failed.kind)))


async def _ask(
    out: Outside, request: Question, need: chain.Need, model: Model, turn: Turn
) -> AsyncGenerator[TextDelta | Progress, None]:
    """Ask one model, again after waits as long as the table and the deadline allow; raises Failed or a refusal."""
    times: Counter[Kind] = Counter()

    def left() -> float:
        return turn.deadline - out.clock.timer()

    def again(error: BaseException) -> bool:
        if isinstance(error, RateLimited):
            return not breaker_open(error)
        return isinstance(error, Failed) and (error.rule.retries is None or times[error.kind] <= error.rule.retries)

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(again),
        wait=tenacity.wait_exception(lambda error: _wait(error, times, now=out.clock.clock())),
        stop=lambda state: state.upcoming_sleep >= left(),
        reraise=True,
    )
    retrying.begin()
    state = tenacity.RetryCallState(retrying, None, (), {})
    reason = ""
    # The loop that tenacity's own decorators run, written out: a generator has to give events between its steps.
    while True:
        step = await retrying.iter(retry_state=state)
        if isinstance(step, tenacity.DoAttempt):
            try:
                async with contextlib.aclosing(attempt(out, request, need, model, turn)) as events:
                    async for event in events:
                        yield event
                return
            except (Failed, RateLimited) as error:
                reason = first_line(error, where=out.provider.base_url) if isinstance(error, Failed) else error.what
                if isinstance(error, Failed):
                    times[error.kind] += 1
                state.set_exception(sys.exc_info())  # type: ignore[arg-type]
        elif isinstance(step, tenacity.DoSleep):
            state.prepare_for_next_attempt()
            async with contextlib.aclosing(_countdown(out, float(step), reason, model, turn)) as waits:
                async for wait in waits:
                    yield wait


def _wait(error: BaseException, times: Counter[Kind], *, now: float) -> float:
    """Give the seconds to wait before the next attempt: what we were told, else twice as long as the time before."""
    if isinstance(error, RateLimited):
        return error.retry_after + random.uniform(0.0, 0.05)  # noqa: S311 (spreads waiters, guards nothing)
    assert isinstance(error, Failed)
    told = failures.wait_for(error.facts, now=now)
    # Doubled even against the server's word: one that says "0 seconds" for ever must not get a storm.
    first = 2 * FIRST_WAIT if error.kind is Kind.RATE_LIMIT else FIRST_WAIT
    wait: float = max(told or 0.0, min(first * 2 ** (times[error.kind] - 1), LONGEST_WAIT))
    return wait + random.uniform(0.0, 0.1 * min(wait, 10.0) + 0.05)  # noqa: S311


async def _countdown(
    out: Outside, seconds: float, reason: str, model: Model, turn: Turn
) -> AsyncGenerator[Progress, None]:
    """Wait, and say every second why and how long still; the seconds are for each face to show in its own words."""
    turn.notes.append(f"{reason}: waited {duration(seconds)}")
    end = out.clock.timer() + seconds
    while (left := end - out.clock.timer()) > 0:
        yield Progress(stage="waiting", text=reason, attempt=max(turn.attempt, 1), seconds=left, model=model.name)
        await out.clock.sleep(min(left, 1.0))
