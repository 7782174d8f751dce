"""What the fake server can be told to answer: good replies, and one maker for each way a real server fails.

A reply is plain data, so it can stand in a JSON file: ``{"text": "print(1)"}``, ``{"fault": "rate_limit",
"retry_after": 2}`` or just ``"print(1)"``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

FOREVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class ScriptedCall:
    """A function call the fake model makes; `arguments` is sent as it stands, so it may be broken JSON."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the fake server and the way it goes over the wire.

    Content: `text`, `calls`, `refusal`, `finish_reason` (None: the answer never says that it is complete), token
    counts (None: estimated from the texts; `usage` False: not told).

    Wire: `status`, `headers`, `content_type`, `body` (sent instead of everything above), `stall` seconds before the
    first byte, `pause` seconds before every further piece, `hang` pieces after which nothing more comes, `chunk`
    characters in a piece, `cut` bytes of the body after which the connection breaks (``"start"``: before the status
    line; ``"middle"``: after the first content; ``"character"``: in the middle of the last character that is more than
    one byte long), `done` False leaves out ``[DONE]``, `plain` True sends plain JSON although a stream was asked for.
    """

    text: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = "stop"
    model: str = ""
    usage: bool = True
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: str | bytes | None = None
    stall: float = 0.0
    pause: float = 0.0
    hang: int | None = None
    chunk: int = 16
    cut: int | Literal["start", "middle", "character"] | None = None
    done: bool = True
    plain: bool = False


def failure(
    status: int, message: str, *, code: str | None = None, kind: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """Give an error in the API's own form; `kind` is the ``type`` field, guessed from the status when empty."""
    kind = kind or ("invalid_request_error" if status < 500 else "server_error")
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Reply(
        status=status, headers=dict(headers or {}), content_type="application/json", body=json.dumps({"error": error})
    )


def rate_limit(
    *, retry_after: float | None = None, reset: str = "", scope: str = "requests", code: str = "rate_limit_exceeded"
) -> Reply:
    """429 with ``Retry-After`` in seconds, and `reset` (``6m0s``) as ``x-ratelimit-reset-<scope>``."""
    headers = {"x-ratelimit-limit-requests": "3", "x-ratelimit-remaining-requests": "0"}
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:g}"
    if reset:
        headers[f"x-ratelimit-reset-{scope}"] = reset
    message = "Rate limit reached for gpt-4o on requests per min (RPM): Limit 3, Used 3, Requested 1."
    return failure(429, message, code=code, kind=scope, headers=headers)


def request_too_large(*, limit: int = 30000, requested: int = 45000) -> Reply:
    """429 that no waiting mends: the one request is larger than the minute's tokens."""
    message = f"Request too large for gpt-4o on tokens per min (TPM): Limit {limit}, Requested {requested}."
    return failure(429, message, code="rate_limit_exceeded", kind="tokens")


def quota(*, code: str = "insufficient_quota") -> Reply:
    """429: the account has no money or quota left."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return failure(429, message, code=code, kind="insufficient_quota")


def overload(*, status: int = 503, retry_after: float | None = None) -> Reply:
    """The server is busy or broken (500, 502, 503, 504, 529, 408, 409)."""
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return failure(status, "The server is overloaded or not ready yet.", kind="server_error", headers=headers)


def model_not_found(*, model: str = "gpt-4-turbo") -> Reply:
    """404: the model does not exist, or not for this key."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return failure(404, message, code="model_not_found")


def context_length(*, limit: int = 8192, requested: int = 20000) -> Reply:
    """400: the prompt does not fit the model's window."""
    message = f"This model's maximum context length is {limit} tokens. However, your messages resulted in {requested}."
    return failure(400, message, code="context_length_exceeded")


def html_error(*, status: int = 502) -> Reply:
    """A proxy's error page instead of the API's JSON."""
    page = f"<html><head><title>{status} Bad Gateway</title></head><body><h1>nginx</h1></body></html>"
    return Reply(status=status, content_type="text/html", body=page)


FAULTS: Mapping[str, Callable[..., Reply]] = {
    "rate_limit": rate_limit,
    "slow_down": lambda **kw: rate_limit(**{"code": "slow_down", **kw}),
    "request_too_large": request_too_large,
    "insufficient_quota": quota,
    "quota": quota,
    "overload": overload,
    "model_not_found": model_not_found,
    "model_forbidden": lambda: failure(
        403, "Project does not have access to model `gpt-4o`.", code="model_not_found", kind="invalid_request_error"
    ),
    "context_length_exceeded": context_length,
    "bad_request": lambda: failure(400, "Invalid value for 'messages[0].role'.", code="invalid_value"),
    "unprocessable": lambda: failure(422, "The request could not be processed.", code="unprocessable_entity"),
    "unauthorized": lambda: failure(401, "Incorrect API key provided.", code="invalid_api_key"),
    "forbidden": lambda: failure(403, "Country, region, or territory not supported.", code="unsupported_country"),
    "html_error": html_error,
    "html_success": lambda: Reply(content_type="text/html", body="<html><body>Please log in</body></html>"),
    "not_json": lambda: Reply(content_type="application/json", body='{"id": "chatcmpl-1", "choices": ['),
    "empty_body": lambda: Reply(content_type="application/json", body=""),
    "no_choices": lambda: Reply(content_type="application/json", body='{"id": "x", "object": "chat.completion"}'),
    "stall": lambda seconds=FOREVER: Reply(text="too late", stall=seconds),
    "drop": lambda: Reply(cut="start"),
    "cut": lambda text="Half of an answer that breaks off", cut="middle": Reply(text=text, cut=cut),
    "cut_character": lambda text="Grüße, 世界 und ein Rest": Reply(text=text, cut="character"),
    "no_finish": lambda text="Is this all?": Reply(text=text, finish_reason=None, usage=False, done=False),
    "no_usage": lambda text="No counts": Reply(text=text, usage=False),
    "plain_json": lambda text="Not a stream": Reply(text=text, plain=True),
    "wrong_type": lambda text="Odd": Reply(text=text, content_type="application/octet-stream"),
    "huge": lambda size=50_000_000: Reply(text="x" * size, chunk=1_000_000),
    "length": lambda text="Cut by the limit": Reply(text=text, finish_reason="length"),
    "content_filter": lambda text="Until here": Reply(text=text, finish_reason="content_filter"),
    "refusal": lambda text="I cannot help with that.": Reply(refusal=text),
    "error_in_success": lambda: Reply(
        content_type="application/json", body='{"error": {"message": "Try again", "type": "server_error"}}'
    ),
    "stream_error": lambda: Reply(
        content_type="text/event-stream",
        body='data: {"error": {"message": "The server had an error", "type": "server_error", "param": null,'
        ' "code": null}}\n\n',
    ),
}
"""Every way to fail that the client tells apart, by the name a JSON file of answers may use."""


def fault(name: str, **options: Any) -> Reply:
    """Make the fault called `name`; raises ValueError with the known names."""
    if name not in FAULTS:
        msg = f"no fault is called {name!r}; there are {', '.join(sorted(FAULTS))}"
        raise ValueError(msg)
    return FAULTS[name](**options)


def read_reply(value: Any) -> Reply:
    """Make a reply of a text, a Reply, or the plain data that a JSON file holds; raises ValueError on anything else."""
    if isinstance(value, Reply):
        return value
    if isinstance(value, str):
        return Reply(text=value)
    if isinstance(value, Mapping) and "fault" in value:
        return fault(value["fault"], **{key: option for key, option in value.items() if key != "fault"})
    if isinstance(value, Mapping) and set(value) <= {f.name for f in fields(Reply)}:
        calls = tuple(ScriptedCall(**call) for call in value.get("calls", ()))
        return Reply(**{**value, "calls": calls})
    msg = f"an answer is a text, a Reply, or an object with Reply's fields or a fault's name, not {value!r:.200}"
    raise ValueError(msg)
