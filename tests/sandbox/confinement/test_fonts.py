from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.sandbox import fonts
from jupyter_autocoder.sandbox.folder import Folder

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fonts._folder.cache_clear()
    yield
    fonts._folder.cache_clear()


def test_the_list_is_made_by_matplotlib_in_an_empty_home() -> None:
    folder = fonts.cache_folder()
    assert folder is not None

    fonts.make(folder)

    made = list(folder.glob("fontlist-v*.json"))
    assert len(made) == 1
    assert json.loads(made[0].read_text())["ttflist"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_sandbox_does_without_as_long_as_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(fonts, "_make_in_background", asked.append)
    folder = Folder(tmp_path)

    assert fonts.hand_in(folder) == ""
    assert asked == [fonts.cache_folder()]
    folder.close()


@pytest.mark.sandbox
def test_matplotlib_inside_uses_the_list_that_was_handed_in(start: Callable[..., Any]) -> None:
    folder = fonts.cache_folder()
    assert folder is not None
    fonts.make(folder)

    kernel = start()
    code = (
        "import os, matplotlib, matplotlib.pyplot as plt\n"
        "home = matplotlib.get_cachedir()\n"
        "before = {name: os.stat(os.path.join(home, name)).st_mtime_ns for name in os.listdir(home)}\n"
        "plt.plot([1, 2]); plt.title('x'); plt.savefig('picture.png'); plt.close()\n"
        "after = {name: os.stat(os.path.join(home, name)).st_mtime_ns for name in os.listdir(home)}\n"
        "print(len(before), before == after, os.path.getsize('picture.png') > 1000)"
    )

    assert kernel.run(code).text == "1 True True"
