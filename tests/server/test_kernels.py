"""A conversation of a notebook runs code in the notebook's own sandbox, asked through its kernel."""

from __future__ import annotations

import dataclasses
import json

import pytest

pytestmark = [pytest.mark.server, pytest.mark.kernel]
ABLE = """
import json, sys, types
module = types.ModuleType("jupyter_autocoder.magics")
def run_for_chat(source):
    output = {"output_type": "stream", "name": "stdout", "text": source}
    return json.dumps({"ok": True, "stdout": source, "outputs": [output], "duration": 0.25})
module.run_for_chat = run_for_chat
sys.modules["jupyter_autocoder.magics"] = module
"""

DATA = """
import math
import pandas as pd
prices = pd.DataFrame({"date": ["2024-01-01", "2024-01-02", "2024-01-03"], "sk-secret": [1, 2, 3]})
password = "hunter2"
_hidden = 1
def function(): pass
class Odd:
    def __len__(self): raise RuntimeError("hunter2")
    def head(self, rows): raise RuntimeError("hunter2")
odd = Odd()
"""


def test_a_kernel_without_the_magics_is_left_alone(notebook):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    assert call(kernels._evaluate(kernel, "1 + 1")).value == "2"

    assert call(kernels.find("a.ipynb")) is None
    assert call(kernels.find("other.ipynb")) is None


def test_code_goes_to_the_kernel_byte_for_byte_and_its_result_comes_back(notebook, server):
    kernels, call = notebook.kernels, notebook.call
    call(notebook.execute(ABLE))
    server.house.services = dataclasses.replace(server.house.services, notebooks=kernels)
    conversation = server.fetch("POST", "conversations", {"notebook": "a.ipynb"})[1]["id"]
    source = "x = '''quotes \" and \\\\n'''\nprint(x)"

    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="hello")
        message = tab.put("done")
        tab.send("execute", id="x1", conversation=conversation, message=message["id"], source=source)
        put = tab.until(lambda f: f["type"] == "put" and f["message"]["executions"][0]["state"] == "done")

    execution = put["message"]["executions"][0]
    assert execution["outputs"][0]["text"] == source
    assert execution["where"] == "the sandbox of a.ipynb"
    assert json.dumps(server.sandboxes.forgotten) == "[]"


def test_a_run_that_cannot_go_to_the_notebook_says_that_it_has_none_of_its_variables(notebook, server):
    kernels = notebook.kernels
    server.house.services = dataclasses.replace(server.house.services, notebooks=kernels)
    conversation = server.fetch("POST", "conversations", {"notebook": "a.ipynb"})[1]["id"]

    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/run print(1)")
        put = tab.until(
            lambda f: f["type"] == "put" and [item["state"] for item in f["message"]["executions"]] == ["done"]
        )

    execution = put["message"]["executions"][0]
    assert execution["where"] == "this conversation's sandbox"
    assert "a.ipynb has no free kernel" in execution["notes"][0]


def test_variables_are_told_by_what_they_are_and_never_by_what_they_hold(notebook, server):
    kernels, call = notebook.kernels, notebook.call
    call(notebook.execute(DATA))
    server.house.services = dataclasses.replace(server.house.services, notebooks=kernels)

    status, told = server.fetch("GET", "variables?notebook=a.ipynb")

    assert status == 200
    assert [item["name"] for item in told["variables"]] == ["odd", "password", "prices"]
    by_name = {item["name"]: item for item in told["variables"]}
    assert by_name["prices"]["text"] == (
        "prices: DataFrame[date: text, [key removed]: int64] (3 rows)"  # a column may be named by a secret
    )
    assert by_name["odd"]["type"] == "Odd"
    assert "hunter2" not in json.dumps(told)
    assert "2024-01-01" not in json.dumps(told)


def test_values_are_shown_only_where_the_settings_say_so(notebook, server):
    kernels, call = notebook.kernels, notebook.call
    call(notebook.execute(DATA))
    chosen = server.house.services.settings.replace("test", notebook__show_data=True, notebook__rows_shown=1)
    server.house.services = dataclasses.replace(server.house.services, notebooks=kernels, settings=chosen)

    told = server.fetch("GET", "variables?notebook=a.ipynb")[1]["variables"]

    texts = {item["name"]: item["text"] for item in told}
    assert "2024-01-01" in texts["prices"]
    assert "2024-01-02" not in texts["prices"]


def test_telling_variables_leaves_nothing_in_the_notebooks_kernel(notebook):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    before = call(kernels._evaluate(kernel, "sorted(globals())")).value

    call(kernels.variables("a.ipynb", rows=0))

    assert call(kernels._evaluate(kernel, "sorted(globals())")).value == before


def test_a_notebook_without_a_kernel_or_with_a_busy_one_says_what_to_do(notebook, server):
    kernels, call = notebook.kernels, notebook.call
    server.house.services = dataclasses.replace(server.house.services, notebooks=kernels)
    missing = server.fetch("GET", "variables?notebook=other.ipynb")
    call(notebook.execute("import time"))
    call(notebook.execute("time.sleep(4)", wait=0.3))

    busy = server.fetch("GET", "variables?notebook=a.ipynb")

    assert missing[0] == 400
    assert missing[1]["message"] == "no kernel runs for other.ipynb"
    assert missing[1]["do"] == "run a cell of the notebook, then try again"
    assert busy[0] == 400
    assert busy[1]["message"] == "the kernel of a.ipynb is busy with a cell"


def test_asking_leaves_nothing_in_the_notebooks_kernel(notebook):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    call(notebook.execute(ABLE))
    before = call(kernels._evaluate(kernel, "sorted(globals())")).value

    call(kernels.run(kernel, "y = 1", lambda output: None))

    assert call(kernels._evaluate(kernel, "sorted(globals())")).value == before
    assert call(kernels._evaluate(kernel, "get_ipython().execution_count")).value == "1"
