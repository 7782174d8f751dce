"""What to do with each way a request can fail: one table, and one pure function that finds the row.

`RULES` is the table: how often the same model is asked again, whether another model may be asked, what becomes of the
reservation, which breaker opens and which error a person sees. `classify` looks only at `Facts`, which `facts_of`
takes from whatever the SDK raised, by attribute names that have not changed from openai 1 to 3.
"""

from __future__ import annotations

import email.utils
import enum
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_autocoder.errors import (
    AutocoderError,
    ContextTooLong,
    KeyRefused,
    ModelGone,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
    ServerOverloaded,
    ServerUnreachable,
    StreamIncomplete,
)
from jupyter_autocoder.text import plain

FallBack = Literal["never", "next", "larger window", "larger limit"]
Settling = Literal["release tokens", "release", "release unsent", "charge estimate", "settle received"]


class Kind(enum.StrEnum):
    """The classes of failure; the value is what notes and the ledger say."""

    RATE_LIMIT = "rate limit"
    TOO_LARGE = "request too large"
    QUOTA = "quota exhausted"
    OVERLOAD = "overload"
    MODEL_GONE = "model gone"
    CONTEXT = "context too long"
    BAD_REQUEST = "bad request"
    KEY = "key refused"
    FORBIDDEN = "forbidden"
    NOT_SENT = "not sent"
    NO_FIRST_BYTE = "no answer"
    BROKEN = "answer broke off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: `retries` on the same model (None: as long as the deadline allows), then what follows.

    `settling` is the reservation's fate: *release tokens* keeps the request's slot used, since the server counted it;
    *release unsent* frees the slot as well, since nothing left this machine; *charge estimate* is for an unknown
    outcome that may be billed; *settle received* charges what came.
    """

    retries: int | None
    fall_back: FallBack
    settling: Settling
    error: type[AutocoderError]
    breaker: Literal["", "model", "key"] = ""


RULES: Mapping[Kind, Rule] = {
    Kind.RATE_LIMIT: Rule(retries=None, fall_back="next", settling="release tokens", error=RateLimited),
    Kind.TOO_LARGE: Rule(retries=0, fall_back="larger limit", settling="release", error=RequestRefused),
    Kind.QUOTA: Rule(retries=0, fall_back="next", settling="release", error=QuotaExhausted, breaker="key"),
    Kind.OVERLOAD: Rule(retries=3, fall_back="next", settling="release", error=ServerOverloaded, breaker="model"),
    Kind.MODEL_GONE: Rule(retries=0, fall_back="next", settling="release", error=ModelGone, breaker="model"),
    Kind.CONTEXT: Rule(retries=0, fall_back="larger window", settling="release", error=ContextTooLong),
    Kind.BAD_REQUEST: Rule(retries=0, fall_back="never", settling="release", error=RequestRefused),
    Kind.KEY: Rule(retries=0, fall_back="never", settling="release", error=KeyRefused),
    Kind.FORBIDDEN: Rule(retries=0, fall_back="never", settling="release", error=KeyRefused),
    # Every model of the chain is behind the same address, and the server is well as far as anybody knows.
    Kind.NOT_SENT: Rule(retries=2, fall_back="never", settling="release unsent", error=ServerUnreachable),
    Kind.NO_FIRST_BYTE: Rule(
        retries=2, fall_back="next", settling="charge estimate", error=ServerUnreachable, breaker="model"
    ),
    Kind.BROKEN: Rule(retries=0, fall_back="never", settling="settle received", error=StreamIncomplete),
}

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
# What the HTTP libraries below the SDK raise while a connection is being made: the request has not gone out then.
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "ProxyError", "UnsupportedProtocol", "PoolTimeout"})
OVERLOAD_STATUS = frozenset({408, 409, 500, 502, 503, 504, 529})
_MODEL_CODES = frozenset({"model_not_found", "model_not_available", "deploymentnotfound"})
_CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_LONGEST_MESSAGE = 10_000
_TOO_LARGE = re.compile(r"request too large|requested\s+\d+\s*>\s*limit", re.IGNORECASE)
_LIMIT = re.compile(r"limit:?\s*([\d,]{1,20})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a failure: `status` None means no HTTP answer came; header names are in lower case.

    `received` says that part of the answer's content had come, `unsent` that no connection was made; `cause` is the
    exception's class name.
    """

    status: int | None = None
    code: str = ""
    kind: str = ""
    message: str = ""
    cause: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    received: bool = False
    unsent: bool = False


def classify(facts: Facts) -> Kind:
    """Find the row for a failure; content that had come decides before anything else."""
    if facts.received:
        return Kind.BROKEN
    if facts.status is None and not (facts.code or facts.kind):
        return Kind.NOT_SENT if facts.unsent else Kind.NO_FIRST_BYTE
    # Some servers say 403 of an account that has nothing left: there the code knows better than the status.
    if facts.status != 401 and {facts.code, facts.kind} & QUOTA_CODES:
        return Kind.QUOTA
    if facts.status in (401, 403) or (facts.status is None and facts.code == "invalid_api_key"):
        return _refused_key(facts)
    if facts.code in _CONTEXT_CODES:
        return Kind.CONTEXT
    if facts.code in _MODEL_CODES:
        return Kind.MODEL_GONE
    if facts.status == 429 or facts.code in ("rate_limit_exceeded", "slow_down"):
        return Kind.TOO_LARGE if _TOO_LARGE.search(facts.message) else Kind.RATE_LIMIT
    # An error inside a stream has no status of its own; the server calls its own mistakes server_error.
    if facts.status in OVERLOAD_STATUS or (facts.status or 0) >= 500 or facts.kind in ("server_error", "overloaded"):
        return Kind.OVERLOAD
    return Kind.BAD_REQUEST


def _refused_key(facts: Facts) -> Kind:
    if facts.status == 403 and (facts.code in _MODEL_CODES or "access to model" in facts.message.lower()):
        return Kind.MODEL_GONE
    return Kind.FORBIDDEN if facts.status == 403 else Kind.KEY


def facts_of(error: BaseException, *, received: bool = False) -> Facts:
    """Take the facts from an exception of the SDK, or of whatever lies below it."""
    body = getattr(error, "body", None)
    body = body.get("error", body) if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping) else body
    fields: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    status = getattr(error, "status_code", None)
    return Facts(
        status=status if isinstance(status, int) else None,
        code=_word(fields.get("code") or getattr(error, "code", None)),
        kind=_word(fields.get("type") or getattr(error, "type", None)),
        message=_message(error, fields),
        cause=type(error).__name__,
        headers=_headers(getattr(error, "response", None)),
        received=received,
        unsent=any(kind.__name__ in _UNSENT for below in _causes(error) for kind in type(below).__mro__),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and what it was raised from, which is what the SDK's own words hide."""
    seen: set[int] = set()
    below: BaseException | None = error
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        yield below
        below = below.__cause__


def _message(error: BaseException, fields: Mapping[str, Any]) -> str:
    """Give the server's words; without an answer, those of what lies below the SDK's "Connection error"."""
    if said := fields.get("message"):
        return plain(str(said)[:_LONGEST_MESSAGE])
    parts = [str(getattr(error, "message", "") or error)]
    # A library that only passes an error on says the same words again.
    if (below := error.__cause__) and str(below) != parts[0]:
        parts += [type(below).__name__, str(below)]
    # An error page may be megabytes long, and nobody reads beyond its beginning.
    return plain(": ".join(part[:_LONGEST_MESSAGE] for part in parts if part)) or type(error).__name__


def wait_for(facts: Facts, *, now: float) -> float | None:
    """Give the seconds that the server asks us to wait, the largest of what its headers say; None: it says nothing.

    A limit that still has something left says nothing about this refusal. `now` is only for dates in ``Retry-After``.
    """
    waits = [
        _number(facts.headers.get("retry-after-ms"), unit=0.001),
        _retry_after(facts.headers.get("retry-after"), now),
    ]
    for scope in ("requests", "tokens"):
        if facts.headers.get(f"x-ratelimit-remaining-{scope}", "0").strip() in ("", "0"):
            waits.append(parse_duration(facts.headers.get(f"x-ratelimit-reset-{scope}", "")))
    known = [wait for wait in waits if wait is not None]
    return max(known) if known else None


def asked_limit(facts: Facts) -> int | None:
    """Give the limit that a too large request met, as its message names it."""
    match = _LIMIT.search(facts.message)
    return int(match.group(1).replace(",", "")) if match else None


_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")


def parse_duration(text: str) -> float | None:
    """Read ``6m0s``, ``20ms``, ``1h2m3.5s`` or plain seconds; None when it is none of these."""
    text = text.strip().lower()
    if text and _DURATION.sub("", text) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return _number(text)


def _retry_after(text: str | None, now: float) -> float | None:
    if not text or (seconds := _number(text)) is not None:
        return seconds if text else None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _number(text: str | None, *, unit: float = 1.0) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value * unit if math.isfinite(value) and value >= 0 else None


def _word(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ("" if value is None else str(value))


def _headers(response: Any) -> dict[str, str]:
    headers = getattr(response, "headers", None)
    items = getattr(headers, "items", None)
    return {str(name).lower(): str(value) for name, value in items()} if callable(items) else {}
