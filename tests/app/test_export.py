"""A plain notebook with the locked code in place of the prompts."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from jupyter_autocoder.app import main
from jupyter_autocoder.app.export import export
from jupyter_autocoder.errors import LockError, NotInLock
from jupyter_autocoder.lock import Entry, Lock
from jupyter_autocoder.policy import Policy


def notebook(*sources: str) -> NotebookNode:
    node: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    return node


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lock:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    lock = Lock(tmp_path / "autocode.lock")
    lock.put("a", Entry(prompt="Make r.", checks="assert r\n", code="r = 1\nr\n", notebook="n.ipynb"))
    return lock


def test_a_prompt_becomes_its_code_and_its_checks_a_cell_of_their_own(lock: Lock) -> None:
    node = notebook("%load_ext jupyter_autocoder", "%%autocode --attempts 2\nMake r.\n---\nassert r", "print(r)")

    count = export(node, lock, "n.ipynb", policy=Policy())

    assert count == 1
    assert [cell.source for cell in node.cells] == ["# Make r.\nr = 1\nr", "# checks\nassert r", "print(r)"]


def test_our_own_lines_go_and_the_persons_stay() -> None:
    node = notebook("import math\n%load_ext jupyter_autocoder\n%matplotlib inline\n%autocode history", "%usage")

    export(node, Lock(Path("/nowhere/autocode.lock")), "n.ipynb", policy=Policy())

    assert [cell.source for cell in node.cells] == ["import math\n\n%matplotlib inline"]


def test_of_two_answers_the_one_after_the_same_cells_is_taken(lock: Lock) -> None:
    lock.put("b", Entry(prompt="Again.", code="x = 2\n", previous="a", notebook="n.ipynb"))
    lock.put("c", Entry(prompt="Again.", code="x = 3\n", previous="elsewhere", notebook="n.ipynb"))
    node = notebook("%%autocode\nMake r.\n---\nassert r", "%%autocode\nAgain.")

    export(node, lock, "n.ipynb", policy=Policy())

    assert node.cells[-1].source == "# Again.\nx = 2"


def test_a_prompt_without_an_answer_is_named_and_nothing_is_written(lock: Lock, tmp_path: Path) -> None:
    node = notebook("%%autocode\nMake r.\n---\nassert r", "%%autocode\nSomething else.")
    nbformat.write(node, tmp_path / "n.ipynb")

    with pytest.raises(NotInLock, match="cell 2"):
        export(node, lock, "n.ipynb", policy=Policy())
    code = main(["export", str(tmp_path / "n.ipynb"), "-o", str(tmp_path / "out.ipynb")])

    assert code == 7
    assert not (tmp_path / "out.ipynb").exists()


def test_a_draft_is_never_locked_and_stays_as_a_comment(lock: Lock) -> None:
    lock.put("b", Entry(prompt="Again.", code="x = 2\n", previous="a", notebook="n.ipynb"))
    lock.put("c", Entry(prompt="Again.", code="x = 3\n", previous="", notebook="n.ipynb"))
    node = notebook(
        "%%autocode\nMake r.\n---\nassert r", "%%autocode --dry-run\nTry\nthis.\n---\nassert 1", "%%autocode\nAgain."
    )

    count = export(node, lock, "n.ipynb", policy=Policy())

    assert count == 2
    assert node.cells[2].source == "# Try\n# this.\n# (only a draft: nothing was run)"
    assert node.cells[3].source == "# Again.\nx = 2"


def test_locked_checks_that_are_no_python_are_one_clear_error(lock: Lock) -> None:
    lock.put("b", Entry(prompt="Indented.", checks="  assert x", code="x = 2\n"))

    with pytest.raises(LockError, match=r'no Python, of "Indented\."'):
        export(notebook("%%autocode\nIndented.\n---\nassert x"), lock, "n.ipynb", policy=Policy())


def test_locked_code_that_the_policy_refuses_does_not_slip_into_a_plain_notebook(lock: Lock, tmp_path: Path) -> None:
    lock.put("e", Entry(prompt="Evil.", code="import subprocess\n", notebook="n.ipynb"))
    nbformat.write(notebook("%%autocode\nEvil."), tmp_path / "n.ipynb")

    code = main(["export", str(tmp_path / "n.ipynb"), "-o", str(tmp_path / "out.ipynb")])

    assert code == 4
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize("kind", ["same", "symlink", "hardlink", "lock"])
def test_neither_the_prompts_nor_the_lock_are_overwritten(
    lock: Lock, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "n.ipynb", tmp_path / "out.ipynb"
    nbformat.write(notebook("%%autocode\nMake r.\n---\nassert r"), source)
    if kind == "symlink":
        output.symlink_to(source)
    elif kind == "hardlink":
        output.hardlink_to(source)
    else:
        output = source if kind == "same" else lock.path
    before = (source.read_bytes(), lock.path.read_bytes())

    code = main(["export", str(source), "-o", str(output)])

    assert code == 2
    assert "choose another path for -o; nothing was written" in capsys.readouterr().err
    assert (source.read_bytes(), lock.path.read_bytes()) == before
    assert output.is_symlink() is (kind == "symlink")


def test_a_pipe_is_not_replaced_by_the_plain_notebook(lock: Lock, tmp_path: Path) -> None:
    nbformat.write(notebook("1"), tmp_path / "n.ipynb")
    os.mkfifo(tmp_path / "pipe")

    assert main(["export", str(tmp_path / "n.ipynb"), "-o", str(tmp_path / "pipe")]) == 2
    assert (tmp_path / "pipe").is_fifo()
