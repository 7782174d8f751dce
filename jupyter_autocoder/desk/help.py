"""The model's help in reading: asked about words that the grammar refused, and only where they settle the order.

What the model proposes is checked against the words (see `trade.proposal`); no key, no model, an odd answer or a wait
that is not worth it leave the grammar's own question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from jupyter_autocoder.errors import AnswerError, AutocoderError, GovernorError, ModelError
from jupyter_autocoder.events import Completion, Progress
from jupyter_autocoder.llm.redaction import redact
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.proposal import TOOL_NAME, accept, request, tool, wants_help

# Seconds that a person is kept from the question back.
LONGEST = 20.0
Arguments = Mapping[str, Any]
Helper = Callable[[str], Arguments | None]
"""Blocks until a model has proposed what some words say; None for nothing. Raises GovernorError."""


class Client(Protocol):
    """What is needed of the governed client."""

    async def complete(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Completion: ...


async def propose(client: Client, text: str, on_progress: Callable[[Progress], None] | None = None) -> Arguments | None:
    """Ask a model what `text` says; the arguments of its one tool call, None for anything else.

    Raises GovernorError where the limits do not allow the question; every failure of the model is None.
    """
    if redact(text) != text:
        return None
    try:
        async with asyncio.timeout(LONGEST):
            answer = await client.complete(request(text), tools=[tool()], on_progress=on_progress)
    except (ModelError, AnswerError, TimeoutError):
        return None
    calls = answer.tool_calls
    return calls[0].arguments if len(calls) == 1 and calls[0].name == TOOL_NAME else None


def helped(reading: Reading, account: object, helper: Helper | None) -> tuple[Reading, str]:
    """Let a model help with a reading where one may; return what is read then, and a line about why none was asked."""
    if helper is None or not wants_help(reading, account):
        return reading, ""
    try:
        arguments = helper(reading.text)
    except GovernorError as error:
        return reading, f"A model could have helped to read this, but was not asked: {error.what}"
    except AutocoderError:
        # A client that cannot even be made, for want of right settings, is no reason to lose the question.
        return reading, ""
    return (reading if arguments is None else accept(arguments, reading.text, account)), ""
