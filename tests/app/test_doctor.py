"""`jupyter autocoder doctor`: what it tries in the sandbox."""

from __future__ import annotations

import asyncio
import json

import pytest

from jupyter_autocoder.app import doctor, main
from jupyter_autocoder.events import Run


class OpenBox:
    """A sandbox that lets everything through, and keeps what was tried."""

    backend = "open"

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def __aenter__(self) -> OpenBox:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def run(self, source: str) -> Run:
        self.tried.append(source)
        return Run(ok=True, value="42")


@pytest.mark.parametrize(("processes", "forks"), [("0", True), ("1", False)])
def test_starting_a_process_is_tried_only_where_it_is_not_allowed(
    monkeypatch: pytest.MonkeyPatch, processes: str, forks: bool
) -> None:
    box = OpenBox()
    monkeypatch.setattr("jupyter_autocoder.sandbox.Sandbox", lambda: box)
    monkeypatch.setenv("AUTOCODER_SANDBOX_PROCESSES", processes)

    (line,) = asyncio.run(doctor._try_sandbox())

    assert any("os.fork()" in source for source in box.tried) is forks
    assert ("start a process" in line.detail) is forks
    assert "read a file of yours" in line.detail
    assert not line.ok


@pytest.mark.sandbox
@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_good_sandbox_is_not_called_broken_for_what_it_was_told_to_allow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], processes: str
) -> None:
    monkeypatch.setenv("AUTOCODER_SANDBOX_PROCESSES", processes)

    main(["doctor", "--json"])

    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    assert lines["sandbox"]["ok"], lines["sandbox"]
    assert "reach nothing outside" in lines["sandbox"]["detail"]
