"""The fixture for users' tests, used as they would use it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_autocoder.llm import GovernedClient
from jupyter_autocoder.testing import FakeOpenAI
from jupyter_autocoder.testing.plugin import fake_openai

__all__ = ["fake_openai"]
ROOT = Path(__file__).parents[2]
ASK = """
from jupyter_autocoder.llm import SyncClient
with SyncClient() as client:
    print(client.complete("the monthly mean, please").text)
"""


def test_this_process_meets_the_fake(fake_openai: Callable[..., FakeOpenAI]) -> None:
    server = fake_openai({"monthly mean": "df.mean()"})

    async def main() -> str:
        async with GovernedClient() as client:
            return (await client.complete("the monthly mean")).text

    assert asyncio.run(main()) == "df.mean()"
    assert len(server.requests) == 1


def test_other_processes_meet_it_too_and_leave_nothing_in_the_home(
    fake_openai: Callable[..., FakeOpenAI], tmp_path: Path
) -> None:
    server = fake_openai({"monthly mean": "df.mean()"})
    home = tmp_path / "home"
    home.mkdir()
    environ = {**os.environ, "HOME": str(home)}

    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environ, capture_output=True, text=True, check=True, cwd=ROOT, timeout=100
    )

    assert done.stdout.strip() == "df.mean()"
    assert len(server.requests) == 1
    assert not [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in (tmp_path / "jupyter").rglob("*") if path.is_file()]


def test_keys_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one-0123456789")

    server = request.getfixturevalue("fake_openai")("Hello")

    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["OPENAI_BASE_URL"] == server.base_url
