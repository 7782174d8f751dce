"""Who and where the person is."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("environment", ()):
        yield Hit(offence.node, f"{offence.path!r} reads who and where the person is")


RULE = Rule(
    id="environment",
    summary="The environment, users or accounts are read.",
    reason="Keys and names of the person are none of the program's business, and the sandbox has none.",
    fix="Take the value as a variable at the top of the program.",
    find=_find,
)
