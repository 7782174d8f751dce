"""Network and services."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("network", ()):
        yield Hit(offence.node, f"{offence.path!r} needs the network")


RULE = Rule(
    id="network",
    summary="The network or a service on it is used.",
    reason="The code runs where there is no network, so it would only fail later and less clearly.",
    fix="Work on the inputs and files that were given; if data is missing, say which in a comment and stop.",
    find=_find,
)
