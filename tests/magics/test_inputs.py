"""What code of a conversation reads of the notebook's variables, and what of it goes into the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from jupyter_autocoder.errors import ValueCannotCross
from jupyter_autocoder.magics.inputs import Inputs, made_by, read_by


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("print(a)", {"a"}),
        ("df = df.dropna()", {"df"}),
        ("a += 1", {"a"}),
        ("a = 1\nprint(a)", set()),
        ("df['x'] = y", {"df", "y"}),
        ("for i in rows:\n    print(i)", {"rows"}),
        ("[x * k for x in xs if x > low]", {"xs", "k", "low"}),
        ("x = [x for x in x]", {"x"}),
        ("{k: v for k, v in pairs}", {"pairs"}),
        ("def f(a, b=c):\n    t = a\n    return t + d + later\nlater = 1", {"c", "d"}),
        ("g = lambda x: x + y", {"y"}),
        ("class C(Base):\n    n = size\n    def m(self):\n        return self.n + rate", {"Base", "size", "rate"}),
        ("import pandas as pd\npd.DataFrame(data)", {"data"}),
        ("with open(path) as f:\n    f.read()", {"path"}),
        ("try:\n    a\nexcept E as e:\n    print(e)", {"a", "E"}),
        (
            "match p:\n    case {'k': v, **rest}:\n        print(v, rest)\n    case [x, *xs]:\n        print(x, xs)",
            {"p"},
        ),
        ("if (n := len(s)) > 1:\n    print(n)", {"s"}),
        ("x: int\nprint(x)", {"x"}),
        ("del a", {"a"}),
        ("a = 1\ndel a\nprint(a)", {"a"}),
        ("f'{name!r:>{width}}'", {"name", "width"}),
        ("max(1, 2)", set()),
    ],
)
def test_names_that_code_reads_before_it_makes_them(source, names):
    assert read_by(source) == names


def test_names_that_code_makes_outside_of_its_functions():
    source = "import os.path as p\nx, (y, *z) = t\ndef f():\n    inner = 1\nclass C:\n    own = 1\nfor i in z: pass"

    assert made_by(source) == {"p", "x", "y", "z", "f", "C", "i"}


class Box:
    """A sandbox that notes what it is given; `odd` can be seen to be no data only while it is taken apart."""

    alive = True

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    async def put(self, name: str, value: Any) -> None:
        if name == "odd":
            raise ValueCannotCross("odd cannot cross", name=name, type_name="Odd", why="column x")
        self.given[name] = value


def send(inputs: Inputs, box: Box, source: str, namespace: Mapping[str, Any]) -> tuple[str, ...]:
    return asyncio.run(inputs.send(box, source, namespace))


def test_what_the_code_reads_goes_in_and_what_cannot_is_named_with_its_reason():
    box = Box()
    namespace = {"a": 41, "b": [1], "unread": 1, "function": len, "odd": 1}

    notes = send(Inputs(), box, "print(a, b, c, function, odd)", namespace)

    assert box.given == {"a": 41, "b": [1]}
    assert notes == (
        "Sent in from the notebook: a, b.",
        "function is a builtin_function_or_method: it cannot be sent to the sandbox (only data crosses).",
        "odd cannot cross (column x).",
    )


def test_code_that_needs_nothing_says_nothing():
    assert send(Inputs(), Box(), "x = 1\nprint(x)", {"x": 5}) == ()


def test_what_earlier_code_made_stays_until_the_notebook_changes_the_name():
    inputs, box = Inputs(), Box()
    namespace = {"rows": [1, None]}
    send(inputs, box, "rows = rows[:1]", namespace)
    inputs.ran("rows = rows[:1]", namespace)
    box.given.clear()

    kept = send(inputs, box, "print(rows)", namespace)
    changed = send(inputs, box, "print(rows)", {"rows": [7]})

    assert kept == ("Made by an earlier run here, not the notebook's: rows.",)
    assert changed == ("Sent in from the notebook: rows.",)
    assert box.given == {"rows": [7]}


@pytest.mark.parametrize("lost", ["another", "dead"])
def test_a_sandbox_that_lost_what_was_made_gets_the_notebooks(lost):
    inputs, box = Inputs(), Box()
    namespace = {"rows": [1]}
    send(inputs, box, "rows = rows[:1]", namespace)
    inputs.ran("rows = rows[:1]", namespace)
    box.given.clear()
    box.alive = lost != "dead"
    box = Box() if lost == "another" else box

    send(inputs, box, "print(rows)", namespace)

    assert box.given == namespace
