"""What is asked, made ready and checked before anything is reserved or sent."""

from __future__ import annotations

import base64
import dataclasses
import json
import mimetypes
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jupyter_autocoder.errors import SettingLocked, ToolArgumentsError, UsageError
from jupyter_autocoder.llm import chain, tokens
from jupyter_autocoder.llm.prices import Model
from jupyter_autocoder.llm.redaction import remove_from_value
from jupyter_autocoder.llm.stream import BASE_BYTES, BYTES_PER_TOKEN, MOST_TOKENS, Answer
from jupyter_autocoder.llm.tools import check_tools
from jupyter_autocoder.settings import ModelSettings, Settings
from jupyter_autocoder.text import whole

# No embedding has more numbers than a few thousand, of about twenty digits each.
_BYTES_PER_VECTOR = 200_000
ROLES = frozenset({"developer", "system", "user", "assistant", "tool"})


class Question(Protocol):
    """What can be asked on the way through chain, retries and attempts."""

    @property
    def streamed(self) -> bool:
        """Whether the answer comes piece by piece."""

    def names(self, settings: ModelSettings, *, local: bool) -> tuple[str, ...]:
        """Name the models to ask, one after the other."""

    def need(self, model: Model) -> chain.Need:
        """Give what the question needs of a model; the tokens as `model` would count them."""

    def body(self, model: Model, *, room: int, both_limits: bool) -> dict[str, Any]:
        """Give the SDK's arguments; `both_limits` says the answer's limit in the old word as well."""

    def method(self, sdk: Any) -> Any:
        """Give the part of the SDK's client that sends it."""

    def answer(self, room: int) -> Answer:
        """Make what takes the answer in."""

    def take(self, answer: Answer) -> None:
        """Take a whole body in; raises Malformed or ServerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts to embed; vectors of different models do not mix, so no other model ever answers."""

    texts: tuple[str, ...]
    model: str
    streamed: bool = False

    def names(self, settings: ModelSettings, *, local: bool) -> tuple[str, ...]:
        return (self.model,)

    def need(self, model: Model) -> chain.Need:
        sizes = [tokens.count_text(text, model=model.name) for text in self.texts]
        features = frozenset({"embeddings"})
        return chain.Need(input_tokens=sum(sizes), longest=max(sizes), max_output_tokens=0, features=features)

    def body(self, model: Model, *, room: int, both_limits: bool) -> dict[str, Any]:
        return {"model": model.name, "input": list(self.texts), "encoding_format": "float"}

    def method(self, sdk: Any) -> Any:
        return sdk.embeddings

    def answer(self, room: int) -> Answer:
        return Answer(room=BASE_BYTES + _BYTES_PER_VECTOR * len(self.texts))

    def take(self, answer: Answer) -> None:
        answer.feed_embeddings(texts=len(self.texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One chat request: `messages` in the API's form, `model` None for the settings' one."""

    messages: tuple[dict[str, Any], ...]
    model: str | None
    tools: tuple[Mapping[str, Any], ...]
    max_output_tokens: int
    streamed: bool

    def names(self, settings: ModelSettings, *, local: bool) -> tuple[str, ...]:
        return chain.chain(settings, self.model, local=local)

    def need(self, model: Model) -> chain.Need:
        return chain.Need(
            input_tokens=tokens.count_request(
                self.messages, tools=self.tools, model=model.name, image=model.image, image_low=model.image_low
            ),
            max_output_tokens=self.max_output_tokens,
            features=chain.needed_features(self.messages, self.tools),
        )

    def body(self, model: Model, *, room: int, both_limits: bool) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model.name, "messages": list(self.messages), "max_completion_tokens": room}
        if both_limits:
            body["max_tokens"] = room
        if self.tools:
            body["tools"] = list(self.tools)
        if self.tools and model.tools_effort:
            body["reasoning_effort"] = model.tools_effort
        if self.streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def method(self, sdk: Any) -> Any:
        return sdk.chat.completions

    def answer(self, room: int) -> Answer:
        return Answer(room=BASE_BYTES + BYTES_PER_TOKEN * room)

    def take(self, answer: Answer) -> None:
        answer.feed_completion()

    def ask_again(self, answer: Answer, error: ToolArgumentsError) -> Request:
        """Give the request that shows the model its unusable calls and what is wrong with them."""
        calls = [{**call, "id": call["id"] or f"call_{index}"} for index, call in enumerate(answer.calls)]
        said: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text or None,
            "tool_calls": [
                {
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": call["arguments"]},
                }
                for call in calls
            ],
        }
        wrong = f"Not called: {error.what}. {error.why}. Call again with arguments that fit the schema."
        results = [{"role": "tool", "tool_call_id": call["id"], "content": wrong} for call in calls]
        return dataclasses.replace(self, messages=(*self.messages, said, *results))


def make_request(
    settings: Settings,
    messages: str | Sequence[Mapping[str, Any]],
    model: str | None,
    tools: Sequence[Mapping[str, Any]] | None,
    max_output_tokens: int | None,
    *,
    streamed: bool,
    secrets: Sequence[str] = (),
) -> Request:
    """Check everything a caller gave; raises UsageError or ToolSchemaError, and nothing was sent.

    The `secrets` are taken out of the messages: our own key has no business in a prompt.
    """
    check_tools(tools or ())
    check_model(settings, model)
    room = settings.model.max_output_tokens if max_output_tokens is None else max_output_tokens
    if type(room) is not int or not 1 <= room <= MOST_TOKENS:
        raise UsageError(f"max_output_tokens is {room!r}", do=f"give a whole number from 1 to {MOST_TOKENS:,}")
    if room > settings.model.max_output_tokens:
        settings.replace("max_output_tokens in the call", model__max_output_tokens=room)
    return Request(
        messages=remove_from_value(_messages(messages), secrets),
        model=model,
        tools=tuple(tools or ()),
        max_output_tokens=room,
        streamed=streamed,
    )


def check_model(settings: Settings, model: str | None, *, key: str = "name") -> None:
    """Refuse a model other than the one an administrator has locked, or one of its fallbacks."""
    if model is not None and model != getattr(settings.model, key) and model not in settings.model.fallback:
        settings.replace("model in the call", **{f"model__{key}": model})


def refuse_detour(settings: Settings) -> None:
    """Refuse an Azure endpoint, or an address from the environment, that goes round a base URL that was locked."""
    file, model = settings.locked.get("model.base_url"), settings.model
    if not file:
        return
    detour = ""
    if model.azure_endpoint and "model.azure_endpoint" not in settings.locked:
        detour = "model.azure_endpoint"
    # Locked to nothing means the provider's own address, which the SDK's variable would change.
    elif not model.base_url and not model.azure_endpoint and os.environ.get("OPENAI_BASE_URL"):
        detour = "OPENAI_BASE_URL"
    if detour:
        why = f"the administrator locked model.base_url in {file}"
        do = "remove the setting, or ask your administrator"
        raise SettingLocked(f"{detour} cannot be set", source=file, key=detour, why=why, do=do)


def image(source: str | bytes | Path, *, kind: str = "", detail: str = "auto") -> dict[str, Any]:
    """Make the message part of a picture: a URL, a file, or its bytes with their media type (``image/png``).

    ::

        await client.complete([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image(path)]}])
    """
    if isinstance(source, str) and source.startswith(("https://", "http://", "data:image/")):
        url = source
    else:
        kind = kind or ("image/png" if isinstance(source, bytes) else mimetypes.guess_type(str(source))[0] or "")
        if not kind.startswith("image/"):
            raise UsageError(f"{str(source)[:200]!r} is no picture", do="name its media type, such as kind='image/png'")
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url, "detail": detail}}


def _messages(messages: str | Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    given = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    if not given or (isinstance(messages, str) and not messages.strip()):
        raise UsageError("there is nothing to ask", do="give a text, or a list of messages")
    for index, message in enumerate(given):
        if not isinstance(message, Mapping) or message.get("role") not in ROLES:
            what = f"message {index} is not of the form {{'role': ..., 'content': ...}}"
            raise UsageError(what, why=f"roles are {', '.join(sorted(ROLES))}", do="correct the messages")
    try:
        # A plain copy: what is counted and checked is what is sent, whatever the caller does meanwhile.
        plain = json.loads(json.dumps(given, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError("the messages are no plain data", why=str(error), do="give texts, lists and dicts") from None
    return tuple(_clean(plain))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value
