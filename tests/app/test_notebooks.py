"""Notebooks as files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from jupyter_autocoder.app import main
from jupyter_autocoder.app.notebooks import clear, expect_writable, prompt_of, provenance_of, read, write
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
    with pytest.raises(UsageError, match="there is no notebook"):
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


TOLD = {"origin": "lock", "tokens": {"input": 1, "output": 2}, "checks": {"passed": 1, "count": 1}, "attempts": 1}


def cell_with(metadata: object) -> NotebookNode:
    output = {"output_type": "display_data", "data": {}, "metadata": {"jupyter_autocoder": metadata}}
    cell: NotebookNode = nbformat.from_dict({"cell_type": "code", "source": "", "metadata": {}, "outputs": [output]})
    return cell


@pytest.mark.parametrize("metadata", ["text", ["list"], 7, None, True])
def test_provenance_that_is_no_object_tells_nothing(metadata: object) -> None:
    assert provenance_of(cell_with(metadata)) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": ["lock"]},
        {"model": 3},
        {"cost_micro_usd": "1"},
        {"cost_micro_usd": -1},
        {"cost_micro_usd": 10**400},
        {"attempts": "many"},
        {"tokens": 3},
        {"tokens": {"input": "1", "output": 2}},
        {"checks": {"passed": 1}},
        {"ticket": {}},
    ],
)
def test_of_provenance_only_what_has_our_form_is_told(wrong: dict[str, Any]) -> None:
    told = provenance_of(cell_with({**TOLD, **wrong}))

    assert told == {key: value for key, value in TOLD.items() if key not in wrong}


@pytest.mark.parametrize(
    "cell",
    [
        7,
        {"cell_type": "code", "source": 7, "metadata": {}, "outputs": []},
        {"cell_type": 7, "source": "", "metadata": {}},
        {"cell_type": "code", "source": "", "metadata": "x", "outputs": []},
        {"cell_type": "code", "source": "", "metadata": {"tags": 5}, "outputs": []},
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": 7},
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": ["x"]},
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": [{"output_type": "stream", "name": "stdout"}]},
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": [{"output_type": "display_data", "data": 3}]},
        {"cell_type": "code", "source": "", "metadata": {}, "outputs": [{"output_type": "error", "traceback": [1]}]},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_cell_of_another_form_is_one_clear_error(tmp_path: Path, cell: object) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))

    with pytest.raises(UsageError, match="not a notebook that can be read"):
        read(path)


def test_clearing_leaves_nothing_of_earlier_runs() -> None:
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="x")], execution_count=4)
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text"), cell])

    clear(node)

    assert (cell.outputs, cell.execution_count) == ([], None)


def test_text_that_cannot_be_encoded_is_not_half_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="could not be written"):
        write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("'\ud800'")]), tmp_path / "n.ipynb")

    assert list(tmp_path.iterdir()) == []


def test_a_notebook_of_an_older_format_is_read(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "input": "1 + 1", "language": "python", "outputs": []}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    (tmp_path / "n.ipynb").write_text(json.dumps(old))

    assert [one.source for one in read(tmp_path / "n.ipynb").cells] == ["1 + 1"]


@pytest.mark.parametrize("name", ["folder", "file/below", "/dev/full/n", "/proc/n"])
def test_a_place_that_cannot_be_written_is_known_beforehand(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")

    with pytest.raises(UsageError, match="cannot be written"):
        expect_writable(tmp_path / name)


def test_looking_whether_a_place_can_be_written_leaves_nothing_there(tmp_path: Path) -> None:
    expect_writable(tmp_path / "deep" / "n.ipynb")

    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
@pytest.mark.parametrize("command", ["run", "provenance", "export"])
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "n.ipynb"
    make(path)

    code = main([command, str(path), *(["-o", str(tmp_path / "out.ipynb")] if command == "export" else [])])

    assert code == 2
    assert f"{path} cannot be read" in capsys.readouterr().err
