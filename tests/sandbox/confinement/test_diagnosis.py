from __future__ import annotations

import asyncio

import pytest

from jupyter_autocoder.sandbox import diagnosis, machine
from jupyter_autocoder.sandbox.backends import bubblewrap
from jupyter_autocoder.sandbox.diagnosis import diagnose
from jupyter_autocoder.sandbox.inside import landlock
from jupyter_autocoder.settings import SandboxSettings

pytestmark = pytest.mark.sandbox


def test_on_a_sound_machine_every_line_is_ok_and_the_last_one_started_a_sandbox() -> None:
    findings = diagnose(SandboxSettings())

    assert [finding for finding in findings if not finding.ok] == []
    assert findings[-1].facility == "sandbox"
    assert all(finding.detail for finding in findings)
    assert all(not finding.mend for finding in findings)


def test_it_can_be_asked_while_a_loop_runs() -> None:
    async def ask() -> bool:
        return diagnose(SandboxSettings())[-1].ok

    assert asyncio.run(ask())


def test_a_missing_program_is_one_line_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "PREFERRED", "/nonexistent/bwrap")
    monkeypatch.setattr(bubblewrap, "BESIDE_PYTHON", "/nonexistent/bwrap")
    monkeypatch.setenv("PATH", "/nonexistent")

    bad = {finding.facility: finding for finding in diagnose(SandboxSettings()) if not finding.ok}

    assert "bubblewrap" in bad
    assert "install" in bad["bubblewrap"].mend


def test_a_kernel_without_landlock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)

    finding = next(finding for finding in diagnose(SandboxSettings()) if finding.facility == "landlock")

    assert not finding.ok
    assert "lsm=landlock" in finding.mend


def test_a_switch_that_forbids_namespaces_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    obstacle = machine.Obstacle("AppArmor", "restricted", machine.APPARMOR_MEND)
    monkeypatch.setattr(machine, "namespace_obstacle", lambda: obstacle)

    finding = next(finding for finding in diagnose(SandboxSettings()) if finding.facility == "AppArmor")

    assert not finding.ok
    assert "apparmor_parser" in finding.mend


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_told_what_still_works(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(diagnosis.sys, "platform", system)

    finding = diagnose(SandboxSettings())[0]

    assert not finding.ok
    assert "asking and checking work here" in finding.mend
