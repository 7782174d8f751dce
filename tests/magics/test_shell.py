"""`%%autocode` in a real kernel, against a real server, in a real sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from jupyter_autocoder.testing import FakeOpenAI, fault

pytestmark = [pytest.mark.kernel, pytest.mark.sandbox]
Text = Callable[[Mapping[str, Any]], str]
ODD = "{braces} %s 'quotes' ünïcode 🎉"
Errors = Callable[[NotebookNode], list[str]]
Ask = Callable[..., tuple[NotebookNode, FakeOpenAI]]


@pytest.fixture
def ask(notebook: Any) -> Ask:
    """Run cells in a notebook whose model gives these answers; the server tells what it was asked."""

    def run(answers: Any, *cells: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
        with FakeOpenAI(answers, validate=True) as server:
            node = notebook.run(*cells, env={**(env or {}), "OPENAI_BASE_URL": server.base_url}, **options)
        return node, server

    return run


def python(source: str) -> str:
    return f"Here it is:\n```python\n{source}\n```\n"


def status_of(cell: Mapping[str, Any]) -> str:
    """The last state of a cell's status line."""
    shown = [
        output["data"]["text/plain"] for output in cell["outputs"] if "jupyter_autocoder" in output.get("metadata", {})
    ]
    return shown[-1] if shown else ""


def test_a_sentence_goes_the_whole_way_and_values_land_in_the_namespace(ask: Ask, text_of: Text) -> None:
    answers = {"Square": python("squares = [n * n for n in numbers]\nprint('made')\nsum(squares)")}

    node, server = ask(
        answers,
        "numbers = [1, 2, 3]",
        f"%%autocode\nSquare `numbers` {ODD}\n---\nassert squares[0] == 1\nassert len(squares) == 3",
        "squares",
    )

    asked, shown = node.cells[1], node.cells[2]
    assert "2 of 2 checks passed" in status_of(asked)
    assert "in: numbers" in status_of(asked)
    assert "made" in text_of(asked)
    assert "14" in text_of(asked)
    assert text_of(shown) == "[1, 4, 9]"
    assert server.problems == []
    assert ODD in json.dumps(server.requests, ensure_ascii=False)
    assert "[1, 2, 3]" not in json.dumps(server.requests)


def test_a_data_frame_goes_in_and_comes_out_and_a_picture_is_shown(ask: Ask, text_of: Text, errors_of: Errors) -> None:
    source = (
        "import matplotlib.pyplot as plt\n"
        "daily = frame.groupby('day', observed=True)['close'].mean().to_frame()\n"
        "daily.plot()\nplt.show()"
    )

    node, _ = ask(
        {"Average": python(source)},
        "import pandas as pd\ndays = pd.Categorical(['mo', 'tu', 'mo'])",
        "frame = pd.DataFrame({'day': days, 'close': [1.0, 2.0, 3.0]})",
        "%%autocode --in frame --out daily\nAverage by day.",
        "daily.loc['tu', 'close'] = 5.0\ndaily['close'].tolist(), daily.index.name",
    )

    assert errors_of(node) == [""] * 4
    kinds = {kind for output in node.cells[2].outputs for kind in output.get("data", {})}
    assert "image/png" in kinds
    assert text_of(node.cells[3]) == "([2.0, 5.0], 'day')"


def test_refused_failing_and_unchecked_attempts_go_back_to_the_model(ask: Ask) -> None:
    answers = [python("import subprocess"), python("r = 1 / 0"), python("r = 1"), python("r = 2")]

    node, server = ask(answers, "%%autocode --attempts 4\nMake r.\n---\nassert r == 2")

    last = [request["messages"][-1]["content"] for request in server.requests]
    assert "subprocess" in last[1]
    assert "ZeroDivisionError" in last[2]
    assert "r is 1" in last[3]
    assert "4 attempts" in status_of(node.cells[0])


def test_the_sandbox_keeps_its_state_and_follow_ups_see_the_earlier_prompts(ask: Ask, text_of: Text) -> None:
    node, server = ask(
        [python("hidden = 41"), python("hidden + 1")],
        "%%autocode\nRemember a number.",
        "%%autocode\nAdd one to it.",
        "%autocode history",
        "%autocode code 1",
        "'hidden' in globals()",
    )

    assert "42" in text_of(node.cells[1])
    assert text_of(node.cells[2]) == "1. Remember a number.\n2. Add one to it."
    assert text_of(node.cells[3]) == "hidden = 41\n"
    assert text_of(node.cells[4]) == "False"
    assert "Remember a number." in json.dumps(server.requests[1])


def test_reset_and_fresh_forget_everything(ask: Ask, errors_of: Errors, text_of: Text) -> None:
    answers = {"Remember": python("hidden = 41"), "Show": python("print('hidden' in dir())")}

    node, _ = ask(
        answers,
        "%%autocode\nRemember a number.",
        "%autocode reset",
        "%%autocode\nShow whether it is there.",
        "%%autocode\nRemember a number, again.",
        "%%autocode --fresh\nShow it.",
        "%autocode history",
    )

    assert errors_of(node) == [""] * 6
    assert "False" in text_of(node.cells[2])
    assert "False" in text_of(node.cells[4])
    assert text_of(node.cells[5]) == "1. Show it."


def test_files_are_lent_read_only_and_results_saved_beside_the_notebook(
    notebook: Any, ask: Ask, text_of: Text, errors_of: Errors
) -> None:
    (notebook.folder / "data").mkdir()
    (notebook.folder / "data" / "in.csv").write_text("a,b\n1,2\n")
    answers = {
        "Copy": python("text = open('data/in.csv').read()\nopen('out.txt', 'w').write(text.upper())"),
        "Overwrite": python("open('data/in.csv', 'w').write('changed')"),
    }

    node, _ = ask(
        answers,
        "%%autocode --save out.txt\nCopy `data/in.csv` to out.txt.",
        "%%autocode --save out.txt\nCopy it again.",
        "%%autocode --save ../out.txt\nCopy it elsewhere.",
        "%%autocode --attempts 1\nOverwrite `data/in.csv`.",
    )

    errors = errors_of(node)
    assert (notebook.folder / "out.txt").read_text() == "A,B\n1,2\n"
    assert errors[0] == ""
    assert "that file exists" in errors[1]
    assert "leaves the notebook's folder" in errors[2]
    assert errors[3].startswith("RunFailed")
    assert (notebook.folder / "data" / "in.csv").read_text() == "a,b\n1,2\n"


def test_a_dry_run_shows_code_and_verdict_and_context_shows_what_would_be_sent(ask: Ask, text_of: Text) -> None:
    node, server = ask(
        {"Make": python("r = 1")}, "n = 3", "%%autocode --dry-run\nMake r.", "%autocode context Make something of `n`."
    )

    assert "not run" in status_of(node.cells[1])
    assert "r = 1" in status_of(node.cells[1])
    assert "- n: int" in text_of(node.cells[2])
    assert "nothing was sent" in text_of(node.cells[2])
    assert len(server.requests) == 1


def test_a_function_is_adopted_as_its_exact_source(ask: Ask, errors_of: Errors) -> None:
    node, _ = ask(
        {"Write": python("import math\n\ndef area(r):\n    return math.pi * r * r")},
        "inserted = []\nget_ipython().set_next_input = lambda text, replace=False: inserted.append(text)",
        "%%autocode\nWrite a function.\n---\nassert area(0) == 0",
        "%autocode adopt area",
        "%autocode adopt nothing",
        "assert inserted == ['import math\\n\\n\\ndef area(r):\\n    return math.pi * r * r\\n'], inserted",
    )

    errors = errors_of(node)
    assert "it cannot cross as data" in status_of(node.cells[1])
    assert errors[2] == ""
    assert "no prompt of this session defined" in errors[3]
    assert errors[4] == ""


def test_a_conversation_runs_checked_code_in_the_notebooks_own_sandbox(
    ask: Ask, text_of: Text, errors_of: Errors
) -> None:
    node, _ = ask(
        {"Remember": python("hidden = 41")},
        "import json\nfrom jupyter_autocoder.magics import run_for_chat",
        "%%autocode\nRemember a number.",
        "run = json.loads(run_for_chat('print(hidden)\\nhidden + 1'))\nrun['ok'], run['value'], run['stdout']",
        "run = json.loads(run_for_chat('import subprocess'))",
        "run['ok'], run['error']['name'], run['error']['line']",
    )

    assert errors_of(node) == [""] * 5
    assert text_of(node.cells[2]) == "(True, '42', '41\\n')"
    assert text_of(node.cells[4]) == "(False, 'PolicyRefused', 1)"


def test_what_cannot_work_is_refused_before_a_model_is_asked(ask: Ask, errors_of: Errors) -> None:
    node, server = ask(
        {"Make": python("r = 1")},
        "import pandas as pd\nclass Model: pass\nframe = pd.DataFrame({'n': 1, 'model': [Model()] * 2})",
        "%%autocode\nMake r of `frame`.",
        "%%autocode\nMake r.\n---\ndef test_r(monkeypatch):\n    assert r",
        "%%autocode\nMake r.\n---\nimport os\nassert os.environ",
    )

    assert [error.split("\n")[0] for error in errors_of(node)[1:]] == [
        "ValueCannotCross: frame (column 'model') is a Model: it cannot cross as data",
        "UsageError: the check test_r cannot be run",
        "PolicyRefused: the checks were refused",
    ]
    assert server.requests == []


def test_doctest_lines_in_a_cell_are_checks_that_can_fail(ask: Ask, errors_of: Errors) -> None:
    answers = {"Make": python("def double(n):\n    return n * 2")}
    cell = (
        "%%autocode --attempts 1\nMake `double`, {}.\n---\n>>> double(2)\n{}\n>>> for n in [1]:\n...     double(n)\n2"
    )

    node, server = ask(answers, cell.format("right", 4), cell.format("wrong", 5), ">>> 1 + 1")

    assert "2 of 2 checks passed" in status_of(node.cells[0])
    assert errors_of(node) == ["", "ChecksFailed: the code ran, but a check failed", ""]
    assert "got 4" in str(node.cells[1].outputs)
    assert node.cells[2].outputs[0]["data"]["text/plain"] == "2"
    assert ">>> double(2)" in json.dumps(server.requests)


def test_usage_tells_what_was_spent(ask: Ask, text_of: Text) -> None:
    node, _ = ask({"Make": python("r = 1")}, "%%autocode\nMake r.", "%usage 1d")

    assert "gpt-4o" in text_of(node.cells[1])
    assert any("<svg" in output.get("data", {}).get("text/html", "") for output in node.cells[1].outputs)


@pytest.mark.parametrize("cell", ["%%autocode -h", "\n%%autocode --help\n", "%%autocode -h\nand words"])
def test_a_cell_that_only_asks_for_help_gets_it(ask: Ask, text_of: Text, errors_of: Errors, cell: str) -> None:
    node, server = ask([], cell)

    assert errors_of(node) == [""]
    assert "usage: %%autocode" in text_of(node.cells[0])
    assert "--attempts" in text_of(node.cells[0])
    assert server.requests == []


BAD = {
    "no prompt at all": ("%%autocode", "UsageError: %%autocode: the cell is empty"),
    "options alone": ("%%autocode --dry-run", "UsageError: %%autocode: the cell is empty"),
    "an empty prompt": ("%%autocode\n   ", "UsageError: %%autocode: the cell is empty"),
    "an unknown option": ("%%autocode --nothing\nDo.", "UsageError: %%autocode: unrecognized arguments: --nothing"),
    "an unknown variable": ("%%autocode --in nothing\nDo.", "UsageError: there is no variable nothing"),
    "a value that cannot cross": ("%%autocode --in function\nDo.", "ValueCannotCross: function is a function"),
    "an answer without code": ("%%autocode --attempts 1\nRefuse.", "NoCode: the answer holds no code block"),
    "an answer in another language": (
        "%%autocode --attempts 1\nJavascript.",
        "NoCode: the answer is written in javascript",
    ),
    "code that never ends": ("%%autocode --attempts 1\nLoop.", "RunFailed: the code was stopped"),
    "code that kills its kernel": ("%%autocode --attempts 1\nKill.", "RunFailed: the code"),
    "code that ends the interpreter": ("%%autocode --attempts 1\nExit.", "RunFailed: the code"),
    "code that prints without end": ("%%autocode --attempts 1\nFlood.", "RunFailed: the code was stopped"),
    "a result that is never defined": ("%%autocode --attempts 1 --out nothing\nGood.", "RunFailed: the code ran, but"),
    "a hostile update": ("%%autocode\nUpdate.", ""),
}
HOSTILE = (
    "from IPython.display import display\nh = display('a', display_id='x')\n"
    "display('b', display_id='0', update=True)\ndisplay('c', display_id='x', update=True)"
)
ANSWERS = {
    "Refuse": "I would rather not.",
    "Javascript": "```javascript\nlet x = 1\n```",
    "Loop": python("while True:\n    pass"),
    "Kill": python("import os\nos._exit(1)"),
    "Exit": python("raise SystemExit(3)"),
    "Flood": python("while True:\n    print('x' * 100000)"),
    "Good": python("r = 42\nr"),
    "Update": python(HOSTILE),
}


def test_each_kind_of_bad_input_gets_one_clear_message_and_the_next_cell_works(
    ask: Ask, errors_of: Errors, text_of: Text
) -> None:
    cells = ["def function(): pass"]
    for source, _ in BAD.values():
        cells += [source, "%%autocode --refresh\nGood, again."]
    environ = {
        "AUTOCODER_SANDBOX_WALL_TIME": "2",
        "AUTOCODER_POLICY_IMPORTS": "IPython",
        "AUTOCODER_POLICY_ALLOW": "process,private-attribute",
    }

    node, _ = ask(ANSWERS, *cells, env=environ, timeout=120)

    errors = errors_of(node)[1:]
    for index, (name, (_, wanted)) in enumerate(BAD.items()):
        assert errors[2 * index].startswith(wanted), (name, errors[2 * index])
        assert errors[2 * index + 1] == "", (name, errors[2 * index + 1])
        assert "42" in text_of(node.cells[2 * index + 2])
        traceback = text_of(node.cells[2 * index + 1])
        assert "jupyter_autocoder/" not in traceback, name


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (fault("unauthorized"), "KeyRefused"),
        (fault("insufficient_quota"), "QuotaExhausted"),
        (fault("html_error"), "ServerOverloaded"),
    ],
)
def test_a_server_that_refuses_is_one_clear_message(ask: Ask, errors_of: Errors, answer: Any, wanted: str) -> None:
    node, _ = ask([answer] * 10, "%%autocode\nDo.", "1 + 1", env={"AUTOCODER_MODEL_DEADLINE": "3"})

    assert errors_of(node)[0].startswith(wanted)
    assert errors_of(node)[1] == ""


@pytest.mark.parametrize(
    ("env", "wanted"),
    [
        ({}, "NoKey"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "AUTOCODER_MODEL_DEADLINE": "3"}, "ServerUnreachable"),
        ({"AUTOCODER_MODEL_NMAE": "x"}, "SettingsError"),
        ({"AUTOCODER_LOCKED": "1"}, "NotInLock"),
        ({"CI": "true"}, "NotInLock"),
    ],
)
def test_what_is_missing_here_is_one_clear_message(
    notebook: Any, errors_of: Errors, env: dict[str, str], wanted: str
) -> None:
    node = notebook.run("%%autocode\nDo.", "1 + 1", env=env)

    assert errors_of(node)[0].startswith(wanted)
    assert errors_of(node)[1] == ""


def test_without_bubblewrap_nothing_runs_and_the_message_says_what_to_install(
    notebook: Any, ask: Ask, errors_of: Errors, text_of: Text, tmp_path: Path
) -> None:
    (notebook.folder / "seen").mkdir()

    node, _ = ask(
        {"Make": python("r = 1")},
        "import os\nfrom jupyter_autocoder.sandbox.backends import bubblewrap\n"
        "bubblewrap.PREFERRED = os.environ['PATH'] = '/nowhere'",
        "%%autocode\nMake r.",
    )

    assert errors_of(node)[1].startswith("SandboxUnavailable")
    assert "bubblewrap" in text_of(node.cells[1])


def children_of(pid: int) -> set[int]:
    found: set[int] = set()
    for path in Path("/proc").glob(f"{pid}/task/*/children"):
        for child in map(int, path.read_text().split()):
            found |= {child} | children_of(child)
    return found


def all_gone(pids: set[int]) -> bool:
    """Whether these processes have ended within a moment; one that only waits to be reaped has."""
    deadline = time.monotonic() + 5
    while left := [pid for pid in pids if _state(pid) not in {"", "Z", "X"}]:
        if time.monotonic() > deadline:
            print("still there:", left)
            return False
        time.sleep(0.05)
    return True


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


SCRIPT = """
import sys, threading, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "jupyter_autocoder")
print("ready", flush=True)
for line in sys.stdin:
    result = shell.run_cell(line.replace("|", "\\n"))
    print("\\ndone", type(result.error_in_exec).__name__, flush=True)
"""


@pytest.mark.parametrize("moment", ["before the first token", "while the answer streams", "while the code runs"])
def test_an_interrupt_at_any_moment_stops_everything_and_the_next_cell_works(house: Path, moment: str) -> None:
    from jupyter_autocoder.testing import Reply

    slow = {
        "before the first token": fault("stall"),
        "while the answer streams": Reply(text=python("x = 1\n" * 200), pause=0.05),
        "while the code runs": python("import time\ntime.sleep(600)"),
    }[moment]
    with FakeOpenAI({"Wait": slow, "Make": python("print('made it')")}) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=house,
            env={**os.environ, "OPENAI_BASE_URL": server.base_url},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("%%autocode|Wait.\n")
            process.stdin.flush()
            deadline = time.monotonic() + 20
            while not server.requests and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(1.5)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            first = next(line for line in process.stdout if line.startswith("done"))
            took = time.monotonic() - started
            process.stdin.write("%%autocode|Make it.\n")
            process.stdin.flush()
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("done"):
                    break
            family = children_of(process.pid)
        finally:
            process.stdin.close()
            process.wait(30)
            process.stdout.close()

    assert first == "done KeyboardInterrupt\n"
    assert took < 8
    assert lines[-1] == "done NoneType\n"
    assert any("made it" in line for line in lines)
    assert server.disconnects == (0 if moment == "while the code runs" else 1)
    assert all_gone(family)
