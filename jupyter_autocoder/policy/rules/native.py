"""Memory and machine code behind Python's back."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# On any object: addresses of memory and libraries of machine code.
_ATTRIBUTES = words("as_strided ctypes data_as ctypeslib enable_load_extension load_extension load_library")


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("native-code", ()):
        yield Hit(offence.node, f"{offence.path!r} reaches memory or machine code")
    for name in _ATTRIBUTES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' reaches memory or machine code")


RULE = Rule(
    id="native-code",
    summary="Memory or machine code is reached directly.",
    reason="Native calls leave everything that was checked behind.",
    fix="Use numpy, pandas or scipy as they are; numpy.lib.stride_tricks.sliding_window_view replaces as_strided.",
    find=_find,
)
