"""Cutting a function out of checked code."""

from __future__ import annotations

from jupyter_autocoder.agent.adopt import definitions, extract

SOURCE = """import math
import json

RATE = 0.05
unused = 1


def helper(x):
    return x * RATE


@staticmethod
def price(years):
    # a comment stays
    return helper(math.exp(years))


print(price(2))
"""


def test_a_function_comes_with_its_decorators_imports_constants_and_helpers() -> None:
    source = extract([SOURCE], "price")

    assert source is not None
    assert "import math" in source
    assert "RATE = 0.05" in source
    assert "def helper" in source
    assert "@staticmethod\ndef price(years):\n    # a comment stays" in source
    for absent in ("json", "unused", "print"):
        assert absent not in source


def test_the_latest_definition_counts() -> None:
    assert extract(["def f():\n    return 1\n", "def f():\n    return 2\n"], "f") == "def f():\n    return 2\n"


def test_an_unknown_name_is_none() -> None:
    assert extract([SOURCE], "nothing") is None


def test_definitions_are_the_top_level_ones() -> None:
    assert definitions(SOURCE) == ("helper", "price")
