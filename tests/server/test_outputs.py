"""An output of a kernel is shown when it is one, whatever is in it."""

from __future__ import annotations

import pytest

from jupyter_autocoder.chat import Malformed
from jupyter_autocoder.sandbox.clean.tree import DEPTH
from jupyter_autocoder.server.outputs import read_output


def nested(depth: int) -> dict[str, object]:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return {"output_type": "display_data", "data": {"application/json": value}, "metadata": {}}


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stderr", "text": ""},
        {"output_type": "display_data", "data": {"image/png": "aGVsbG8="}, "metadata": {"image/png": {"width": 3}}},
        {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}, "execution_count": 1},
        {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": None},
        {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": ["one", "two"]},
        nested(DEPTH),
    ],
)
def test_an_output_is_given_as_it_is(output):
    assert read_output(output) is output


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"output_type": None},
        {"output_type": ["stream"]},
        {"output_type": "clear_output", "wait": True},
        {"output_type": "stream", "name": "stdin", "text": "x"},
        {"output_type": "stream", "name": "stdout", "text": None},
        {"output_type": "stream", "name": "stdout", "text": "x", "more": 1},
        {"output_type": "display_data", "data": [], "metadata": {}},
        {"output_type": "display_data", "metadata": {}},
        {"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": True},
        {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": "one"},
        {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": [1]},
        nested(DEPTH + 1),
        nested(100_000),
    ],
)
def test_what_is_no_output_is_refused(output):
    with pytest.raises(Malformed):
        read_output(output)
