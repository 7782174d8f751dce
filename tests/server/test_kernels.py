"""A conversation of a notebook runs code in the notebook's own sandbox, asked through its kernel."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest

from jupyter_autocoder.server.kernels import Kernels

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


@pytest.fixture
def notebook(server):
    """A notebook's session with a real kernel; returns what runs a coroutine on the server's loop."""
    created = server.jupyter(
        "POST", "api/sessions", {"path": "a.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
    )
    kernels = Kernels(server.app.session_manager, server.app.kernel_manager)

    def call(work, *, seconds: float = 30):
        return asyncio.run_coroutine_threadsafe(work, server.loop).result(seconds)

    yield kernels, call, created["kernel"]["id"]
    server.jupyter("DELETE", f"api/sessions/{created['id']}")


async def _define(kernels: Kernels, kernel: str) -> None:
    async with kernels._client(kernel) as client:
        client.execute(ABLE, silent=True)
        await client.get_shell_msg(timeout=20)


def test_a_kernel_without_the_magics_is_left_alone(notebook):
    kernels, call, kernel = notebook
    assert call(kernels._evaluate(kernel, "1 + 1")) == "2"

    assert call(kernels.find("a.ipynb")) is None
    assert call(kernels.find("other.ipynb")) is None


def test_code_goes_to_the_kernel_byte_for_byte_and_its_result_comes_back(notebook, server):
    kernels, call, kernel = notebook
    call(_define(kernels, kernel))
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


def test_asking_leaves_nothing_in_the_notebooks_kernel(notebook):
    kernels, call, kernel = notebook
    call(_define(kernels, kernel))
    before = call(kernels._evaluate(kernel, "sorted(globals())"))

    call(kernels.run(kernel, "y = 1", lambda output: None))

    assert call(kernels._evaluate(kernel, "sorted(globals())")) == before
    assert call(kernels._evaluate(kernel, "get_ipython().execution_count")) == "1"
