"""`jupyter autocoder usage`: what was used, and what is left of each limit, as a person and as a program read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_autocoder.app import main
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store


@pytest.fixture
def spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request of 30 tokens in the ledger of this person."""
    url = str(tmp_path / "store.sqlite")
    monkeypatch.setenv("AUTOCODER_STORE_URL", url)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    governor = Governor(Store(url), LimitSettings())
    ask = Ask(model="gpt-4o", key="sk-test", input_tokens=20, max_output_tokens=10, cost=300)
    governor.settle(governor.reserve(ask), Usage(input_tokens=20, output_tokens=10, cost=250, requests=1), "ok", 0.5)


@pytest.mark.usefixtures("spent")
def test_a_person_reads_what_was_used_and_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["usage"])

    said = capsys.readouterr().out
    assert code == 0
    assert "gpt-4o" in said
    assert "requests per minute: 1 of 3 used" in said
    assert "requests per day: 1 of 200 used" in said


@pytest.mark.usefixtures("spent")
def test_a_program_reads_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["usage", "--json"])

    report = json.loads(capsys.readouterr().out)
    limits = {limit["limit"]: limit["left"] for limit in report["limits"]}
    assert report["total"]["requests"] == 1
    assert (limits["requests_per_minute"], limits["requests_per_day"]) == (2, 199)


@pytest.mark.usefixtures("spent")
def test_asked_for_users_it_names_no_limits_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    main(["usage", "--by", "user"])

    assert "requests per minute" not in capsys.readouterr().out
