"""Removing what a value left behind, in a folder whose every entry is hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_autocoder.sandbox.scratch import Scratch, Unsafe


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder with a file, outside of the scratch folder."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "kept").write_text("mine")
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_the_folder_goes_with_its_files(scratch: Path) -> None:
    (scratch / "out").mkdir()
    (scratch / "out" / "0").write_text("part")
    (scratch / "theirs").write_text("the code's own")

    Scratch(scratch).discard("out")

    assert os.listdir(scratch) == ["theirs"]


def test_a_link_in_its_place_leads_nowhere(scratch: Path, victim: Path) -> None:
    (scratch / "out").symlink_to(victim)

    Scratch(scratch).discard("out")

    assert (victim / "kept").read_text() == "mine"


def test_links_inside_go_and_what_they_point_to_stays(scratch: Path, victim: Path) -> None:
    (scratch / "out").mkdir()
    (scratch / "out" / "0").symlink_to(victim / "kept")
    (scratch / "out" / "1").symlink_to(victim)

    Scratch(scratch).discard("out")

    assert os.listdir(scratch) == []
    assert (victim / "kept").read_text() == "mine"


def test_what_is_hidden_deeper_stays_and_raises_nothing(scratch: Path) -> None:
    (scratch / "out" / "deep").mkdir(parents=True)
    os.mkfifo(scratch / "out" / "pipe")

    Scratch(scratch).discard("out")

    assert os.listdir(scratch / "out") == ["deep"]


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../victim"])
def test_a_name_that_leads_elsewhere_is_refused(scratch: Path, victim: Path, name: str) -> None:
    with pytest.raises(Unsafe):
        Scratch(scratch).discard(name)

    assert (victim / "kept").read_text() == "mine"
