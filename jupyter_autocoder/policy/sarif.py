"""Findings as SARIF 2.1.0, the format that code-scanning services read (OASIS, 2020)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from jupyter_autocoder.events import Finding
from jupyter_autocoder.policy.capabilities import CAPABILITIES
from jupyter_autocoder.policy.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
Place = tuple[str, int | None, Sequence[Finding]]


def sarif(places: Iterable[Place], *, version: str) -> dict[str, Any]:
    """Return a SARIF log of one run; a place is (path, cell or None, findings)."""
    rules = _rules()
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [_result(path, cell, finding, index) for path, cell, findings in places for finding in findings]
    driver = {
        "name": "jupyter-autocoder",
        "version": version,
        "rules": rules,
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules() -> list[dict[str, Any]]:
    rules = [
        {
            "id": rule.id,
            "name": _title(rule.id),
            "shortDescription": {"text": rule.summary},
            "fullDescription": {"text": rule.reason},
            "help": {"text": f"{rule.reason} {rule.fix}"},
            "defaultConfiguration": {"level": "error"},
        }
        for rule in RULES.values()
    ]
    rules += [
        {
            "id": name,
            "name": _title(name),
            "shortDescription": {"text": f"The code {what}, which the settings forbid."},
            "help": {"text": "Capabilities are forbidden under [policy] forbid."},
            "defaultConfiguration": {"level": "error"},
        }
        for name, what in CAPABILITIES.items()
        if name not in RULES
    ]
    return rules


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _result(path: str, cell: int | None, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(path)},
            "region": {"startLine": finding.line, "startColumn": finding.column + 1},
        }
    }
    if cell is not None:
        place["logicalLocations"] = [{"name": f"cell {cell}", "kind": "module"}]
    known = {"ruleIndex": index[finding.rule]} if finding.rule in index else {}
    return {
        "ruleId": finding.rule,
        **known,
        "level": "error",
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": [place],
        # Lines move; the same finding of the same rule in the same file is the same alert.
        "partialFingerprints": {"finding/v1": _fingerprint(path, cell, finding)},
    }


def _uri(path: str) -> str:
    if re.match(r"[A-Za-z]:[\\/]", path):
        return "file:///" + quote(path.replace("\\", "/"), safe="/:")
    return ("file://" if path.startswith("/") else "") + quote(path, safe="/")


def _fingerprint(path: str, cell: int | None, finding: Finding) -> str:
    text = "\0".join([path, str(cell), finding.rule, finding.message])
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
