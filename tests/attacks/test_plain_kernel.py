"""Every attack of the suite is real: in a kernel without any confinement it has its effect."""

from __future__ import annotations

import os
import platform
from typing import Any

import pytest

pytestmark = pytest.mark.kernel


def test_an_attack_succeeds_where_nothing_stops_it(attack: Any, host: Any, plain: Any) -> None:
    if attack.needs == "root" and os.geteuid() != 0:
        pytest.skip("only root can do this even without a sandbox")
    if attack.needs == "x86_64" and platform.machine() != "x86_64":
        pytest.skip("system calls are numbered for x86_64")
    patience = 1.5 if attack.effect == "exhausted" else 20.0

    trace = plain.run(host.fill(attack), patience=patience)

    if trace.busy or attack.alone:
        plain.restart()
    assert host.succeeded(attack, trace), trace.text[-2000:]
