"""Machines of every kind, made of a few files, and what is said about them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_autocoder.sandbox import failure, machine

APPARMOR = {machine.APPARMOR_SWITCH: "1\n"}


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian\n", "apt-get install -y bubblewrap"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt-get install -y bubblewrap"),
        ("ID=fedora\n", "dnf install -y bubblewrap"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install -y bubblewrap"),
        ("ID=arch\n", "pacman -S --noconfirm bubblewrap"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "zypper --non-interactive install bubblewrap"),
        ("ID=alpine\n", "apk add bubblewrap"),
    ],
)
def test_each_distribution_has_its_install_command(tmp_path: Path, release: str, command: str) -> None:
    root = make(tmp_path, {"etc/os-release": release})

    said = machine.install_command("bubblewrap", root)

    assert said.removeprefix("sudo ") == command
    assert said.startswith("sudo ") == (os.geteuid() != 0)


def test_an_unknown_distribution_is_told_in_words(tmp_path: Path) -> None:
    assert "package manager" in machine.install_command("bubblewrap", tmp_path)


@pytest.mark.parametrize(
    ("files", "environ", "kind"),
    [
        ({}, {}, ""),
        ({".dockerenv": ""}, {}, "docker"),
        ({"proc/1/cgroup": "0::/docker/0123\n"}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"var/run/secrets/kubernetes.io/token": ""}, {}, "kubernetes"),
    ],
)
def test_containers_are_recognised(tmp_path: Path, files: dict[str, str], environ: dict[str, str], kind: str) -> None:
    assert machine.container(make(tmp_path, files), environ) == kind


@pytest.mark.parametrize(
    ("files", "facility", "mend"),
    [
        ({"proc/sys/user/max_user_namespaces": "0\n"}, "user namespaces", "user.max_user_namespaces=15000"),
        ({"proc/sys/kernel/unprivileged_userns_clone": "0\n"}, "user namespaces", "unprivileged_userns_clone=1"),
        (APPARMOR, "AppArmor", "apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"),
    ],
)
def test_switches_that_forbid_namespaces_are_named(
    tmp_path: Path, files: dict[str, str], facility: str, mend: str
) -> None:
    obstacle = machine.namespace_obstacle(make(tmp_path, files), {})

    assert obstacle is not None
    assert obstacle.facility == facility
    assert mend in obstacle.mend


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/sys/user/max_user_namespaces": "96365\n", "proc/sys/kernel/unprivileged_userns_clone": "1\n"},
        {**APPARMOR, "etc/apparmor.d/bwrap-userns-restrict": "profile"},
        {machine.APPARMOR_SWITCH: "0\n"},
    ],
)
def test_switches_that_allow_namespaces_are_no_obstacle(tmp_path: Path, files: dict[str, str]) -> None:
    assert machine.namespace_obstacle(make(tmp_path, files), {}) is None


@pytest.mark.parametrize(
    ("said", "files", "environ", "facility", "mend"),
    [
        ("bwrap: setting up uid map: Permission denied", APPARMOR, {}, "AppArmor", "apparmor_parser"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", APPARMOR, {}, "AppArmor", "apparmor_parser"),
        (
            "bwrap: No permissions to create new namespace, likely because the kernel does not allow",
            {".dockerenv": ""},
            {},
            "user namespaces",
            "--security-opt seccomp=unconfined",
        ),
        (
            "bwrap: Can't mount proc on /newroot/proc",
            {".dockerenv": ""},
            {},
            "user namespaces",
            "systempaths=unconfined",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            {},
            {"KUBERNETES_SERVICE_HOST": "1"},
            "user namespaces",
            "hostUsers: false",
        ),
        ("bwrap: Creating new namespace failed: No space left on device", {}, {}, "user namespaces", "max_user_namesp"),
        ("bwrap: execvp /gone/python: No such file or directory", {}, {}, "python environment", "environment again"),
        ("OSError: No space left on device", {}, {}, "temporary folder", "free some space"),
        ("Segmentation fault", {}, {}, "start", "jupyter autocoder doctor"),
        ("", {}, {}, "start", "jupyter autocoder doctor"),
    ],
)
def test_a_backends_last_words_become_facility_and_mend(
    tmp_path: Path, said: str, files: dict[str, str], environ: dict[str, str], facility: str, mend: str
) -> None:
    error = failure.explain(said, ended=True, root=make(tmp_path, files), environ=environ)

    assert error.facility == facility
    assert mend in error.mend
    assert error.why


def test_a_sandbox_that_only_hung_is_not_called_ended(tmp_path: Path) -> None:
    assert "in time" in failure.explain("", ended=False, root=tmp_path, environ={}).what


@pytest.mark.parametrize(("said", "why"), [("", "it said nothing"), (" \n", "it said nothing"), ("a\nb\n", "b")])
def test_a_kernel_that_ended_too_early_has_a_last_word_or_none(said: str, why: str) -> None:
    error = failure.before_ready(said)

    assert error.why == why
    assert "doctor" in error.do
