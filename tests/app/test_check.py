"""`jupyter autocoder check` over files, notebooks and locks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

from jupyter_autocoder.app import main
from jupyter_autocoder.lock import Entry, Lock

BAD = "import subprocess\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def test_good_files_are_green_and_bad_ones_red_with_line_rule_and_advice(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "good.py").write_text("import math\n", encoding="utf-8-sig")
    (folder / "bad.py").write_text("\n" + BAD)

    assert main(["check", "good.py"]) == 0
    capsys.readouterr()
    assert main(["check", "good.py", "bad.py"]) == 4
    assert "bad.py:2:" in capsys.readouterr().out


def test_of_a_notebook_only_what_a_model_wrote_is_checked(folder: Path) -> None:
    write(folder / "n.ipynb", BAD, "%%autocode\nMake r.")
    green = main(["check", "n.ipynb"])
    Lock(folder / "autocode.lock").put("k", Entry(prompt="Make r.", code=BAD))

    assert green == 0
    assert main(["check", "n.ipynb"]) == 4
    assert main(["check", "autocode.lock"]) == 4


def test_all_cells_checks_what_people_wrote_too_with_its_line_numbers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "n.ipynb", "x = 1", "%matplotlib inline\n!ls\n" + BAD, "%%bash\nls")

    assert main(["check", "n.ipynb"]) == 0
    capsys.readouterr()
    assert main(["check", "n.ipynb", "--all-cells"]) == 4
    assert "n.ipynb cell 2:3:" in capsys.readouterr().out


def test_what_a_cell_shows_it_ran_is_checked_even_without_a_lock(folder: Path) -> None:
    shown = nbformat.v4.new_output("display_data", data={}, metadata={"jupyter_autocoder": {"source": BAD}})
    cell = nbformat.v4.new_code_cell("%%autocode\nMake r.", outputs=[shown])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "n.ipynb")

    assert main(["check", "n.ipynb"]) == 4


def test_checks_are_checked_too(folder: Path) -> None:
    write(folder / "n.ipynb", "%%autocode\nMake r.\n---\nimport subprocess")

    assert main(["check", "n.ipynb"]) == 4


def test_a_folder_is_searched_and_hidden_parts_are_not(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "hook.py").write_text(BAD)
    (folder / "deep").mkdir()
    (folder / "deep" / "good.py").write_text("x = 1\n")
    green = main(["check", "."])
    (folder / "deep" / "bad.py").write_text(BAD)

    assert green == 0
    assert main(["check", "."]) == 4


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machines_get_json(folder: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    (folder / "bad.py").write_text(BAD)

    main(["check", "bad.py", "--format", form])
    told = json.loads(capsys.readouterr().out)

    assert "bad.py" in json.dumps(told)
    if form == "sarif":
        assert told["version"] == "2.1.0"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x = '\xe9'\n", b"x" * 3_000_000, b"\x00", b"(" * 100_000])
def test_what_cannot_be_read_as_python_is_refused_and_nothing_breaks(folder: Path, content: bytes) -> None:
    (folder / "odd.py").write_bytes(content)

    assert main(["check", "odd.py"]) == 4


def test_a_missing_path_is_one_clear_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "none.py"]) == 2
    assert "there is no file or folder none.py" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_files_that_cannot_be_read_are_told_and_the_others_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    (folder / "a.ipynb").write_text("{")
    (folder / "deep").mkdir()
    (folder / "deep" / "autocode.lock").write_text("<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n")
    (folder / "good.py").write_text("x = 1\n")
    only_unreadable = main(["check", ".", "--format", form])
    told = capsys.readouterr().out
    (folder / "z.py").write_text(BAD)
    with_findings = main(["check", ".", "--format", form])

    assert (only_unreadable, with_findings) == (2, 4)
    assert "a.ipynb is not a notebook that can be read: " in told
    assert "autocode.lock" in told
    assert "unreadable" in told
    assert "z.py" in capsys.readouterr().out


def test_checks_of_a_lock_that_are_no_python_are_refused_and_nothing_breaks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Lock(folder / "autocode.lock").put("k", Entry(prompt="Make r.", checks="assert r ==", code="r = 1"))

    assert main(["check", "autocode.lock"]) == 4
    assert "autocode.lock cell 1:1:" in capsys.readouterr().out


@pytest.mark.parametrize("metadata", ["text", ["list"], {"source": 7}])
def test_a_strangers_output_metadata_breaks_nothing(folder: Path, metadata: object) -> None:
    shown = nbformat.v4.new_output("display_data", data={}, metadata={"jupyter_autocoder": metadata})
    cell = nbformat.v4.new_code_cell("%%autocode\nMake r.", outputs=[shown])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "n.ipynb")

    assert main(["check", "n.ipynb"]) == 0


LOCKED = {
    "format": "jupyter-autocoder lock",
    "version": 1,
    "entries": {"k": {"prompt": ["Make r."], "code": ["import subprocess"]}},
}


@pytest.mark.parametrize("name", ["ci.lock", "locked.json", "locked.py", "plain"])
def test_a_lock_is_checked_as_one_whatever_its_name(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text(json.dumps(LOCKED))

    assert main(["check", name]) == 4
    assert f"{name} cell 1:1:" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["ci.lock", "locked.json", "locked.py"])
def test_a_lock_of_another_name_is_found_in_a_folder_and_other_programs_files_are_let_be(
    folder: Path, name: str
) -> None:
    (folder / "poetry.lock").write_text("[[package]]\n")
    (folder / "package.json").write_text("{}")
    (folder / "data.csv").write_text("a,b\n")
    without = main(["check", "."])
    (folder / name).write_text(json.dumps(LOCKED))

    assert without == 0
    assert main(["check", "."]) == 4


def test_the_lock_that_the_environment_names_is_one_even_when_it_is_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "answers").write_text("{")
    monkeypatch.setenv("AUTOCODER_LOCK", "answers")

    codes = [main(["check", path]) for path in ("answers", ".")]

    assert codes == [2, 2]
    assert capsys.readouterr().out.count("answers is not valid JSON: ") == 2


@pytest.mark.parametrize("content", ["a,b\n1,2\n", '{"format": "other"}', "x = 1\n"])
def test_a_file_of_another_kind_is_refused_and_not_called_allowed(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data.csv").write_text(content)

    code = main(["check", "data.csv"])
    told = capsys.readouterr()

    assert (code, told.out) == (2, "")
    assert "data.csv is neither a Python file nor a notebook nor a lock" in told.err


@pytest.mark.parametrize("name", ["tool", "tool.cgi", "stub.pyi", "window.pyw"])
def test_scripts_are_python_by_their_first_line_or_their_name(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/usr/bin/env python3\n" + BAD if "py" not in name else BAD)

    assert main(["check", name]) == 4


def test_another_programs_lock_is_no_lock_of_ours(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "uv.lock").write_text("version = 1\n")

    assert main(["check", "uv.lock"]) == 2
    assert "uv.lock is not valid JSON: " in capsys.readouterr().out


def test_a_pipe_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe.py")

    assert main(["check", "pipe.py"]) == 2
    assert "pipe.py is neither a regular file nor a folder" in capsys.readouterr().err
