"""Processes, signals and threads that outlive the run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# On any object: an event loop's, a figure's, a data frame's. Each starts another program to do its work.
_ATTRIBUTES = words(
    "add_signal_handler create_subprocess_exec create_subprocess_shell fork_exec popen read_clipboard "
    "run_in_executor subprocess_exec subprocess_shell spawn_main to_clipboard to_image write_image"
)
# Settings of matplotlib that hold a command.
_PROGRAMS = re.compile(r"animation\.\w+_(?:path|args)|pgf\.texsystem")


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("process", ()):
        yield Hit(offence.node, f"{offence.path!r} reaches other processes or goes on after the run")
    for constant in scan.nodes(ast.Constant):
        if isinstance(constant.value, str) and _PROGRAMS.fullmatch(constant.value):
            yield Hit(constant, f"{constant.value!r} names a program for matplotlib to run")
    for name in _ATTRIBUTES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' hands work to another process or thread")


RULE = Rule(
    id="process",
    summary="Processes or background threads are used.",
    reason="A child process would run what nobody checked, and a thread goes on when its run is over.",
    fix="Compute it in this program; for parallel waiting use concurrent.futures.ThreadPoolExecutor in a with block.",
    find=_find,
)
