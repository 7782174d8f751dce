"""Data that the tests of the policy share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "benign.jsonl"


@pytest.fixture(scope="session")
def benign() -> dict[str, str]:
    """HumanEval and MBPP solutions with their tests, by id."""
    if not SHARED.exists():
        pytest.skip(f"{SHARED.name} is not beside the repository")
    rows = (json.loads(line) for line in SHARED.read_text().splitlines())
    return {row["id"]: row["code"] for row in rows}
