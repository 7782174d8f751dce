"""Every row of the table of failures, on a socket: retries on the same model, fallback, error, and the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.testing import Reply, fault


def failing(broken: Reply) -> Callable[[dict[str, Any]], Any]:
    """Answer gpt-4o with a failure, every other model well."""
    return lambda body: broken if body["model"] == "gpt-4o" else f"fine from {body['model']}"


RETRIED = [
    *[pytest.param(fault("overload", status=status), 4, "overload", 0, id=f"overload-{status}")
      for status in (500, 502, 503, 504, 529, 408, 409)],
    pytest.param(fault("html_error"), 4, "overload", 0, id="html-error-page"),
    pytest.param(fault("error_in_success"), 4, "overload", 0, id="error-object-with-status-200"),
    pytest.param(fault("drop"), 3, "no answer", 1, id="dropped-connection"),
    pytest.param(fault("stall"), 3, "no answer", 1, id="stall"),
    pytest.param(fault("rate_limit", retry_after=600), 1, "rate limit", 0, id="rate-limit-past-the-deadline"),
    pytest.param(fault("request_too_large"), 1, "request too large", 0, id="request-too-large"),
    *[pytest.param(fault("quota", code=code), 1, "quota exhausted", 0, id=f"quota-{code}")
      for code in ("insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
                   "project_spend_limit_exceeded", "organization_usage_limit_exceeded")],
    pytest.param(fault("model_not_found"), 1, "model gone", 0, id="model-gone"),
    pytest.param(fault("model_forbidden"), 1, "model gone", 0, id="model-forbidden"),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("broken", "tries", "outcome", "estimated"), RETRIED)
def test_failure_before_content_is_retried_then_the_next_model_answers(
    world: Any, broken: Reply, tries: int, outcome: str, estimated: int, streamed: bool
) -> None:
    here = world(failing(broken), model__first_byte_timeout=0.3 if broken.stall else 30.0)

    answer = here.ask(streamed=streamed)

    assert answer.text == "fine from gpt-4-turbo"
    assert answer.model == "gpt-4-turbo"
    assert here.models_asked == ["gpt-4o"] * tries + ["gpt-4-turbo"]
    assert any("gpt-4o" in note for note in answer.notes)
    *failed, good = here.ledger()
    assert {(row["outcome"], row["estimated"], row["model"]) for row in failed} == {(outcome, estimated, "gpt-4o")}
    assert (good["outcome"], good["estimated"], good["model"]) == ("stop", 0, "gpt-4-turbo")
    # An unknown outcome may be billed, so it is charged at its estimate; everything else costs nothing.
    assert all((row["total_tokens"] > 4096) == bool(estimated) for row in failed)
    assert answer.usage.requests == tries + 1
    assert answer.usage.estimated == bool(estimated)
    assert here.open_reservations() == 0


REFUSED = [
    pytest.param(fault("bad_request"), errors.RequestRefused, "bad request", id="400"),
    pytest.param(fault("unprocessable"), errors.RequestRefused, "bad request", id="422"),
    pytest.param(fault("unauthorized"), errors.KeyRefused, "key refused", id="401"),
    pytest.param(fault("forbidden"), errors.KeyRefused, "forbidden", id="403"),
]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("broken", "error", "outcome"), REFUSED)
def test_refusal_is_neither_retried_nor_taken_elsewhere(
    world: Any, broken: Reply, error: type[errors.ModelError], outcome: str, streamed: bool
) -> None:
    here = world(failing(broken))

    with pytest.raises(error) as caught:
        here.ask(streamed=streamed)

    assert here.models_asked == ["gpt-4o"]
    assert caught.value.do
    assert caught.value.usage.requests == 1
    assert [(row["outcome"], row["total_tokens"], row["cost"]) for row in here.ledger()] == [(outcome, 0, 0)]


BROKEN_STREAMS = [
    pytest.param(fault("cut"), "Half of an answe", id="cut-after-content"),
    pytest.param(fault("cut_character", text="Grüße, 世界! " * 4), None, id="cut-inside-a-character"),
    pytest.param(fault("no_finish"), "Is this all?", id="no-finish-reason"),
    pytest.param(fault("no_usage"), "No counts", id="no-usage-chunk"),
    pytest.param(fault("plain_json"), "", id="plain-json-to-a-stream"),
    pytest.param(fault("html_success"), "", id="html-page"),
    pytest.param(fault("not_json"), "", id="no-json"),
    pytest.param(fault("empty_body"), "", id="empty-body"),
    pytest.param(fault("huge"), None, id="fifty-megabytes"),
    pytest.param(Reply(text="Too late", hang=2, chunk=4), "Too ", id="stall-after-content"),
]


@pytest.mark.parametrize(("broken", "received"), BROKEN_STREAMS)
def test_stream_that_breaks_is_settled_from_what_came_and_never_asked_again(
    world: Any, broken: Reply, received: str | None, texts_of: Any
) -> None:
    here = world(failing(broken), model__first_byte_timeout=0.5 if broken.hang else 30.0)

    with pytest.raises(errors.StreamIncomplete) as caught:
        here.stream()

    assert here.models_asked == ["gpt-4o"]
    assert caught.value.received == texts_of(here.events)
    if received is not None:
        assert caught.value.received == received
    assert "�" not in caught.value.received
    (row,) = here.ledger()
    assert (row["outcome"], row["estimated"]) == ("answer broke off", 1)
    assert row["input_tokens"] > 0
    assert (row["output_tokens"] > 0) == bool(caught.value.received)
    assert row["cost"] > 0


BROKEN_WHOLES = [
    pytest.param(fault("cut"), id="cut"),
    pytest.param(fault("html_success"), id="html-page"),
    pytest.param(fault("not_json"), id="no-json"),
    pytest.param(fault("empty_body"), id="empty-body"),
    pytest.param(fault("no_choices"), id="no-choices"),
    pytest.param(fault("huge"), id="fifty-megabytes"),
]


@pytest.mark.parametrize("broken", BROKEN_WHOLES)
def test_whole_answer_that_cannot_be_read_is_charged_and_never_asked_again(world: Any, broken: Reply) -> None:
    here = world(failing(broken))

    with pytest.raises(errors.StreamIncomplete):
        here.complete()

    assert here.models_asked == ["gpt-4o"]
    (row,) = here.ledger()
    assert (row["outcome"], row["estimated"]) == ("answer broke off", 1)
    assert row["input_tokens"] > 0


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("reply", "reason", "refusal", "outcome"),
    [
        (fault("length"), "length", None, "length"),
        (fault("content_filter"), "content_filter", None, "content_filter"),
        (fault("refusal"), "stop", "I cannot help with that.", "refusal"),
    ],
)
def test_answer_that_ends_early_is_shown_as_what_it_is(
    world: Any, reply: Reply, reason: str, refusal: str | None, outcome: str, streamed: bool
) -> None:
    here = world(failing(reply))

    answer = here.ask(streamed=streamed)

    assert (answer.finish_reason, answer.refusal, answer.model) == (reason, refusal, "gpt-4o")
    assert [(row["outcome"], row["estimated"], row["failed"]) for row in here.ledger()] == [(outcome, 0, 0)]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("reply", "charged"),
    [
        (Reply(text="word " * 100, prompt_tokens=-5, completion_tokens=-5), 1),
        (Reply(text="word " * 100, prompt_tokens=0, completion_tokens=0), 1),
        (Reply(text="word " * 100, prompt_tokens=10**30, completion_tokens=10**30), 1),
        (Reply(text="word " * 100, prompt_tokens=10**6, completion_tokens=10**6), 0),
    ],
    ids=["negative", "none at all", "astronomic", "more than reserved"],
)
def test_servers_counts_are_charged_where_they_can_be_true_and_estimated_where_not(
    world: Any, reply: Reply, charged: int, streamed: bool
) -> None:
    here = world([reply], validate=False)

    answer = here.ask(streamed=streamed)

    (row,) = here.ledger()
    assert (row["estimated"], row["outcome"]) == (charged, "stop")
    assert row["output_tokens"] >= 100
    assert row["cost"] == answer.usage.cost > 0


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("reason", ["eos", "st\0p", "st\ud800p", "s" * 100_000], ids=["eos", "nul", "half", "long"])
def test_another_servers_word_for_the_end_is_an_end(world: Any, reason: str, streamed: bool) -> None:
    here = world([Reply(text="Hi", finish_reason=reason)], validate=False)

    answer = here.ask(streamed=streamed)

    assert answer.text == "Hi"
    assert [(row["outcome"], row["failed"]) for row in here.ledger()] == [("stop", 0)]


COMMANDS = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b2J\x00\r"


def test_half_characters_and_terminal_commands_of_an_error_are_left_out(world: Any) -> None:
    body = json.dumps({"error": {"message": f"bad \ud800{COMMANDS} prompt", "code": "x"}})
    here = world([Reply(status=400, body=body, content_type="application/json")], validate=False)

    with pytest.raises(errors.RequestRefused) as refused:
        here.complete()

    assert "bad \ufffd prompt" in str(refused.value)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_terminal_commands_in_a_models_name_are_left_out(world: Any, streamed: bool) -> None:
    here = world([Reply(text="Hi", model=f"gpt{COMMANDS}" + "x" * 1000)], validate=False)

    answer = here.ask(streamed=streamed)

    assert answer.model.startswith("gpt xx")
    assert answer.model.isprintable()
    assert len(answer.model) <= 300


def test_error_event_inside_a_stream_is_told_apart_by_its_own_words(world: Any) -> None:
    here = world([fault("stream_error"), "Now"])

    answer = here.ask(streamed=True)

    assert answer.text == "Now"
    assert [row["outcome"] for row in here.ledger()] == ["overload", "stop"]


@pytest.mark.parametrize("status", [400, 500])
def test_error_page_of_many_megabytes_ends_in_a_short_message(world: Any, status: int) -> None:
    page = Reply(status=status, content_type="text/html", body="<p>" * 3_000_000)
    here = world(lambda body: page, model__fallback=False)

    with pytest.raises(errors.ModelError) as caught:
        here.complete()

    assert len(str(caught.value)) < 2_000


def test_odd_content_type_does_not_matter_when_the_stream_is_good(world: Any) -> None:
    here = world(failing(fault("wrong_type")))

    answer = here.ask(streamed=True)

    assert answer.text == "Odd"


@pytest.mark.parametrize(
    ("fallback", "answered"),
    [(("gpt-4-turbo", "gpt-4.1"), "gpt-4.1"), (("gpt-4-turbo", "gpt-3.5-turbo"), None)],
    ids=["a larger window is there", "no larger window"],
)
def test_context_too_long_goes_only_to_a_larger_window(world: Any, fallback: Any, answered: str | None) -> None:
    here = world(failing(fault("context_length_exceeded")), model__fallback=fallback)

    if answered is None:
        with pytest.raises(errors.ContextTooLong):
            here.complete()
        assert here.models_asked == ["gpt-4o"]
    else:
        assert here.complete().model == answered
        assert here.models_asked == ["gpt-4o", answered]


def test_rate_limit_is_retried_until_it_passes(world: Any, waits_of: Any) -> None:
    here = world([fault("rate_limit", retry_after=5), fault("slow_down", retry_after=7), "There you are"])

    events = here.stream()

    assert events[-1].text == "There you are"
    assert here.models_asked == ["gpt-4o"] * 3
    assert 12 <= sum(here.clock.slept) <= 15
    # A countdown: every second one line, each with less left than the one before.
    first = [wait.seconds for wait in waits_of(events)][:5]
    assert first == sorted(first, reverse=True)
    assert 5 <= first[0] <= 6
    assert [row["outcome"] for row in here.ledger()] == ["rate limit", "rate limit", "stop"]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "11"}, 11),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:00 GMT"}, 40),
        ({"x-ratelimit-reset-requests": "6s", "x-ratelimit-remaining-requests": "0"}, 6),
        ({"x-ratelimit-reset-tokens": "1m0s", "x-ratelimit-remaining-tokens": "0", "retry-after": "2"}, 60),
        ({"x-ratelimit-reset-requests": "8h0m0s", "x-ratelimit-remaining-requests": "190", "retry-after": "3"}, 3),
        ({}, 1),
    ],
    ids=lambda value: str(value)[:60],
)
def test_wait_is_the_longest_that_the_headers_ask_for(world: Any, headers: dict[str, str], wait: float) -> None:
    limited = Reply(status=429, headers=headers, body='{"error": {"code": "rate_limit_exceeded", "message": "Slow"}}')
    here = world([limited, "Now"])

    here.complete()

    assert wait <= sum(here.clock.slept) <= wait * 1.1 + 0.1


def test_waits_without_a_hint_double(world: Any, waits_of: Any) -> None:
    here = world([fault("overload")] * 3 + ["Now"])

    waits = waits_of(here.stream())

    for attempt, wait in [(1, 0.5), (2, 1.0), (3, 2.0)]:
        longest = max(event.seconds for event in waits if event.attempt == attempt)
        assert wait <= longest <= wait * 1.1 + 0.05


def test_no_wait_passes_the_deadline(world: Any) -> None:
    here = world(lambda body: fault("rate_limit", retry_after=50), model__deadline=120.0)

    with pytest.raises(errors.RateLimited) as caught:
        here.complete()

    assert sum(here.clock.slept) <= 120
    assert caught.value.retry_after == 50
    assert set(here.models_asked) == {"gpt-4o", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna"}


def test_model_that_overloads_again_and_again_ends_in_the_first_models_error(world: Any) -> None:
    here = world(lambda body: fault("overload", status=529))

    with pytest.raises(errors.ServerOverloaded) as caught:
        here.complete()

    assert caught.value.model == "gpt-4o"
    assert caught.value.status == 529
    assert "gpt-6-luna" in caught.value.why
    assert caught.value.usage.requests == 16
