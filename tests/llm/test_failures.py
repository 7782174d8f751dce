"""The classifier, row by row, without network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_autocoder.llm.failures import (
    QUOTA_CODES,
    RULES,
    Facts,
    Kind,
    asked_limit,
    classify,
    facts_of,
    parse_duration,
    wait_for,
)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Facts(status=429, code="rate_limit_exceeded"), Kind.RATE_LIMIT),
        (Facts(status=429, code="slow_down"), Kind.RATE_LIMIT),
        (Facts(status=429), Kind.RATE_LIMIT),
        (Facts(status=503, code="slow_down"), Kind.RATE_LIMIT),
        (Facts(status=429, code="rate_limit_exceeded", message="Request too large for gpt-4o"), Kind.TOO_LARGE),
        (Facts(status=429, message="Requested 45000 > Limit 30000"), Kind.TOO_LARGE),
        *[(Facts(status=429, code=code), Kind.QUOTA) for code in sorted(QUOTA_CODES)],
        (Facts(status=429, kind="insufficient_quota"), Kind.QUOTA),
        (Facts(status=400, code="insufficient_quota"), Kind.QUOTA),
        *[(Facts(status=status), Kind.OVERLOAD) for status in (408, 409, 500, 502, 503, 504, 529, 520, 599)],
        (Facts(kind="server_error"), Kind.OVERLOAD),
        (Facts(status=200, kind="server_error"), Kind.OVERLOAD),
        (Facts(status=404, code="model_not_found"), Kind.MODEL_GONE),
        (Facts(status=403, code="model_not_found"), Kind.MODEL_GONE),
        (Facts(status=403, message="Project does not have access to model `gpt-4o`"), Kind.MODEL_GONE),
        (Facts(status=400, code="context_length_exceeded"), Kind.CONTEXT),
        (Facts(status=400), Kind.BAD_REQUEST),
        (Facts(status=422), Kind.BAD_REQUEST),
        (Facts(status=404), Kind.BAD_REQUEST),
        (Facts(status=401), Kind.KEY),
        (Facts(status=401, code="insufficient_quota"), Kind.KEY),
        (Facts(status=403, code="organization_spend_limit_exceeded"), Kind.QUOTA),
        (Facts(status=403), Kind.FORBIDDEN),
        (Facts(cause="APITimeoutError"), Kind.NO_FIRST_BYTE),
        (Facts(cause="RemoteProtocolError"), Kind.NO_FIRST_BYTE),
        (Facts(cause="APIConnectionError", unsent=True), Kind.NOT_SENT),
        (Facts(cause="ReadError", received=True, unsent=True), Kind.BROKEN),
        (Facts(status=500, received=True), Kind.BROKEN),
        (Facts(status=429, code="insufficient_quota", received=True), Kind.BROKEN),
        (Facts(cause="ReadError", received=True), Kind.BROKEN),
    ],
    ids=str,
)
def test_every_answer_has_its_class(facts: Facts, kind: Kind) -> None:
    assert classify(facts) is kind


def test_every_class_has_a_rule() -> None:
    assert set(RULES) == set(Kind)


def test_nothing_that_gave_content_is_asked_again_or_elsewhere() -> None:
    rule = RULES[Kind.BROKEN]

    assert (rule.retries, rule.fall_back, rule.settling) == (0, "never", "settle received")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-ratelimit-reset-requests": "20s"}, 20.0),
        ({"x-ratelimit-reset-tokens": "6m0s", "retry-after": "2"}, 360.0),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "17", "retry-after": "2"}, 2.0),
    ],
    ids=str,
)
def test_wait_is_what_the_headers_say(headers: dict[str, str], wait: float | None) -> None:
    assert wait_for(Facts(status=429, headers=headers), now=10.0) == wait


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20), ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("1d", 86400), ("7", 7), ("", None),
     ("soon", None), ("5x", None), ("s", None), ("-3s", None)],
)  # fmt: skip
def test_durations_are_read_as_the_server_writes_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


def test_limit_of_a_too_large_request_is_read_from_its_message() -> None:
    message = "Request too large for gpt-4o on tokens per min (TPM): Limit 30,000, Requested 45000."

    assert asked_limit(Facts(message=message)) == 30_000
    assert asked_limit(Facts(message="no numbers")) is None


def sdk_error(body: Any, **attributes: Any) -> Exception:
    error = RuntimeError("Error code: 429")
    vars(error).update(body=body, **attributes)
    return error


@pytest.mark.parametrize(
    "body",
    [
        {"code": "slow_down", "type": "requests", "message": "Slow"},
        {"error": {"code": "slow_down", "type": "requests", "message": "Slow"}},
    ],
    ids=["openai 1 to 3", "unopened"],
)
def test_facts_are_taken_from_whatever_shape_the_sdk_gives(body: Any) -> None:
    response = SimpleNamespace(headers={"Retry-After": "3"})

    facts = facts_of(sdk_error(body, status_code=429, response=response))

    assert (facts.status, facts.code, facts.kind, facts.message) == (429, "slow_down", "requests", "Slow")
    assert facts.headers == {"retry-after": "3"}


@pytest.mark.parametrize("body", [None, "<html>", ["list"], {"error": None}, {"code": 7}])
def test_bodies_that_are_no_error_object_do_no_harm(body: Any) -> None:
    facts = facts_of(sdk_error(body, status_code=502))

    assert classify(facts) is Kind.OVERLOAD


def test_error_without_an_answer_tells_what_lies_below_it() -> None:
    try:
        raise RuntimeError("Connection error.") from ConnectionRefusedError("refused")
    except RuntimeError as error:
        facts = facts_of(error)

    assert facts.status is None
    assert facts.message == "Connection error.: ConnectionRefusedError: refused"


def test_error_that_is_only_passed_on_is_told_once() -> None:
    words = "peer closed connection without sending complete message body"
    try:
        raise RuntimeError(words) from ConnectionError(words)
    except RuntimeError as error:
        facts = facts_of(error, received=True)

    assert facts.message == words


def below_the_sdk(name: str) -> Exception:
    """What the SDK raises for an error of the library below it, which itself was raised from a socket's."""
    try:
        try:
            raise type(name, (Exception,), {})("below") from OSError(111, "Connection refused")
        except Exception as error:
            raise RuntimeError("Connection error.") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize("name", ["ConnectError", "ConnectTimeout", "ProxyError", "PoolTimeout"])
def test_request_that_found_no_connection_was_not_sent(name: str) -> None:
    assert classify(facts_of(below_the_sdk(name))) is Kind.NOT_SENT


@pytest.mark.parametrize("name", ["ReadTimeout", "ReadError", "WriteError", "RemoteProtocolError", "ConnectionError"])
def test_request_that_may_have_been_received_is_not_taken_for_unsent(name: str) -> None:
    assert classify(facts_of(below_the_sdk(name))) is Kind.NO_FIRST_BYTE


def test_what_was_not_sent_is_not_taken_to_another_model_behind_the_same_address() -> None:
    rule = RULES[Kind.NOT_SENT]

    assert (rule.fall_back, rule.settling, rule.breaker) == ("never", "release unsent", "")
