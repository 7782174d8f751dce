"""What is slow about the first sentence can be done before it."""

from __future__ import annotations

from collections.abc import Callable

CODE = """
import sys, time
from jupyter_autocoder.desk.warm import warm_up
if sys.argv[1] == "warm":
    warm_up()
began = time.perf_counter()
from jupyter_autocoder.trade import read_command
reading = read_command("Sell half of my Tesla at 300")
print(time.perf_counter() - began, reading.kind)
"""


def test_the_first_sentence_after_a_warm_up_is_read_at_once(python: Callable[..., str]) -> None:
    cold, _ = python(CODE, "cold").split()
    warm, kind = python(CODE, "warm").split()

    assert kind == "order"
    assert float(warm) < float(cold) / 4


def test_it_opens_no_store_and_needs_no_settings(python: Callable[..., str]) -> None:
    code = "import sys; from jupyter_autocoder.desk.warm import warm_up; warm_up(); print('sqlite3' in sys.modules)"

    assert python(code).strip() == "False"
