"""With the policy off, the gate lets nothing through that a browser or the host would act on."""

from __future__ import annotations

from typing import Any

import pytest

LAYER = "gate"
pytestmark = pytest.mark.sandbox


def test_the_gate_stops_an_attack(attack: Any, host: Any, confined: Any, of_run: Any) -> None:
    run = confined.run(attack, host.fill(attack), into=host.left)

    assert not host.succeeded(attack, of_run(run)), run.outputs
