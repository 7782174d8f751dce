"""How much of a conversation is sent: what the model's window and a minute's limit leave beside the answer."""

from __future__ import annotations

import pytest

from jupyter_autocoder.server.window import UNKNOWN, room
from jupyter_autocoder.settings import Settings

LOCAL = {"model__base_url": "http://127.0.0.1:1/v1"}


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def _settings(**values) -> Settings:
    return Settings().replace("test", **values)


@pytest.fixture
def small(tmp_path):
    """A price table with two models of small windows."""
    path = tmp_path / "prices.toml"
    path.write_text('[models."small"]\nwindow = 2000\n[models."tiny"]\nwindow = 600\n')
    return {"model__prices_file": str(path)}


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        # gpt-4o holds 128,000, the free tier lets 40,000 through in a minute; 4,096 of them are the answer's.
        ({}, 40_000 - 4_096),
        ({"limits__profile": "tier-3"}, 128_000 - 4_096),
        (LOCAL, 128_000 - 4_096),
        ({**LOCAL, "limits__tokens_per_minute": 10_000}, 10_000 - 4_096),
        ({**LOCAL, "chat__context_tokens": 5_000}, 5_000),
        ({**LOCAL, "model__name": "llama-of-mine"}, UNKNOWN),
        ({**LOCAL, "model__name": "llama-of-mine", "chat__context_tokens": 90_000}, 90_000),
    ],
)
def test_the_smallest_bound_that_is_known_counts(values, tokens):
    assert room(_settings(**values)) == tokens


def test_a_small_window_gives_the_answer_at_most_half(small):
    assert room(_settings(model__name="small", model__max_output_tokens=300, **small)) == 1_700
    assert room(_settings(model__name="tiny", **small)) == 300
