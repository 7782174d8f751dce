"""Files in and out: copies, never links; never over what exists; never out of the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.sandbox.files import ScratchFile, copy_in, copy_out, listing
from jupyter_autocoder.sandbox.scratch import Scratch, Unsafe


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder as hostile code might leave it, beside a secret."""
    folder = tmp_path / "scratch"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "fine.txt").write_text("fine")
    (folder / "sub" / "deep.txt").write_text("deep")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder-link").symlink_to(tmp_path)
    (folder / ".hidden").write_text("x")
    (folder / "report\u202efdp.exe").write_text("x")
    (folder / "two\nlines").write_text("x")
    os.mkfifo(folder / "pipe")
    (folder / "setuid").write_text("x")
    (folder / "setuid").chmod(0o6777)
    return folder


def test_the_listing_shows_honest_regular_files_alone(hostile: Path) -> None:
    assert listing(Scratch(hostile)) == (
        ScratchFile(name="fine.txt", size=4),
        ScratchFile(name="setuid", size=1),
        ScratchFile(name="sub/deep.txt", size=4),
    )


@pytest.mark.parametrize(("name", "text"), [("fine.txt", "fine"), ("sub/deep.txt", "deep")])
def test_a_file_is_copied_out_under_its_name(hostile: Path, tmp_path: Path, name: str, text: str) -> None:
    target = tmp_path / "out"
    target.mkdir()

    where = copy_out(Scratch(hostile), name, target, limit=100)

    assert where == target / Path(name).name
    assert where.read_text() == text
    assert os.listdir(target) == [where.name]


def test_modes_stay_behind(hostile: Path, tmp_path: Path) -> None:
    where = copy_out(Scratch(hostile), "setuid", tmp_path / "copy", limit=100)

    assert stat.S_IMODE(where.stat().st_mode) & 0o7111 == 0


@pytest.mark.parametrize(
    "name",
    [
        "link",
        "folder-link/secret",
        "../secret",
        "sub/../../secret",
        "/etc/passwd",
        "sub",
        "pipe",
        ".hidden",
        "nothing",
        "",
        ".",
        "fine.txt/x",
        "report\u202efdp.exe",
        "two\nlines",
        "a\0b",
    ],
)
def test_everything_else_is_refused(hostile: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "out"
    target.mkdir()

    with pytest.raises(UsageError):
        copy_out(Scratch(hostile), name, target, limit=100)

    assert os.listdir(target) == []


def test_an_existing_file_stays_unless_told(hostile: Path, tmp_path: Path) -> None:
    target = tmp_path / "fine.txt"
    target.write_text("mine")

    with pytest.raises(UsageError, match="exists already"):
        copy_out(Scratch(hostile), "fine.txt", target, limit=100)
    kept = target.read_text()
    copy_out(Scratch(hostile), "fine.txt", target, limit=100, overwrite=True)

    assert kept == "mine"
    assert target.read_text() == "fine"


def test_a_dangling_link_in_the_target_is_not_written_through(hostile: Path, tmp_path: Path) -> None:
    target = tmp_path / "fine.txt"
    target.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UsageError):
        copy_out(Scratch(hostile), "fine.txt", target, limit=100)

    assert not (tmp_path / "elsewhere").exists()


def test_a_file_over_the_limit_is_refused(hostile: Path, tmp_path: Path) -> None:
    os.truncate(hostile / "fine.txt", 10**12)

    with pytest.raises(UsageError, match="too large"):
        copy_out(Scratch(hostile), "fine.txt", tmp_path / "copy", limit=10**6)

    assert not (tmp_path / "copy").exists()


def test_a_folder_that_is_swapped_for_a_link_is_not_followed(hostile: Path, tmp_path: Path) -> None:
    scratch = Scratch(hostile)
    (hostile / "sub" / "deep.txt").unlink()
    (hostile / "sub").rmdir()
    (hostile / "sub").symlink_to(tmp_path)

    with pytest.raises(Unsafe):
        scratch.open_file(["sub", "secret"])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "two\nlines", "\u202ex"])
def test_inputs_have_plain_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "source").write_text("x")

    with pytest.raises(UsageError):
        copy_in(tmp_path / "source", tmp_path, name)


def test_inputs_must_be_files(tmp_path: Path) -> None:
    for missing in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError):
            copy_in(missing, tmp_path, "x")


@pytest.mark.sandbox
def test_a_file_goes_in_read_only_and_survives_a_restart(fresh_box: Any, tmp_path: Path) -> None:
    source = tmp_path / "prices.csv"
    source.write_text("a,b\n1,2\n")

    path = fresh_box.add_file(source)
    read = fresh_box.run(f"open({path!r}).read()")
    write = fresh_box.run(f"open({path!r}, 'w')")
    fresh_box.run("import os; os._exit(1)")
    again = fresh_box.run(f"open({path!r}).read()")

    assert read.value == again.value == repr("a,b\n1,2\n")
    assert write.error.name in ("OSError", "PermissionError")
    assert source.read_text() == "a,b\n1,2\n"


@pytest.mark.sandbox
def test_files_of_the_code_come_out(fresh_box: Any, tmp_path: Path) -> None:
    fresh_box.run(
        "import os\nos.makedirs('plots')\nopen('plots/a.txt', 'w').write('hello')\nopen('b.bin', 'wb').write(b'x' * 5)"
    )

    found = fresh_box.files()
    where = fresh_box.collect("plots/a.txt", tmp_path / "renamed.txt")

    assert [(file.name, file.size) for file in found] == [("b.bin", 5), ("plots/a.txt", 5)]
    assert where == tmp_path / "renamed.txt"
    assert where.read_text() == "hello"
