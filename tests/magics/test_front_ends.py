"""The magics where no notebook's front-end is: a terminal, a console, a kernel without widgets."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest
from jupyter_client.manager import start_new_kernel

from jupyter_autocoder.testing import FakeOpenAI

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
MAKE = "```python\nprint('printed')\nr = 41\nr + 1\n```"
LOOP = "```python\nimport time\nwhile True:\n    time.sleep(0.1)\n```"
BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"ipywidgets", "anywidget"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
"""
Ask = Callable[..., list[tuple[str, dict[str, Any]]]]


@contextmanager
def a_kernel(folder: Path, environ: dict[str, str]) -> Iterator[Ask]:
    """A kernel as a person's front-end uses it; each call runs a cell and returns what came."""
    manager, client = start_new_kernel(env={**os.environ, **environ}, cwd=str(folder))

    def ask(source: str, **metadata: str) -> list[tuple[str, dict[str, Any]]]:
        came: list[tuple[str, dict[str, Any]]] = []
        content = {"code": source, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True}
        message = client.session.msg("execute_request", {**content, "stop_on_error": True}, metadata=metadata)
        client.shell_channel.send(message)
        while True:
            heard = client.get_iopub_msg(timeout=60)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                return came
            came.append((heard["msg_type"], heard["content"]))

    try:
        yield ask
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def displays(came: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [content["data"]["text/plain"] for kind, content in came if kind == "display_data"]


def test_a_console_gets_a_line_that_is_written_over_and_the_end_as_a_display_of_its_own(house: Path) -> None:
    with FakeOpenAI({"Make": MAKE}) as server, a_kernel(house, {"OPENAI_BASE_URL": server.base_url}) as ask:
        ask("%load_ext jupyter_autocoder")
        came = ask("%%autocode\nMake r.")

    kinds = {kind for kind, _ in came}
    lines = "".join(content["text"] for kind, content in came if kind == "stream")
    assert "update_display_data" not in kinds
    assert re.search(r"\r◌ asking · \d s", lines)
    assert lines.endswith("printed\n")
    assert displays(came)[0].startswith("✓ gpt-4o")
    assert displays(came)[-1] == "42"


def test_a_notebooks_cell_is_updated_in_place(house: Path) -> None:
    with FakeOpenAI({"Make": MAKE}) as server, a_kernel(house, {"OPENAI_BASE_URL": server.base_url}) as ask:
        ask("%load_ext jupyter_autocoder")
        came = ask("%%autocode\nMake r.", cellId="1")

    updates = [content for kind, content in came if kind == "update_display_data"]
    assert updates[-1]["data"]["text/plain"].startswith("✓ gpt-4o")
    assert set(updates[-1]["data"]) == {"text/markdown", "text/plain"}
    assert displays(came)[0].startswith("◌")
    assert "◌" not in "".join(content["text"] for kind, content in came if kind == "stream")


def test_a_kernel_without_widgets_does_all_but_the_click_and_says_so(house: Path) -> None:
    (house / "block").mkdir()
    (house / "block" / "sitecustomize.py").write_text(BLOCK)
    with FakeOpenAI({"Make": MAKE}) as server:
        environ = {"OPENAI_BASE_URL": server.base_url, "PYTHONPATH": str(house / "block")}
        with a_kernel(house, environ) as ask:
            loaded = ask("%load_ext jupyter_autocoder", cellId="1")
            made = ask("%%autocode\nMake r.\n---\nassert r == 41", cellId="2")
            traded = ask("%trade Buy 10 shares of AAPL", cellId="3")
            seen = [ask(f"%{magic}", cellId="4") for magic in ("trade", "usage", "autocode history")]

    errors = [content for came in (loaded, made, traded, *seen) for kind, content in came if kind == "error"]
    assert errors == []
    assert displays(loaded) == []
    assert displays(made)[-1] == "42"
    assert "BUY 10 AAPL" in displays(traded)[0]
    assert displays(traded)[1].startswith("Nothing can be clicked here: this kernel has no anywidget.")
    assert displays(traded)[2] == "The ticket waits for a person; nothing was sent."


@pytest.fixture
def terminal(house: Path) -> Iterator[Any]:
    """IPython at a real terminal, with the extension loaded."""
    with FakeOpenAI({"Make": MAKE, "Loop": LOOP}) as server:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=nocolor"],
            env={**os.environ, "OPENAI_BASE_URL": server.base_url, "TERM": "dumb"},
            cwd=str(house),
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 160),
        )
        child.expect_exact("In [1]:")
        child.sendline("%load_ext jupyter_autocoder")
        child.expect_exact("In [2]:")
        yield child
        child.sendline("exit")
        child.expect(pexpect.EOF)
        child.close()


def test_at_a_terminal_the_status_is_a_line_and_the_answer_is_there(terminal: Any) -> None:
    terminal.sendline("get_ipython().run_cell_magic('autocode', '', 'Make `r`.')")
    terminal.expect_exact("In [3]:")
    shown = terminal.before
    terminal.sendline("r")
    terminal.expect_exact("In [4]:")

    assert "\r◌ asking" in shown
    assert re.search(r"\r✓ gpt-4o [^\r]*\r\nprinted\r\n42\r\n", shown)
    assert "Out[3]: 41" in terminal.before


def test_at_a_terminal_ctrl_c_ends_in_one_line_and_the_next_prompt_works(terminal: Any) -> None:
    terminal.sendline("get_ipython().run_cell_magic('autocode', '', 'Loop.')")
    terminal.expect_exact("◌ running")
    terminal.sendintr()
    terminal.expect_exact("In [3]:")
    shown = terminal.before
    terminal.sendline("1 + 1")
    terminal.expect_exact("In [4]:")

    assert "✗ interrupted; nothing runs any more\r\nKeyboardInterrupt: interrupted" in shown
    assert "Traceback" not in shown
    assert "Out[3]: 2" in terminal.before


def test_at_a_terminal_a_paper_ticket_is_confirmed_by_typing_its_act(terminal: Any) -> None:
    terminal.sendline("%trade Buy 10 shares of AAPL")
    terminal.expect_exact("Type yes to go on: ")
    terminal.sendline("yes")
    terminal.expect_exact("to send this: ")
    terminal.sendline("Buy 10 AAPL")
    terminal.expect_exact("In [3]:")

    assert re.search("State: (Submitted|Accepted|Filled|Sent)", terminal.before)
