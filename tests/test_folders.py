"""A folder that is ours alone, and what is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_autocoder.folders import make_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_and_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)

    made, closed = make_private(tmp_path / "a" / "b"), make_private(tmp_path / "open")

    assert [mode(made), mode(closed)] == [0o700, 0o700]


def test_a_link_is_ours_where_not_everybody_writes(tmp_path: Path) -> None:
    (tmp_path / "big-disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "big-disk")
    tmp_path.chmod(0o775)

    assert make_private(tmp_path / "link") == tmp_path / "link"


@pytest.mark.parametrize("parent", [0o1777, 0o777])
def test_a_link_that_others_may_have_made_is_refused_and_what_it_leads_to_stays(tmp_path: Path, parent: int) -> None:
    target = tmp_path / "etc"
    target.mkdir()
    target.chmod(0o755)
    shared = tmp_path / "tmp"
    shared.mkdir()
    (shared / "link").symlink_to(target)
    shared.chmod(parent)

    with pytest.raises(NotADirectoryError):
        make_private(shared / "link")

    assert mode(target) == 0o755


@pytest.mark.parametrize("kind", ["file", "foreign"])
def test_what_is_no_folder_of_ours_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "there"
    if kind == "file":
        place.write_text("")
    else:
        place.mkdir()
        me = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: me + 1)

    with pytest.raises(OSError, match="exists" if kind == "file" else "belongs to somebody else"):
        make_private(place)
