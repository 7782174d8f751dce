"""What cannot be checked is refused: these rules have no search, the reader and the checker give their findings."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.rules.base import Hit, Rule, nowhere
from jupyter_autocoder.policy.scan import Scan

SYNTAX = Rule(
    id="syntax",
    summary="The code is not valid Python.",
    reason="Only what parses can be checked, and only what was checked may run.",
    fix="Correct the syntax; answer with plain Python code only.",
    find=nowhere,
    switchable=False,
)
MAGIC = Rule(
    id="magic",
    summary="Notebook commands (%, ! and ?) are used.",
    reason="They are no Python: the kernel rewrites them into calls, shell commands among them, after the check.",
    fix="Write plain Python: import what you need, and do without installing packages or shell commands.",
    find=nowhere,
    switchable=False,
)
TOO_LARGE = Rule(
    id="too-large",
    summary="The code is too long or nested too deeply to be checked.",
    reason="The check answers in bounded time and memory, whatever it is given.",
    fix="Split the code, and read large data from a file instead of writing it into the program.",
    find=nowhere,
    switchable=False,
)
ENCODING = Rule(
    id="encoding",
    summary="The text is broken or declares a foreign encoding.",
    reason="What was checked must be, character by character, what runs.",
    fix="Write the code in plain UTF-8 without an encoding line.",
    find=nowhere,
    switchable=False,
)
HIDDEN = Rule(
    id="hidden-characters",
    summary="Characters hide or reorder what a person sees.",
    reason="Direction overrides and control characters make code look different from what it does.",
    fix=r"Remove the character, or write it as an escape such as '\u202e' or '\x1b'.",
    find=nowhere,
    switchable=False,
)
FAILED = Rule(
    id="checker-failed",
    summary="The checker itself failed on this code.",
    reason="A fault of the checker must never let code through.",
    fix="Write the code in a simpler way.",
    find=nowhere,
    switchable=False,
)


def _unknown(scan: Scan) -> Iterator[Hit]:
    for node in scan.unknown:
        yield Hit(node, f"the syntax {type(node).__name__!r} is not among what may be used")


UNKNOWN = Rule(
    id="unknown-syntax",
    summary="Syntax that this version of the checker does not know.",
    reason="New syntax may do what no rule looks for, so it is refused until it was judged.",
    fix="Use older syntax for the same thing.",
    find=_unknown,
    switchable=False,
)

RULES = (SYNTAX, MAGIC, TOO_LARGE, ENCODING, HIDDEN, FAILED, UNKNOWN)
