"""Counting tokens without the network."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.llm import prices, tokens

PYTHON = (
    'def mean(values: list[float]) -> float:\n    """Give the mean."""\n    return sum(values) / len(values)\n' * 20
)
JSON = '{"date":"2024-01-02","symbol":"ABC","close":101.25,"volume":1200300},' * 50
TEXTS = [
    "",
    "a",
    "Hello, world!",
    PYTHON,
    JSON,
    "Grüße aus Köln",
    "世界 " * 50,
    "👩‍👩‍👧‍👦" * 20,
    "\n\n\n   \t x",
    "A" * 10_000,
]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "empty"))
    tokens._encoding.cache_clear()


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_estimate_lies_between_zero_and_the_bytes(text: str) -> None:
    assert 0 <= tokens.estimate(text) <= tokens.bound(text) == len(text.encode())
    assert (tokens.estimate(text) == 0) == (text == "")


# Counted with tiktoken 0.14: o200k_base, cl100k_base.
COUNTED = [
    (PYTHON, 520, 500),
    (JSON, 1251, 1251),
    ("2024-01-02,ABC,101.25,1200300\n" * 40, 680, 680),
    ("Load the prices, fill the gaps, and plot the monthly mean of every symbol. " * 10, 171, 171),
    ("Die Größe der Straßenbahn überraschte die Fahrgäste. " * 10, 121, 181),
    ("请绘制每个月的收盘价，并计算平均值。" * 10, 140, 200),  # noqa: RUF001 (that is how it is written)
    ("Построй график цены закрытия по месяцам. " * 10, 112, 211),
    ("🎉🚀👩‍👩‍👧‍👦" * 20, 300, 480),
    ("9b5ad71b2ce5302211f9c61530b329a4922fc6a4\n" * 10, 260, 260),
]


@pytest.mark.parametrize(("text", "newer", "older"), COUNTED, ids=lambda value: str(value)[:12])
def test_estimate_is_never_below_the_truth_and_not_far_above_it(text: str, newer: int, older: int) -> None:
    estimate = tokens.estimate(text)

    assert max(newer, older) <= estimate <= 2.2 * max(newer, older)


def test_very_long_text_is_judged_by_its_beginning() -> None:
    began = time.process_time()

    many = tokens.estimate(PYTHON * 5_000)

    assert time.process_time() - began < 3.0
    assert many == pytest.approx(tokens.estimate(PYTHON * 100) * 50, rel=0.01)


def test_lone_surrogates_can_be_counted() -> None:
    assert tokens.count_text("\ud83d broken") > 0


def test_request_counts_messages_tools_and_pictures() -> None:
    hello = {"role": "user", "content": "Hello"}
    picture = {
        "role": "user",
        "content": [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "x" * 9**6}}],
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    one = tokens.count_request([hello])

    assert one == tokens.PRIMING + tokens.PER_MESSAGE + tokens.estimate("user") + tokens.estimate("Hello")
    assert tokens.count_request([hello, hello]) == 2 * one - tokens.PRIMING
    assert tokens.count_request([hello], tools=[tool]) > one
    assert tokens.count_request([picture], image=7_000) == one + 7_000


@pytest.mark.parametrize(("detail", "size"), [("low", 85), ("high", 1445), ("auto", 1445), (None, 1445)])
def test_a_picture_is_counted_by_its_detail(detail: str | None, size: int) -> None:
    url = {"url": "data:image/png;base64,AA"} | ({"detail": detail} if detail else {})
    message = {"role": "user", "content": [{"type": "image_url", "image_url": url}]}
    model = prices.load().find("gpt-4o")

    counted = tokens.count_request([message], image=model.image, image_low=model.image_low)

    assert counted - tokens.count_request([message]) == size


def test_no_model_that_takes_pictures_is_thought_cheaper_than_it_is() -> None:
    table = prices.load().models

    assert table["gpt-4o-mini"].image == 2833 + 8 * 5667
    assert min(model.image for model in table.values()) >= 1000
    assert prices.load().find("unheard-of").image == prices.PER_IMAGE


def test_nothing_is_ever_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert tokens.count_text("Hello, world!", model="gpt-4o") > 0


@pytest.mark.parametrize("content", [b"", b"planted by somebody else"])
def test_cached_file_with_a_wrong_hash_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    planted = tmp_path / hashlib.sha1(address.encode()).hexdigest()
    planted.write_bytes(content)

    assert not tokens._is_cached("o200k_base", tokens._RANKS["o200k_base"])
    assert tokens.count_text("Hello", model="gpt-4o") == tokens.estimate("Hello")
    assert planted.read_bytes() == content


def test_empty_cache_variable_means_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")

    assert not tokens._is_cached("o200k_base", tokens._RANKS["o200k_base"])


def test_cached_ranks_are_used_when_their_hash_is_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    ranks = b"planted, and said to be right"
    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(address.encode()).hexdigest()).write_bytes(ranks)

    assert tokens._is_cached("o200k_base", hashlib.sha256(ranks).hexdigest())


def test_text_without_a_space_never_reaches_the_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def encode(self, text: str, **options: Any) -> list[int]:
            assert len(text) < 5_000, "its merging is quadratic"
            return [0] * 7

    monkeypatch.setattr(tokens, "_encoding", lambda name: Slow())

    assert tokens.count_text("short words here") == 7
    assert tokens.count_text("x" * 100_000) > 7


@pytest.mark.parametrize(
    ("model", "encoding"),
    [("gpt-4o", "o200k_base"), ("gpt-6-luna", "o200k_base"), ("gpt-4.1", "o200k_base"), ("", "o200k_base"),
     ("gpt-4-turbo", "cl100k_base"), ("gpt-3.5-turbo", "cl100k_base"), ("gpt-4", "cl100k_base"),
     ("text-embedding-3-small", "cl100k_base")],
)  # fmt: skip
def test_each_model_has_its_tokenizer(model: str, encoding: str) -> None:
    assert tokens._encoding_name(model) == encoding
