"""Cutting a function out of checked code."""

from __future__ import annotations

import pytest

from jupyter_autocoder.agent.adopt import definitions, extract, extract_all

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


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("A, (B, *C) = 1, (2, 3)\ndef f():\n    return A + B + C[0]\n", 6),
        ("try:\n    import math as m\nexcept ImportError:\n    m = None\ndef f():\n    return m.floor(2.5)\n", 2),
        ("from io import StringIO\nwith StringIO('ab') as t:\n    T = t.read()\ndef f():\n    return T\n", "ab"),
        ("X = {}\nX['a'] = 1\nX['b'] = 2\ndef f():\n    return X\n", {"a": 1, "b": 2}),
        ("X = []\nX.append(1)\nfor k in (2, 3):\n    X.append(k)\ndef f():\n    return X\n", [1, 2, 3]),
        ("X = {}\nX.setdefault('a', []).append(1)\ndef f():\n    return X\n", {"a": [1]}),
        ("X = 1\nX += 1\nX = X * 5\ndef f():\n    return X\n", 10),
        ("def f():\n    return f.rate\nf.rate = 3\n", 3),
        ("if (N := 4) > 3:\n    M = 5\ndef f():\n    return N + M\n", 9),
        ("BASE = 2\nY = BASE\ndef f(n=Y):\n    return [n * BASE for n in (n,)][0]\n", 4),
    ],
)
def test_an_adopted_function_finds_all_that_it_reads(code: str, value: object) -> None:
    source = extract([code], "f")
    namespace: dict[str, object] = {}

    exec(source or "", namespace)

    assert namespace["f"]() == value  # type: ignore[operator]


def test_what_only_shares_a_name_with_a_local_stays_behind() -> None:
    code = "def f(n):\n    for i in n:\n        x = i\n    return x\n"

    assert extract(["for i in range(3):\n    print(i)\nx = [n for n in 'ab']\n" + code], "f") == code


def test_statements_that_share_a_line_are_cut_apart() -> None:
    code = "import math; import json; RATE = 2\ndef f():\n    return math.pi * RATE\n"

    assert extract([code], "f") == "import math\nRATE = 2\n\n\ndef f():\n    return math.pi * RATE\n"


@pytest.mark.parametrize("odd", ["\x0c", "\x85", "\u2028"])
def test_only_a_newline_ends_a_line(odd: str) -> None:
    code = f"A = '{odd}'\n\n\ndef f():\n    return A\n"

    assert extract([code], "f") == code


def test_several_definitions_come_in_one_cut_with_each_statement_once_in_its_order() -> None:
    code = "import math\n\n\ndef helper():\n    return math.e\n"
    code += "".join(f"\n\ndef {name}():\n    return helper()\n" for name in "fg")

    assert extract_all(code + "print(f())\n", ["g", "f", "helper"]) == code


def test_a_cut_without_any_known_name_is_empty() -> None:
    assert extract_all("from __future__ import annotations\nx = 1\n", ["nothing"]) == ""


def test_a_future_import_comes_along() -> None:
    code = "from __future__ import annotations\n\n\ndef f(x: Later) -> int:\n    return 1\n"

    assert extract([code], "f") == code
