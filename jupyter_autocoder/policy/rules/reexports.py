"""Modules that are reached through others that happen to import them."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.dangers import UNMISTAKABLE
from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    judged = set()
    for offence in scan.once(offences).get("re-export", ()):
        judged.add(id(offence.node))
        yield Hit(offence.node, f"{offence.path!r} is a module reached through another one")
    for name in UNMISTAKABLE & scan.attributes.keys():
        for node in scan.attributes[name]:
            if id(node) not in judged and not scan.paths(node):
                yield Hit(node, f"'.{name}' names a module that may not be reached this way")


RULE = Rule(
    id="re-export",
    summary="A module is reached through another one.",
    reason="Libraries import os, sys and others for themselves; through them the list of imports would mean nothing.",
    fix="Import what you need by its own name.",
    find=_find,
)
