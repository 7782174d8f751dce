"""Kinds: what a setting's annotation takes, and what it says about what it does not take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from jupyter_autocoder.kinds import ADDRESS, BUDGET, DAYS, LIFETIME, NOT_NEGATIVE, PATH, POSITIVE, judge, read, settle

WORD = Literal["free", "local"]


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (3, Annotated[int, POSITIVE], 3),
        (3, float, 3.0),
        (None, Annotated[int | None, NOT_NEGATIVE], None),
        (0, Annotated[int | None, NOT_NEGATIVE], 0),
        (math.inf, Annotated[float | None, BUDGET], math.inf),
        ("free", WORD, "free"),
        (["a", "b"], tuple[str, ...], ("a", "b")),
        (False, tuple[str, ...], ()),
    ],
)
def test_a_value_of_its_kind_is_taken_as_the_kind_wants_it(value: Any, kind: Any, wanted: Any) -> None:
    taken = judge(value, kind)

    assert (type(taken), taken) == (type(wanted), wanted)


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (True, int, "is True, wanted a whole number"),
        (1, bool, "is 1, wanted true or false"),
        (2.5, int | None, "is 2.5, wanted a whole number or nothing"),
        ("paid", WORD, "is 'paid', wanted one of 'free', 'local'"),
        (["a", 1], tuple[str, ...], "is ['a', 1], wanted a list of texts"),
        (0, Annotated[int, POSITIVE], "is 0, wanted a finite number above 0"),
        (-1, Annotated[int, NOT_NEGATIVE], "is -1, wanted a finite number of at least 0"),
        (-1, Annotated[int, DAYS], "is -1, wanted a number of days from 0 to 36500"),
        (
            1e9,
            Annotated[float, LIFETIME],
            "is 1000000000.0, wanted a number of seconds above 0 and at most a year's (31536000)",
        ),
        (math.inf, Annotated[float, POSITIVE], "is inf, wanted a finite number above 0"),
        (math.nan, Annotated[float, BUDGET], "is nan, wanted a number of at least 0 (inf: no budget)"),
    ],
)
def test_another_value_is_refused_saying_what_it_is_and_what_was_wanted(value: Any, kind: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        judge(value, kind)

    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("", int | None, None),
        ("", str, ""),
        ("1", bool, True),
        ("False", bool, False),
        ("7", Annotated[int, POSITIVE], 7),
        ("7", Annotated[float, POSITIVE], 7.0),
        ("many", int, "many"),  # `judge` tells the person
        ("a, b,", tuple[str, ...], ["a", "b"]),
    ],
)
def test_a_variables_text_is_read_by_the_kind_that_is_wanted(text: str, kind: Any, wanted: Any) -> None:
    value = read(text, kind)

    assert (type(value), value) == (type(wanted), wanted)


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        ("key", Annotated[str, PATH], "/etc/x/key"),
        ("../key", Annotated[str, PATH], "/etc/x/../key"),
        ("/key", Annotated[str, PATH], "/key"),
        ("~/key", Annotated[str, PATH], "~/key"),
        ("", Annotated[str, PATH], ""),
        (("a", "/b"), Annotated[tuple[str, ...], PATH], ("/etc/x/a", "/b")),
        ("sqlite:///a.db", Annotated[str, ADDRESS], "sqlite:////etc/x/a.db"),
        ("sqlite:a.db", Annotated[str, ADDRESS], "sqlite:a.db"),  # the store says that this is no address
        ("postgresql://h/d", Annotated[str, ADDRESS], "postgresql://h/d"),
        ("gpt-4o", str, "gpt-4o"),
        (7, Annotated[int, POSITIVE], 7),
    ],
)
def test_a_relative_path_is_led_from_the_folder_it_was_written_in(value: Any, kind: Any, wanted: Any) -> None:
    assert settle(value, kind, Path("/etc/x")) == wanted
