"""Which variables and files a sentence means."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.magics.inference import Meaning, understand, wished


def mean(text: str, checks: str = "", namespace: dict[str, Any] | None = None, **given: Any) -> Meaning:
    options = {"inputs": None, "outputs": None, "files": [], "folder": Path("/nowhere"), **given}
    return understand(text, checks, namespace or {}, **options)


def test_quoted_variables_are_inputs_in_the_order_they_are_named() -> None:
    meaning = mean("Join `b` and `a`, not c or `d`.", namespace={"a": 1, "b": 2, "c": 3})

    assert meaning.inputs == ("b", "a")


def test_names_in_the_checks_are_outputs_when_new_and_inputs_when_known() -> None:
    meaning = mean("Sum it.", "assert total == len(known) + f(1)\n", {"known": [1]})

    assert meaning.outputs == ("f", "total")
    assert meaning.inputs == ("known",)


def test_names_in_doctest_lines_are_outputs_too() -> None:
    meaning = mean("Write it.", ">>> double(n)\n4\n", {"n": 2})

    assert (meaning.inputs, meaning.outputs) == (("n",), ("double",))


def test_modules_are_neither() -> None:
    meaning = mean("Use `math`.", "assert math.pi > x\n", {"math": math})

    assert (meaning.inputs, meaning.outputs) == ((), ("x",))


def test_a_cell_means_the_same_at_its_second_run() -> None:
    first = mean("Make it.", "assert r == 1\n", {})
    second = mean("Make it.", "assert r == 1\n", {"r": 1}, landed=["r"])

    assert first == second


def test_options_override_what_the_sentence_says() -> None:
    meaning = mean("Join `a`.", "assert r\n", {"a": 1, "b": 2}, inputs=["b"], outputs=["s"])

    assert (meaning.inputs, meaning.outputs) == (("b",), ("s",))


def test_an_unknown_input_is_one_clear_error() -> None:
    with pytest.raises(UsageError, match="no variable nothing"):
        mean("Do.", inputs=["nothing"])


def test_a_result_that_would_hide_a_builtin_is_refused() -> None:
    with pytest.raises(UsageError, match="hide Python's own list"):
        mean("Do.", outputs=["list"])


def test_names_of_ipythons_own_are_never_results() -> None:
    with pytest.raises(UsageError, match="hide IPython's own In"):
        mean("Do.", outputs=["In"], reserved={"In"})
    meaning = mean("Do `Out`.", "assert In and r\n", reserved={"In", "Out"})

    assert meaning.outputs == ("r",)
    assert wished("Do `Out` and `s`.", meaning, {}, (), {"In", "Out"}) == ("s",)


def test_quoted_files_of_the_folder_are_lent(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "more.csv").write_text("x")

    meaning = mean("Load `prices.csv` and `deep/more.csv` and `none.csv`.", folder=tmp_path)

    assert set(meaning.files) == {"prices.csv", "deep/more.csv"}


@pytest.mark.parametrize("name", ["../secret", ".ssh/id_rsa", "/etc/passwd", "a/../../secret", ".env"])
def test_a_quoted_file_outside_the_folder_or_hidden_is_not_lent(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "work"
    (folder / ".ssh").mkdir(parents=True)
    (folder / "a").mkdir()
    for path in (tmp_path / "secret", folder / ".ssh" / "id_rsa", folder / ".env"):
        path.write_text("secret")

    assert mean(f"Show `{name}`.", folder=folder).files == {}


def test_a_link_that_leads_out_of_the_folder_is_not_lent(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "innocent.csv").symlink_to(tmp_path / "secret")

    assert mean("Show `innocent.csv`.", folder=folder).files == {}


def test_a_named_file_may_stand_anywhere_and_has_a_plain_name_inside(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x")
    work = tmp_path / "work"
    work.mkdir()

    meaning = mean("Load it.", files=["../data.csv"], folder=work)

    assert {name: path.resolve() for name, path in meaning.files.items()} == {"data.csv": tmp_path / "data.csv"}
    with pytest.raises(UsageError, match=r"no file none\.csv"):
        mean("Load it.", files=["none.csv"], folder=work)


def test_quoted_names_that_are_nothing_yet_are_wished_for() -> None:
    meaning = mean("Put `total` of `a` into `r` as `list`, see `two words`.", "assert r\n", {"a": 1})

    assert wished("Put `total` of `a` into `r` as `list`, see `two words`.", meaning, {"a": 1}, ()) == ("total",)


def test_a_file_that_is_not_there_or_may_not_be_read_is_told_before_anybody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"there is no file gone\.csv"):
        mean("Read it.", files=["gone.csv"], folder=tmp_path)

    (tmp_path / "closed.csv").write_text("a")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"closed\.csv may not be read"):
        mean("Read it.", files=["closed.csv"], folder=tmp_path)
