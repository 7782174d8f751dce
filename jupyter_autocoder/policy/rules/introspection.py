"""Modules that look into the running program."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# On any object: the notebook's own kernel, a task's frames, the hooks of warnings and streams.
_ATTRIBUTES = words(
    "audit comm_manager displayhook excepthook formatwarning get_stack getframeinfo kernel_app meta_path "
    "parent_header path_hooks pub_thread set_parent settrace setprofile showwarning user_global_ns user_ns"
)


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("introspection", ()):
        yield Hit(offence.node, f"{offence.path!r} looks into or changes the running interpreter")
    for name in _ATTRIBUTES & scan.attributes.keys():
        for node in scan.attributes[name]:
            yield Hit(node, f"'.{name}' looks into or changes the running interpreter")


RULE = Rule(
    id="introspection",
    summary="The interpreter's own machinery is used.",
    reason="Frames, modules and hooks lead from harmless objects to everything the process can do.",
    fix="Pass what is needed as arguments, and use only the public names of the modules you import.",
    find=_find,
)
