"""Verdicts for people, programs and code-scanning services: text, JSON and SARIF 2.1.0."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from jupyter_autocoder.events import Verdict
from jupyter_autocoder.policy.sarif import sarif

Format = Literal["text", "json", "sarif"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A verdict with what it is about.

    `path` is relative with forward slashes where it can be; `cell` counts a notebook's cells from 1, None for a file;
    lines of its findings count within the cell.
    """

    path: str
    verdict: Verdict
    cell: int | None = None


def render(results: Sequence[Checked], format: Format | str = "text", *, version: str = "0") -> str:
    """Return the report on `results`; `version` is ours, for SARIF. Raises ValueError on another format."""
    if format == "text":
        return _text(results)
    if format == "json":
        return json.dumps(_json(results), indent=2, ensure_ascii=True)
    if format == "sarif":
        places = [(result.path, result.cell, result.verdict.findings) for result in results]
        return json.dumps(sarif(places, version=version), indent=2, ensure_ascii=True)
    msg = f"unknown format {format!r}: choose text, json or sarif"
    raise ValueError(msg)


def _text(results: Sequence[Checked]) -> str:
    lines: list[str] = []
    for result in results:
        place = result.path if result.cell is None else f"{result.path} cell {result.cell}"
        for finding in result.verdict.findings:
            lines.append(f"{place}:{finding.line}:{finding.column + 1}: {finding.message} [{finding.rule}]")
            lines.append(f"    {finding.fix}")
    refused = sum(not result.verdict.allowed for result in results)
    pieces = f"{len(results)} piece{'' if len(results) == 1 else 's'} of code"
    lines.append(f"{pieces} checked, {refused} refused" if refused else f"{pieces} checked, all allowed")
    return "\n".join(lines)


def _json(results: Sequence[Checked]) -> Mapping[str, Any]:
    return {
        "allowed": all(result.verdict.allowed for result in results),
        "results": [
            {
                "path": result.path,
                "cell": result.cell,
                "allowed": result.verdict.allowed,
                "capabilities": list(result.verdict.capabilities),
                "findings": [asdict(finding) for finding in result.verdict.findings],
            }
            for result in results
        ],
    }
