"""The error tree: each error renders itself, keeps its evidence, and is drawn in the docstring."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from jupyter_autocoder import errors
from jupyter_autocoder.errors import AutocoderError, RateLimited

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, AutocoderError)]


def test_an_error_says_what_why_and_what_to_do() -> None:
    error = AutocoderError("It broke.", why="a reason", do="mend it")

    assert str(error) == "It broke.\nWhy: a reason\nWhat to do: mend it"
    assert error._render_traceback_() == ["AutocoderError: It broke.", "Why: a reason", "What to do: mend it"]


def test_an_error_survives_a_process_boundary() -> None:
    error = RateLimited("Too many.", limit="minute", retry_after=12.5, do="wait")

    again = pickle.loads(pickle.dumps(error))

    assert (str(again), again.retry_after, again.limit) == (str(error), 12.5, "minute")
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_drawn_tree_below_its_parent(kind: type[AutocoderError]) -> None:
    lines = (errors.__doc__ or "").splitlines()
    rows = {line.split("+-- ")[-1].split()[0]: line.find("+--") for line in lines if "+-- " in line}
    rows["AutocoderError"] = 0

    assert kind.__name__ in rows
    assert kind is AutocoderError or rows[kind.__name__] > rows[kind.__base__.__name__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_when_it_is_raised(kind: type[AutocoderError]) -> None:
    assert kind is AutocoderError or (kind.__doc__ or "").startswith("Raised ")
