"""The key is nowhere: a planted one is searched for in everything that is written, raised, shown or logged."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.llm.providers import OpenAIProvider
from jupyter_autocoder.testing import Reply, failure, fault

PLANTED = "sk-test-0123456789abcdefghijklmnop"
TAIL = PLANTED[-8:]


def chained(error: BaseException | None) -> str:
    """Everything that a report of this error could hold: chain, attributes, reprs of the frames' locals."""
    parts, first = [], error
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        parts += [repr(error), str(error), repr(vars(error))]
        captured = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The test's own frames hold the planted key in plain sight.
        frames = [frame for frame in captured.stack if "jupyter_autocoder" in frame.filename]
        assert frames or error is not first
        parts += [f"{frame.line} {frame.locals}" for frame in frames]
        error = error.__cause__ or error.__context__
    return "\n".join(parts)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "broken",
    [
        failure(401, f"Incorrect API key provided: {PLANTED}. You can find yours.", code="invalid_api_key"),
        failure(400, f"You sent Authorization: Bearer {PLANTED}"),
        failure(429, f"Quota of {PLANTED} is used up", code="insufficient_quota"),
        Reply(status=502, content_type="text/html", body=f"<html>{PLANTED}</html>"),
        Reply(content_type="text/html", body=f"{PLANTED} is no JSON"),
        fault("drop"),
        fault("cut"),
    ],
    ids=["401", "400", "429", "502", "no-json", "drop", "cut"],
)
def test_key_is_in_no_error_no_log_no_event_and_no_file(
    world: Any, broken: Reply, streamed: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    here = world(lambda body: broken, model__fallback=False)

    with pytest.raises(errors.AutocoderError) as caught:
        here.ask(streamed=streamed)
    here.store.close()

    report = chained(caught.value) + "".join(caught.value._render_traceback_())
    assert PLANTED in here.server.received[0].headers["authorization"]
    assert TAIL not in report
    assert TAIL.encode() not in pickle.dumps(caught.value)
    assert TAIL not in caplog.text
    assert TAIL not in repr(getattr(here, "events", ""))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if TAIL.encode() in path.read_bytes()]


def test_key_is_not_in_the_ledger_nor_in_reprs(world: Any, tmp_path: Path) -> None:
    here = world("Hello")
    provider = OpenAIProvider(here.settings.model, environ={"OPENAI_API_KEY": PLANTED})

    here.complete()
    here.store.close()

    assert TAIL not in repr(provider) + str(provider) + repr(vars(provider)) + repr(here.client())
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TAIL.encode() in path.read_bytes()]
    assert here.ledger()[0]["fingerprint"].startswith("key-")


def test_missing_key_is_told_with_both_ways_out_and_nothing_is_reserved(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_autocoder.llm.keys._keyring", lambda service, name: None)
    here = world("never")
    provider = OpenAIProvider(here.settings.model, environ={})
    provider.local = False

    async def main() -> None:
        async with here.client(provider=provider) as client:
            await client.complete("Hi")

    with pytest.raises(errors.NoKey) as caught:
        asyncio.run(main())

    assert "OPENAI_API_KEY" in caught.value.do
    assert "local model" in caught.value.do
    assert "0600" in caught.value.do
    assert here.server.requests == []
    assert here.ledger() == []


def test_local_model_needs_no_key(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_autocoder.llm.keys._keyring", lambda service, name: None)
    here = world("Hello", local=True)
    provider = OpenAIProvider(here.settings.model, environ={})

    async def main() -> str:
        async with here.client(provider=provider) as client:
            return (await client.complete("Hi")).text

    assert asyncio.run(main()) == "Hello"
    assert provider.local


def test_key_in_a_prompt_is_not_sent(world: Any) -> None:
    here = world("Hello")
    parts = [{"type": "text", "text": f"Why is {PLANTED} refused?"}]

    here.complete([{"role": "user", "content": parts}])

    async def main() -> None:
        async with here.client() as client:
            await client.embed([f"my key is {PLANTED}"])

    asyncio.run(main())

    assert TAIL not in repr(here.server.requests)
    assert here.server.requests[0]["messages"][0]["content"][0]["text"] == "Why is [key removed] refused?"
