"""Which models may answer a request, in which order, and why one of them may not."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.errors import AutocoderError, ContextTooLong, ModelGone, RequestRefused
from jupyter_autocoder.llm.prices import Model
from jupyter_autocoder.settings import Default, ModelSettings
from jupyter_autocoder.text import whole

# An answer that gets fewer tokens than this is not worth a request.
SMALLEST_OUTPUT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a request needs of a model: room for its input and output, and features in the price table's words.

    `longest` is the largest part that has to fit the window, where that is not the whole input.
    """

    input_tokens: int
    max_output_tokens: int
    features: frozenset[str] = frozenset()
    longest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Why a model is not asked: a sentence to show, and the error when no model is left."""

    reason: str
    error: type[AutocoderError]


def chain(settings: ModelSettings, requested: str | None, *, local: bool) -> tuple[str, ...]:
    """Give the models to try: the one asked for, then the fallbacks; a local model has these only when they are set."""
    first = whole(requested or settings.name)
    if local and isinstance(settings.fallback, Default):
        return (first,)
    return tuple(dict.fromkeys((first, *settings.fallback)))


def needed_features(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Name the features that a request uses."""
    features = {"tools"} if tools else set()
    if any(tool["function"].get("strict") for tool in tools):
        features.add("json_schema")
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
        if any(isinstance(part, Mapping) and part.get("type") == "image_url" for part in parts):
            features.add("images")
    return frozenset(features)


def output_room(model: Model, need: Need) -> int:
    """Give how many tokens the answer may have: what was asked for, as far as the model and its window allow it."""
    room = need.max_output_tokens if model.max_output is None else min(need.max_output_tokens, model.max_output)
    longest = need.input_tokens if need.longest is None else need.longest
    return room if model.window is None else min(room, model.window - longest)


def why_not(model: Model, need: Need, *, today: datetime.date, dated: bool) -> Skip | None:
    """Say why a model cannot take a request, None when it can; `dated`: its shutdown date holds at this address."""
    if dated and model.shutdown is not None and today >= model.shutdown:
        return Skip(reason=f"{model.name} was shut down on {model.shutdown}", error=ModelGone)
    if output_room(model, need) < min(SMALLEST_OUTPUT, need.max_output_tokens):
        asked = f"about {need.input_tokens:,} tokens do not fit its window of {model.window:,}"
        return Skip(reason=f"{model.name} cannot take this: {asked}", error=ContextTooLong)
    missing = sorted(need.features - model.features)
    if missing:
        return Skip(reason=f"{model.name} cannot take this: it has no {missing[0]}", error=RequestRefused)
    return None
