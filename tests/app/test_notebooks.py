"""Notebooks as files."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from jupyter_autocoder.app.notebooks import prompt_of, provenance_of, read, write
from jupyter_autocoder.errors import UsageError


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"nbformat": 99, "cells": []}', '{"nbformat": 4, "cells": "x"}', "\x00"]
)
def test_what_is_no_notebook_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(content)

    with pytest.raises(UsageError, match="not a notebook") as caught:
        read(path)

    assert "\n" not in caught.value.what


def test_an_absent_notebook_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no notebook"):
        read(tmp_path / "none.ipynb")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])

    write(node, tmp_path / "deep" / "n.ipynb")

    assert read(tmp_path / "deep" / "n.ipynb").cells[0].source == "1 + 1"


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path) -> None:
    target = tmp_path / "folder.ipynb"
    target.mkdir()

    with pytest.raises(UsageError, match="could not be written"):
        write(nbformat.v4.new_notebook(), target)

    assert [path.name for path in tmp_path.iterdir()] == ["folder.ipynb"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%%autocode\nDo it.", ("", "Do it.")),
        ("\n%%autocode --out r \nDo it.\nNow.", ("--out r ", "Do it.\nNow.")),
        ("%%autocode", ("", "")),
        ("%%autocoder\nDo it.", None),
        ("print(1)\n%%autocode\nDo it.", None),
    ],
)
def test_prompts_are_found(source: str, expected: tuple[str, str] | None) -> None:
    assert prompt_of(nbformat.v4.new_code_cell(source)) == expected


def test_provenance_is_the_last_status() -> None:
    outputs = [
        nbformat.v4.new_output("stream", text="x"),
        nbformat.v4.new_output("display_data", data={}, metadata={"jupyter_autocoder": {"model": "m"}}),
    ]

    assert provenance_of(nbformat.v4.new_code_cell(outputs=outputs)) == {"model": "m"}
