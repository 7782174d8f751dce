"""What kind of machine this is, and what mends it: distribution, container, the kernel's switches.

Every function takes the root folder to look at, so that a test can show it any machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Container = Literal["", "docker", "podman", "kubernetes"]

ROOT = Path("/")
INSTALLERS = {
    "debian": "apt-get install -y",
    "ubuntu": "apt-get install -y",
    "fedora": "dnf install -y",
    "rhel": "dnf install -y",
    "centos": "dnf install -y",
    "arch": "pacman -S --noconfirm",
    "suse": "zypper --non-interactive install",
    "opensuse": "zypper --non-interactive install",
    "alpine": "apk add",
}
PACKAGES = {"bubblewrap": "bubblewrap", "podman": "podman", "docker": "docker.io"}
APPARMOR_SWITCH = "proc/sys/kernel/apparmor_restrict_unprivileged_userns"
BWRAP_PROFILE = "bwrap-userns-restrict"
LANDLOCK_INSTEAD = 'or set backend = "landlock" under [sandbox] in autocoder.toml (weaker, needs no namespaces)'

DOCKER_MEND = (
    "start the container with: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    f"--security-opt systempaths=unconfined ...; {LANDLOCK_INSTEAD}"
)
PODMAN_MEND = (
    "start the container with: podman run --security-opt seccomp=unconfined --security-opt unmask=ALL ...; "
    f"{LANDLOCK_INSTEAD}"
)
KUBERNETES_MEND = (
    "set in the pod: hostUsers: false, and in the container's securityContext: procMount: Unmasked, "
    f"seccompProfile: {{type: Unconfined}}, appArmorProfile: {{type: Unconfined}}; {LANDLOCK_INSTEAD}"
)
APPARMOR_MEND = (
    "sudo apt-get install -y apparmor-profiles && "
    f"sudo cp /usr/share/apparmor/extra-profiles/{BWRAP_PROFILE} /etc/apparmor.d/ && "
    f"sudo apparmor_parser -r /etc/apparmor.d/{BWRAP_PROFILE}"
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A switch of this machine that forbids user namespaces, and what turns it."""

    facility: str
    why: str
    mend: str


def install_command(package: str, root: Path = ROOT) -> str:
    """The command that installs a package here; without a known distribution, words that say the same."""
    for name in _distributions(root):
        if name in INSTALLERS:
            sudo = "" if os.geteuid() == 0 else "sudo "
            return f"{sudo}{INSTALLERS[name]} {PACKAGES.get(package, package)}"
    return f"install {package} with the package manager of this system"


def container(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> Container:
    """In which kind of container this process runs, if in any."""
    environ = os.environ if environ is None else environ
    if "KUBERNETES_SERVICE_HOST" in environ or (root / "var/run/secrets/kubernetes.io").exists():
        return "kubernetes"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / ".dockerenv").exists() or "/docker" in _text(root / "proc/1/cgroup"):
        return "docker"
    return ""


def namespace_obstacle(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> Obstacle | None:
    """The switch that forbids this user's namespaces, as far as switches tell; None where none is set."""
    if _text(root / "proc/sys/user/max_user_namespaces") == "0":
        return Obstacle(
            "user namespaces", "user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=15000"
        )
    if _text(root / "proc/sys/kernel/unprivileged_userns_clone") == "0":
        return Obstacle(
            "user namespaces",
            "kernel.unprivileged_userns_clone is 0",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        )
    if _text(root / APPARMOR_SWITCH) == "1" and not (root / "etc/apparmor.d" / BWRAP_PROFILE).exists():
        return Obstacle(
            "AppArmor",
            "kernel.apparmor_restrict_unprivileged_userns is 1 and no profile allows bwrap (Ubuntu 24.04 and later)",
            APPARMOR_MEND,
        )
    return None


def container_mend(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    """What allows namespaces in this kind of container; empty outside of containers."""
    mends = {"docker": DOCKER_MEND, "podman": PODMAN_MEND, "kubernetes": KUBERNETES_MEND, "": ""}
    return mends[container(root, environ)]


def _distributions(root: Path) -> list[str]:
    values: dict[str, str] = {}
    for line in _text(root / "etc/os-release").splitlines():
        name, _, value = line.partition("=")
        values[name] = value.strip("\"'")
    return [values.get("ID", ""), *values.get("ID_LIKE", "").split()]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
