"""Formats that run code when they are loaded."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_autocoder.policy.judging import offences
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan


def _find(scan: Scan) -> Iterator[Hit]:
    for offence in scan.once(offences).get("unpickling", ()):
        yield Hit(offence.node, f"{offence.path!r} runs code hidden in data")


RULE = Rule(
    id="unpickling",
    summary="A format is used that runs code when it is loaded.",
    reason="Loading pickled data executes whatever its author put into it.",
    fix="Use CSV, JSON, Parquet or .npy: DataFrame.to_parquet, json.dump, numpy.save with allow_pickle=False.",
    find=_find,
)
