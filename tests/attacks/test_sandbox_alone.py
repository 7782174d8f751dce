"""With the policy off, the operating system's sandbox stops what has an effect on the host."""

from __future__ import annotations

import time
from typing import Any

import pytest

LAYER = "sandbox"
pytestmark = pytest.mark.sandbox


def test_the_sandbox_stops_an_attack(attack: Any, host: Any, confined: Any, of_run: Any) -> None:
    started = time.monotonic()

    run = confined.run(attack, host.fill(attack), into=host.left)

    assert not host.succeeded(attack, of_run(run)), of_run(run).text[-2000:]
    assert time.monotonic() - started < 30
    if attack.effect == "exhausted":
        assert not run.ok or run.truncated or len(str(run.outputs)) < 2**20
