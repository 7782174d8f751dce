"""`%trade` in a kernel without a person: tickets wait, nothing is sent, and the run's exit code says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_autocoder.testing import FakeOpenAI, Reply, ScriptedCall
from jupyter_autocoder.trade.proposal import TOOL_NAME, tool

pytestmark = pytest.mark.kernel
Text = Callable[[Mapping[str, Any]], str]
BIN = Path(sys.executable).parent


def autocoder(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "jupyter-autocoder"), *words],
        cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_sentence_becomes_a_record_that_cannot_be_clicked_and_positions_are_shown(
    notebook: Any, text_of: Text
) -> None:
    node = notebook.run("%trade Buy 10 shares of AAPL", "%trade", "%trade should I buy AAPL", "%trade buy some AAPL")

    ticket, overview, question, vague = map(text_of, node.cells)
    assert "AAPL" in ticket
    assert "PAPER" in ticket
    assert "The ticket waits for a person; nothing was sent." in ticket
    assert "pending" in overview
    assert "No ticket" in question
    assert "Not clear" in vague
    assert not any("widget" in kind for cell in node.cells for o in cell.outputs for kind in o.get("data", {}))


def test_weights_of_a_frame_become_one_basket_ticket(notebook: Any, text_of: Text) -> None:
    node = notebook.run(
        "import pandas as pd\nweights = pd.DataFrame({'percent': [20, 10]}, index=['AAPL', 'MSFT'])\nwords = 'x'",
        "%trade --weights weights",
        "%trade --weights nothing",
        "%trade --weights words",
    )

    assert "MSFT" in text_of(node.cells[1])
    assert "there is no variable nothing" in text_of(node.cells[2])
    assert "no mapping of symbols" in text_of(node.cells[3])


def test_a_dollar_sign_or_braces_in_the_words_are_only_text(notebook: Any, text_of: Text) -> None:
    node = notebook.run("AAPL = 'changed'", "%trade Buy $500 of {AAPL}", "%trade Buy $500 of AAPL")

    assert "Not clear" in text_of(node.cells[1]) or "No ticket" in text_of(node.cells[1])
    assert "500" in text_of(node.cells[2])


def test_a_headless_run_with_a_waiting_ticket_ends_with_3_unless_it_is_expected(house: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_autocoder", "%trade Buy 1 share of AAPL")
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), house / "n.ipynb")

    waiting = autocoder(house, "run", "n.ipynb", "--report", "r.json")
    expected = autocoder(house, "run", "n.ipynb", "--pending-ok")
    listed = autocoder(house, "tickets", "list", "--json")

    assert waiting.returncode == 3, waiting.stderr
    assert len(json.loads((house / "r.json").read_text())["tickets"]) == 1
    assert expected.returncode == 0, expected.stderr
    assert {row["state"] for row in json.loads(listed.stdout)} <= {"pending", "superseded"}


def test_trading_is_halted_and_tickets_are_shown_and_cancelled_from_the_command_line(house: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_autocoder", "%trade Buy 1 share of AAPL")
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), house / "n.ipynb")
    autocoder(house, "run", "n.ipynb")
    ticket = json.loads(autocoder(house, "tickets", "list", "--json").stdout)[0]["id"]

    shown = autocoder(house, "tickets", "show", ticket)
    cancelled = autocoder(house, "tickets", "cancel", ticket)
    verified = autocoder(house, "tickets", "verify")
    halted = autocoder(house, "trading", "halted")
    refused = autocoder(house, "run", "n.ipynb")
    active = autocoder(house, "trading", "active")

    assert "AAPL" in shown.stdout
    assert "dismissed" in cancelled.stdout
    assert verified.returncode == 0, verified.stdout
    assert halted.returncode == 0
    assert refused.returncode == 1
    assert "halted" in refused.stderr.lower()
    assert active.returncode == 0
    assert autocoder(house, "tickets", "show", "nothing").returncode != 0


def test_a_model_helps_to_read_what_the_rules_cannot_and_is_kept_out_where_nothing_may_be_asked(
    notebook: Any, text_of: Text
) -> None:
    said = {"side": "buy", "symbol": "AAPL", "qty": "10", "type": "limit", "limit_price": "150"}
    known = tool()["function"]["parameters"]["properties"]["orders"]["items"]["properties"]
    arguments = json.dumps({"orders": [{**dict.fromkeys(known), "extended_hours": False, **said}]})
    reply = Reply(calls=(ScriptedCall(name=TOOL_NAME, arguments=arguments),), finish_reason="tool_calls")
    words = "%trade procure me 10 of those lovely AAPL shares at 150, mate"

    with FakeOpenAI(reply, validate=True) as fake:
        key = {"OPENAI_BASE_URL": fake.base_url, "OPENAI_API_KEY": "sk-not-a-real-key-0000000000"}
        helped = notebook.run(words, "%trade should I procure 10 AAPL at 150", env=key)
        sent = len(fake.requests)
        locked = notebook.run(words, env={**key, "AUTOCODER_LOCKED": "1"})
        in_ci = notebook.run(words, env={**key, "CI": "true"})

    assert "BUY 10 AAPL" in text_of(helped.cells[0])
    assert "model" in text_of(helped.cells[0])
    assert "No ticket" in text_of(helped.cells[1])
    assert len(fake.requests) == sent == 1
    assert text_of(locked.cells[0]) == text_of(in_ci.cells[0]) == "Not clear: I do not understand “procure”."
