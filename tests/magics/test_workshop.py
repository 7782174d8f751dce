"""What a kernel prepares for its notebook while its person is still typing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_autocoder.lock import Entry, Lock
from jupyter_autocoder.magics import shell

PREPARE = """
import os, sys
from jupyter_autocoder.magics.workshop import Workshop
from jupyter_autocoder.sandbox import Pool
os.chdir(sys.argv[1])
Workshop(Pool()).await_frames()
print("pandas" in sys.modules)
"""
PANDAS = "import pandas as pd\nframe = pd.DataFrame({'n': [1]})\n"


@pytest.mark.parametrize(
    ("entry", "imported"),
    [
        (Entry(prompt="Make `frame`.", code=PANDAS), True),
        (Entry(prompt="Make it.", code=PANDAS, outputs=("frame",)), True),
        (Entry(prompt="Count.", code=PANDAS + "len(frame)\n"), False),
        (Entry(prompt="Show `raw`.", code=PANDAS, inputs={"raw": "DataFrame"}), False),  # whoever made it has pandas
        (Entry(prompt="Make `numbers`.", code="numbers = [1]\n", outputs=("numbers",)), False),
    ],
    ids=["mentioned", "demanded", "not brought back", "brought in alone", "no frame"],
)
def test_pandas_is_imported_ahead_where_locked_code_brings_frames_back(
    tmp_path: Path, python: Callable[..., str], entry: Entry, imported: bool
) -> None:
    Lock(tmp_path / "autocode.lock").put("key", entry)

    said = python(PREPARE, str(tmp_path))

    assert said.strip() == str(imported)


def test_a_notebook_without_a_lock_or_with_a_broken_one_prepares_nothing(
    tmp_path: Path, python: Callable[..., str]
) -> None:
    without = python(PREPARE, str(tmp_path))
    (tmp_path / "autocode.lock").write_text("{broken")
    broken = python(PREPARE, str(tmp_path))

    assert (without.strip(), broken.strip()) == ("False", "False")


def test_what_a_line_magic_shows_commands_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(shell, "display", lambda bundle, raw: shown.append(bundle))

    shell._print("r = 1  # \x1b]52;c;ZXZpbA==\x07\x1b[2Jfine\n")

    assert shown == [{"text/plain": "r = 1  # fine\n"}]
