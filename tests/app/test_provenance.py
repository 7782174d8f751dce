"""How each answer in a notebook came to be."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from jupyter_autocoder.app import main

TOLD = {
    "origin": "model",
    "model": "gpt-4o",
    "code": "abc",
    "checks": {"passed": 2, "count": 2},
    "attempts": 2,
    "backend": "bubblewrap",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    output = nbformat.v4.new_output("display_data", data={}, metadata={"jupyter_autocoder": TOLD})
    cells = [
        nbformat.v4.new_code_cell("1 + 1"),
        nbformat.v4.new_code_cell("%%autocode\nMake r.", outputs=[output]),
        nbformat.v4.new_code_cell("%%autocode\nNever run."),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    return tmp_path / "n.ipynb"


def test_each_prompt_is_told_with_its_origin(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["provenance", str(path)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "cell 2: Make r.",
        "  by gpt-4o, code abc, 2 of 2 checks passed, 2 attempts, run in bubblewrap",
        "cell 3: Never run.",
        "  not run",
    ]


def test_machines_get_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["provenance", str(path), "--json"])

    assert [row["cell"] for row in json.loads(capsys.readouterr().out)] == [2, 3]


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({"origin": "lock"}, "  from the lock, code unknown, unchecked, not run"),
        ({"origin": "model", "checks": 3}, "  by an unknown model, code unknown, unchecked, not run"),
        ({"origin": ["lock"]}, "  not run"),
        ({"origin": "lock", "cell": [], "text": 7}, "  from the lock, code unknown, unchecked, not run"),
        ("text", "  not run"),
        (["list"], "  not run"),
        ({"error": "\ud800"}, "  \\ud800"),
    ],
)
def test_a_strangers_metadata_is_told_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metadata: object, line: str
) -> None:
    output = {"output_type": "display_data", "data": {}, "metadata": {"jupyter_autocoder": metadata}}
    cell = {"cell_type": "code", "source": "%%autocode\nMake r.", "metadata": {}, "outputs": [output]}
    told = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{**cell, "execution_count": None}]}
    (tmp_path / "n.ipynb").write_text(json.dumps(told))

    assert main(["provenance", str(tmp_path / "n.ipynb")]) == 0
    assert capsys.readouterr().out.splitlines() == ["cell 1: Make r.", line]
