"""What the model's server says makes the governor stricter for a while, and never laxer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.llm.failures import parse_duration
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.llm.signals import Signal, parse

MakeGovernor = Callable[..., Governor]
ASK = Ask(model="gpt-4o", key="sk-one", input_tokens=100, max_output_tokens=400, cost=5000)


def headers(*, requests: int = 1000, tokens: int = 10**6, reset: str = "20s", **more: str) -> dict[str, str]:
    return {
        "x-ratelimit-remaining-requests": str(requests),
        "X-RateLimit-Remaining-Tokens": str(tokens),
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-reset-tokens": reset,
        **more,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20.0), ("6m0s", 360.0), ("20ms", 0.02), ("1h2m3s", 3723.0), ("1m30.5s", 90.5), ("1d", 86_400.0),
        ("17", 17.0), ("0.5", 0.5), (" 2S ", 2.0), ("0s", 0.0),
        ("", None), ("soon", None), ("-5", None), ("5x", None), ("s", None), ("1m 30s", None), ("nan", None),
        ("inf", None), ("1e400", None),
    ],
)  # fmt: skip
def test_durations_are_read_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


def test_headers_are_read_whatever_their_case() -> None:
    found = parse(headers(requests=2, tokens=30, reset="6m0s", **{"x-ratelimit-limit-requests": "3"}))

    assert found == (
        Signal(kind="requests", remaining=2, resets_in=360.0, size=3),
        Signal(kind="tokens", remaining=30, resets_in=360.0),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"x-ratelimit-remaining-requests": "5"},
        headers(reset="later"),
        headers(reset="90000s"),
        {"other": "1"},
        headers(requests=2**64, tokens=2**64),
        {"x-ratelimit-remaining-requests": "9" * 5000, "x-ratelimit-reset-requests": "1s"},
    ],
)
def test_headers_that_are_missing_or_malformed_say_nothing(broken: dict[str, str]) -> None:
    assert parse(broken) == ()


def test_what_the_server_says_is_left_is_counted_down_until_its_reset(make_governor: MakeGovernor, clock: Any) -> None:
    governor = make_governor(requests_per_minute=100)
    governor.heed(governor.reserve(ASK), headers(requests=2))
    governor.reserve(ASK)
    governor.reserve(ASK)

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ASK)

    assert (refused.value.limit, refused.value.retry_after) == ("server_requests", 20)
    clock.advance(20)
    governor.reserve(ASK)


def test_tokens_are_counted_down_as_well(make_governor: MakeGovernor) -> None:
    governor = make_governor(requests_per_minute=100)
    governor.heed(governor.reserve(ASK), headers(tokens=900))
    governor.reserve(ASK)

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ASK)

    assert refused.value.limit == "server_tokens"


def test_the_server_never_makes_a_limit_wider(make_governor: MakeGovernor) -> None:
    governor = make_governor(requests_per_minute=2)
    governor.heed(governor.reserve(ASK), headers(requests=10**6))
    governor.reserve(ASK)

    with pytest.raises(RateLimited) as refused:
        governor.reserve(ASK)

    assert refused.value.limit == "requests_per_minute"


def test_a_newer_answer_replaces_an_older_one(make_governor: MakeGovernor, clock: Any) -> None:
    governor = make_governor(requests_per_minute=100)
    governor.heed(governor.reserve(ASK), headers(requests=1, reset="60s"))
    clock.advance(1)
    later = governor.reserve(ASK)
    governor.heed(later, headers(requests=50, reset="60s"))

    for _ in range(10):
        governor.reserve(ASK)


def test_an_answer_that_comes_late_does_not_hide_a_stricter_one(make_governor: MakeGovernor, clock: Any) -> None:
    governor = make_governor(requests_per_minute=100)
    slow, quick = governor.reserve(ASK), governor.reserve(ASK)
    clock.advance(1)
    governor.heed(quick, headers(requests=0, reset="60s"))
    clock.advance(1)
    governor.heed(slow, headers(requests=50, reset="60s"))

    with pytest.raises(RateLimited):
        governor.reserve(ASK)


def test_other_models_and_keys_are_not_concerned(make_governor: MakeGovernor) -> None:
    governor = make_governor(requests_per_minute=100)
    governor.heed(governor.reserve(ASK), headers(requests=0))

    governor.reserve(Ask(model="gpt-4-turbo", key="sk-one"))
    governor.reserve(Ask(model="gpt-4o", key="sk-two"))


def test_a_wider_tier_is_offered_in_one_line(make_governor: MakeGovernor) -> None:
    governor = make_governor()
    seen = headers() | {"x-ratelimit-limit-requests": "5000", "x-ratelimit-limit-tokens": "450000"}

    line = governor.heed(governor.reserve(ASK), seen)

    assert line is not None
    assert 'profile = "tier-2"' in line
    assert "\n" not in line
    assert governor.heed(governor.reserve(ASK), headers() | {"x-ratelimit-limit-requests": "3"}) is None


def test_a_local_server_is_not_heeded(make_governor: MakeGovernor) -> None:
    governor = make_governor(local=True)
    governor.heed(governor.reserve(ASK), headers(requests=0))

    governor.reserve(ASK)
