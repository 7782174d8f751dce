"""The options of the magics."""

from __future__ import annotations

import pytest

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.magics.options import Help, cell_parser, line_parser, parse


def test_every_option_of_the_contract_is_understood() -> None:
    line = (
        "--in a,b --in c --out r,s --files x.csv 'two words.csv' --save p.png --model m --attempts 2 --fresh "
        "--refresh --dry-run --insert --show-data"
    )

    given = parse(cell_parser(), line)

    assert given.inputs == ["a", "b", "c"]
    assert given.outputs == ["r", "s"]
    assert given.files == ["x.csv", "two words.csv"]
    assert (given.model, given.attempts, given.fresh, given.refresh, given.dry_run) == ("m", 2, True, True, True)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--unknown", "--unknown"),
        ("--attempts many", "not a number"),
        ("--attempts 0", "not a number"),
        ("--in 1a", "not a variable"),
        ("--out class", "not a variable"),
        ("--out _x", "not a variable"),
        ("--locked --refresh", "not allowed with"),
        ("--insert --adopt", "not allowed with"),
        ("'unclosed", "closing quotation"),
        ("some words", "unrecognized"),
        ("--model", "expected one argument"),
    ],
)
def test_a_mistake_is_one_clear_error(line: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse(cell_parser(), line)


@pytest.mark.parametrize("line", ["-h", "--help"])
def test_help_lists_every_option(line: str) -> None:
    with pytest.raises(Help) as caught:
        parse(cell_parser(), line)

    for option in ("--in", "--out", "--files", "--save", "--model", "--attempts", "--fresh", "--locked", "--dry-run"):
        assert option in str(caught.value)


@pytest.mark.parametrize("line", ["-h", "code -h", "adopt -h"])
def test_the_line_magic_and_its_commands_have_help(line: str) -> None:
    with pytest.raises(Help):
        parse(line_parser(), line)


@pytest.mark.parametrize("line", ["", "nothing", "code x", "adopt"])
def test_a_mistake_in_the_line_magic_is_one_clear_error(line: str) -> None:
    with pytest.raises(UsageError):
        parse(line_parser(), line)


@pytest.mark.parametrize("line", ["context", "context   "])
def test_context_without_words_asks_for_them_behind_it(line: str) -> None:
    with pytest.raises(UsageError, match="no words") as caught:
        parse(line_parser(), line)

    assert "%%" not in f"{caught.value.what} {caught.value.do}"
    assert "%autocode context Make" in caught.value.do


def test_a_prompt_to_preview_is_only_text() -> None:
    given = parse(line_parser(), "context don't  change  'my words' --here")

    assert given.words == "don't  change  'my words' --here"
