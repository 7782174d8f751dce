"""Addresses on the network that are given to functions which would fetch them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

_ADDRESS = re.compile(r"(?:https?|ftps?|s3|gs|gcs|abfs|ssh|sftp|hdfs|wss?|tcp|mysql|postgresql)(?:\+\w+)?://\S+")
_FETCHING = re.compile(
    r"read_\w+|scan_\w+|imread|genfromtxt|loadtxt|urlopen|urlretrieve|get_handle|DataSource|open|get|post|put|Image"
)


def _find(scan: Scan) -> Iterator[Hit]:
    folder = scan.once(Folder)
    for call in scan.nodes(ast.Call):
        match call.func:
            case ast.Attribute(attr=name) | ast.Name(id=name) if _FETCHING.fullmatch(name):
                for argument in [*call.args[:2], *(keyword.value for keyword in call.keywords)]:
                    text = folder.text(argument)
                    if text is not None and _ADDRESS.match(text):
                        yield Hit(argument, f"'{name}' would fetch {text[:80]!r}")


RULE = Rule(
    id="network-address",
    summary="Something on the network is fetched.",
    reason="The code runs where there is no network, so it would only fail later and less clearly.",
    fix="Read a file that was given; if none was, say in a comment which one is needed.",
    find=_find,
)
