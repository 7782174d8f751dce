"""What the source shows, the policy refuses by itself; nothing is run here."""

from __future__ import annotations

import re
from typing import Any

from jupyter_autocoder.policy import check

LAYER = "policy"
# Names of files that no rule about files would object to, so that each attack is caught by what it does.
HARMLESS = {"HOME": "/scratch/h", "OUTSIDE": "/scratch/o", "RUNTIME": "/scratch/r", "PORT": "4567", "VICTIM": "4242"}


def test_the_policy_refuses_an_attack(attack: Any) -> None:
    code = re.sub(r"@([A-Z_]+)@", lambda place: HARMLESS.get(place[1], "0"), attack.code)

    verdict = check(code)

    assert not verdict.allowed
    assert {finding.rule for finding in verdict.findings}.isdisjoint({"syntax", "checker-failed", "too-large"})


def test_the_suite_is_large_and_covers_its_families(attacks_of: Any) -> None:
    by_family = attacks_of()

    assert sum(map(len, by_family.values())) >= 200
    assert set(by_family) == {
        "dynamic",
        "exhaustion",
        "files",
        "formats",
        "frames",
        "host",
        "imports",
        "introspection",
        "leftovers",
        "messages",
        "network",
        "outputs",
        "pickles",
        "processes",
        "reexports",
        "spelled",
    }
    assert all(len({attack.code for attack in attacks}) == len(attacks) for attacks in by_family.values())
