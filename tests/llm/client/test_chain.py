"""From model to model: quota, dates, prices, breakers, and what a person is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.events import Progress
from jupyter_autocoder.llm.providers import OpenAIProvider
from jupyter_autocoder.testing import FrozenClock, Reply, fault


def on(day: str) -> FrozenClock:
    return FrozenClock(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def only(*models: str) -> Any:
    """Answer only for `models`; the quota of every other is used up."""
    return lambda body: f"from {body['model']}" if body["model"] in models else fault("quota")


@pytest.mark.parametrize("answering", ["gpt-4o", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna"])
def test_used_up_quota_walks_the_chain_in_its_order(world: Any, answering: str) -> None:
    order = ["gpt-4o", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna"]
    here = world(only(answering))

    answer = here.complete()

    assert answer.model == answering
    assert here.models_asked == order[: order.index(answering) + 1]
    assert len(answer.notes) == order.index(answering)


def test_switch_and_its_reason_are_shown_as_they_happen(world: Any) -> None:
    here = world(only("gpt-4-turbo"))

    events = here.stream()

    lines = [event.text for event in events if isinstance(event, Progress) and event.stage == "retrying"]
    assert lines == ["the account has no quota left for gpt-4o (429)"]
    assert events[-1].notes == tuple(lines)


def test_quota_everywhere_is_one_error_that_says_why_another_model_does_not_help(world: Any) -> None:
    here = world(only())

    with pytest.raises(errors.QuotaExhausted) as caught:
        here.complete()

    assert len(here.models_asked) == 4
    assert "organisation or project" in caught.value.do
    assert "gpt-6-luna" in caught.value.why


def test_models_past_their_shutdown_are_passed_over_with_one_line_each(world: Any) -> None:
    here = world(only("gpt-6-luna"), clock=on("2026-11-23"))

    answer = here.complete()

    assert here.models_asked == ["gpt-4o", "gpt-6-luna"]
    assert [note for note in answer.notes if "shut down on 2026-10-23" in note] == [
        "gpt-4-turbo was shut down on 2026-10-23",
        "gpt-3.5-turbo was shut down on 2026-10-23",
    ]


def test_chosen_model_past_its_shutdown_is_no_error_while_a_successor_lives(world: Any) -> None:
    here = world(lambda body: f"from {body['model']}", clock=on("2027-01-14"))

    answer = here.complete()

    assert answer.model == "gpt-6-luna"
    assert answer.notes[0] == "gpt-4o was shut down on 2027-01-14"


def test_day_before_the_shutdown_the_model_is_still_asked(world: Any) -> None:
    here = world(lambda body: "alive", clock=on("2027-01-13T23:59:59"))

    assert here.complete().model == "gpt-4o"


def test_half_characters_of_a_models_name_are_replaced_since_they_cannot_be_sent(world: Any) -> None:
    here = world(["Hi"], limits__usd_per_day=float("inf"))

    here.complete(model="gpt\udce9")

    assert here.models_asked == ["gpt\ufffd"]


def test_no_fallback_means_none(world: Any) -> None:
    here = world(only("gpt-4-turbo"), model__fallback=False)

    with pytest.raises(errors.QuotaExhausted):
        here.complete()

    assert here.models_asked == ["gpt-4o"]


def test_shut_down_model_without_fallback_is_gone(world: Any) -> None:
    here = world("never", model__fallback=False, clock=on("2027-06-01"))

    with pytest.raises(errors.ModelGone) as caught:
        here.complete()

    assert "shut down on 2027-01-14" in str(caught.value)
    assert here.server.requests == []


def test_local_model_is_asked_alone_unless_a_fallback_is_set(world: Any) -> None:
    here = world(only("gpt-6-luna"), local=True, model__name="gpt-3.5-turbo", clock=on("2026-11-23"))

    with pytest.raises(errors.QuotaExhausted):
        here.complete()

    assert here.models_asked == ["gpt-3.5-turbo"]


def test_local_model_falls_back_where_that_was_set(world: Any) -> None:
    here = world(only("b"), local=True, model__name="a", model__fallback=["b"])

    assert here.complete().model == "b"


def test_prompt_larger_than_the_window_goes_to_a_model_with_a_larger_one(world: Any) -> None:
    here = world(lambda body: "ok")
    long = "word " * 20_000

    answer = here.complete(long, model="gpt-3.5-turbo")

    assert answer.model == "gpt-4-turbo"
    assert "does not fit" in answer.notes[0] or "do not fit" in answer.notes[0]


def test_prompt_larger_than_every_window_is_never_sent(world: Any) -> None:
    here = world("never", model__fallback=["gpt-3.5-turbo"])

    with pytest.raises(errors.ContextTooLong):
        here.complete("word " * 200_000)

    assert here.server.requests == []
    assert here.ledger() == []


def test_fallback_too_dear_for_the_budget_is_passed_over(world: Any) -> None:
    # 4096 output tokens: $0.041 for gpt-4o, $0.123 for gpt-4-turbo, $0.006 for gpt-3.5-turbo.
    here = world(only("gpt-4-turbo", "gpt-3.5-turbo"), limits__usd_per_request=0.05)

    answer = here.complete()

    assert answer.model == "gpt-3.5-turbo"
    assert here.models_asked == ["gpt-4o", "gpt-3.5-turbo"]
    assert any("gpt-4-turbo is not asked" in note for note in answer.notes)


def test_chosen_model_too_dear_is_refused_before_anything_is_sent(world: Any) -> None:
    here = world("never", limits__usd_per_request=0.01)

    with pytest.raises(errors.BudgetExceeded) as caught:
        here.complete()

    assert caught.value.asked > caught.value.budget == 10_000
    assert here.server.requests == []


def test_unknown_price_under_a_budget_is_refused(world: Any) -> None:
    here = world("never", limits__usd_per_day=1.0)

    with pytest.raises(errors.PriceUnknown) as caught:
        here.complete(model="mystery-9")

    assert caught.value.model == "mystery-9"
    assert here.server.requests == []


def test_unknown_price_without_a_budget_is_recorded_as_unknown(world: Any) -> None:
    here = world("Hello")

    answer = here.complete(model="mystery-9")

    assert answer.usage.cost is None
    assert here.ledger()[0]["cost"] is None


def test_own_price_file_counts_even_for_a_local_model(world: Any, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("[models.llama]\ninput = 1_000_000\noutput = 2_000_000\n")
    reply = Reply(text="Hello", prompt_tokens=10, completion_tokens=5)
    here = world(reply, local=True, model__name="llama", model__prices_file=str(prices))

    assert here.complete().usage.cost == 20


def test_breaker_keeps_new_calls_away_and_lets_the_next_model_answer(world: Any) -> None:
    down = {"gpt-4o"}
    here = world(lambda body: fault("overload") if body["model"] in down else f"from {body['model']}")
    here.complete()
    asked = len(here.server.requests)

    second = here.complete()
    down.clear()
    here.clock.advance(3600)
    third = here.complete()

    assert second.model == "gpt-4-turbo"
    assert here.models_asked[asked : asked + 1] == ["gpt-4-turbo"]
    assert "left alone" in second.notes[0]
    assert third.model == "gpt-4o"


def test_quota_breaker_keeps_new_calls_away_but_not_the_chain_that_met_it(world: Any) -> None:
    here = world(only())

    with pytest.raises(errors.QuotaExhausted):
        here.complete()
    asked = len(here.server.requests)
    with pytest.raises(errors.RateLimited) as caught:
        here.complete()

    assert asked == 4
    assert caught.value.limit == "key_breaker"
    assert len(here.server.requests) == asked


def test_request_larger_than_a_models_rate_goes_to_one_with_a_larger_rate(world: Any) -> None:
    def answer(body: dict[str, Any]) -> Any:
        return fault("request_too_large", limit=30_000) if body["model"] == "gpt-4o" else "ok"

    here = world(answer, limits__profile="tier-1", model__fallback=["gpt-4-turbo", "gpt-4o-mini"])

    # In tier 1 gpt-4-turbo has the same 30,000 tokens a minute, gpt-4o-mini has 200,000.
    assert here.complete().model == "gpt-4o-mini"
    assert here.models_asked == ["gpt-4o", "gpt-4o-mini"]


def test_wait_for_our_own_limit_is_announced_and_obeyed(world: Any, waits_of: Any) -> None:
    here = world("Hello", limits__requests_per_minute=2, limits__requests_per_day=100)
    for _ in range(2):
        here.complete()

    events = here.stream()

    waits = waits_of(events)
    assert events[-1].text == "Hello"
    assert 59 <= sum(here.clock.slept) <= 61
    assert len(waits) >= 60
    assert "2 requests per minute" in waits[0].text
    assert len(here.ledger()) == 3


def test_wait_past_the_deadline_is_an_error_at_once(world: Any) -> None:
    here = world("Hello", limits__requests_per_minute=1, model__deadline=30.0)
    here.complete()

    with pytest.raises(errors.RateLimited) as caught:
        here.complete()

    assert 55 < caught.value.retry_after <= 60
    assert here.clock.slept == []
    assert len(here.server.requests) == 1


def test_slow_import_of_the_sdk_does_not_use_the_deadline_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world("Hello", model__deadline=5.0)
    connect = OpenAIProvider.connect

    def slowly(self: OpenAIProvider, *, timeout: float) -> Any:
        here.clock.advance(60)
        return connect(self, timeout=timeout)

    monkeypatch.setattr(OpenAIProvider, "connect", slowly)

    assert here.complete().text == "Hello"


def test_used_up_day_refuses_without_waiting(world: Any) -> None:
    here = world("Hello", limits__requests_per_day=1)
    here.complete()

    with pytest.raises(errors.RateLimited) as caught:
        here.complete()

    assert "requests_per_day" in caught.value.limit
    assert here.clock.slept == []


def test_wider_tier_seen_in_the_headers_is_offered_in_one_line_once(world: Any) -> None:
    headers = {
        "x-ratelimit-limit-requests": "5000", "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms", "x-ratelimit-limit-tokens": "450000",
        "x-ratelimit-remaining-tokens": "449000", "x-ratelimit-reset-tokens": "1s",
    }  # fmt: skip
    here = world(Reply(text="Hello", headers=headers))

    notes = here.complete().notes

    assert len(notes) == 1
    assert 'profile = "tier-2"' in notes[0]
