"""Questions to a person who is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.scopes import is_own_name

_STREAM = frozenset({"sys.stdin.read", "sys.stdin.readline", "sys.stdin.readlines"})


def _find(scan: Scan) -> Iterator[Hit]:
    for name in ("input", "raw_input"):
        for node in scan.names.get(name, ()):
            if node.ctx.__class__ is ast.Load and not is_own_name(scan, node):
                yield Hit(node, f"'{name}' waits for a person to type")
    for attr in ("read", "readline", "readlines"):
        for attribute in scan.attributes.get(attr, ()):
            if scan.paths(attribute) & _STREAM:
                yield Hit(attribute, "the keyboard is read")


RULE = Rule(
    id="asks-input",
    summary="The code waits for a person to type.",
    reason="Nobody is asked while generated code runs: it would wait until its time is over.",
    fix="Put the value into a variable at the top of the program.",
    find=_find,
)
