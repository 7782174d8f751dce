"""Code that a notebook's kernel runs for a conversation is shown while it runs, and no kernel's end is waited out."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time

import pytest

from jupyter_autocoder.errors import SandboxDied

pytestmark = [pytest.mark.server, pytest.mark.kernel]
SLOW = "import time\nfor i in range(4):\n    print(i, flush=True)\n    time.sleep(0.7)"
SLEEPER = """
import json, sys, time, types
module = types.ModuleType("jupyter_autocoder.magics")
def run_for_chat(source):
    time.sleep(float(source))
    return json.dumps({"ok": True, "stdout": source})
module.run_for_chat = run_for_chat
sys.modules["jupyter_autocoder.magics"] = module
"""


# A kernel with its own idea of what to send meanwhile; `send(...)` is for the request that is answered.
TALKER = """
import json, sys, types
module = types.ModuleType("jupyter_autocoder.magics")
def run_for_chat(source):
    kernel = get_ipython().kernel
    parent = kernel.get_parent()
    topic = f"jupyter_autocoder_output.{parent['header']['session']}".encode()
    def send(content, kind="jupyter_autocoder_output", parent=parent, topic=topic):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=parent, ident=topic)
    def say(number, text):
        send({"number": number, "output": {"output_type": "stream", "name": "stdout", "text": text}})
    names = {"send": send, "say": say, "answer": json.dumps({"ok": True, "stdout": "the end"})}
    exec(source, names)
    return names["answer"]
module.run_for_chat = run_for_chat
sys.modules["jupyter_autocoder.magics"] = module
"""
STREAM = "{'output_type': 'stream', 'name': 'stdout', 'text': 'x'}"
MALFORMED = {
    "no output": "send({'number': 0})",
    "not an object": "send({'number': 0, 'output': 'text'})",
    "a list": "send(b'[0]')",
    "a word for the number": f"send({{'number': '0', 'output': {STREAM}}})",
    "more keys": f"send({{'number': 0, 'output': {STREAM}, 'more': 1}})",
    "of another kind": f"send({{'number': 0, 'output': {STREAM}}}, kind='other')",
    "a display": "send({'data': {'text/plain': 'x'}, 'metadata': {}}, kind='display_data')",
    "of another run": f"send({{'number': 0, 'output': {STREAM}}}, parent={{'header': {{'msg_id': 'other'}}}})",
    "for another session": f"send({{'number': 0, 'output': {STREAM}}}, topic=b'jupyter_autocoder_output.other')",
    "not the first": "say(1, 'x')",
    "too large": "say(0, 'x' * 3_000_000)",
}


@pytest.mark.sandbox
def test_what_the_code_says_is_shown_while_it_runs(notebook):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    call(notebook.execute("%load_ext jupyter_autocoder"))
    call(kernels.run(kernel, "1", lambda output: None), seconds=60)
    shown: list[tuple[float, str]] = []

    run = call(kernels.run(kernel, SLOW, lambda output: shown.append((time.monotonic(), output["text"]))), seconds=60)

    assert run.stdout == "0\n1\n2\n3\n"
    assert "".join(text for _, text in shown) == run.stdout
    assert shown[-1][0] - shown[0][0] > 1.0


@pytest.mark.sandbox
def test_code_of_a_conversation_has_the_notebooks_variables_and_leaves_them_alone(notebook, server):
    call = notebook.call
    call(notebook.execute("%load_ext jupyter_autocoder\na = 41\nrows = [3, 1]\ndef helper(): pass"))
    server.house.services = dataclasses.replace(server.house.services, notebooks=notebook.kernels)
    conversation = server.fetch("POST", "conversations", {"notebook": "a.ipynb"})[1]["id"]
    done: list[dict] = []

    with server.tab() as tab:
        tab.open(conversation)
        for number, code in enumerate(["a = a + 1\nprint(a, sorted(rows))", "print(a)", "helper()"]):
            tab.send("ask", id=f"q{number}", conversation=conversation, text=f"/run\n```python\n{code}\n```")
            frame = tab.until(
                lambda f: (
                    f["type"] == "put"
                    and [e["state"] in ("done", "failed") for e in f["message"]["executions"]] == [True]
                ),
                seconds=60,
            )
            done += frame["message"]["executions"]

    sent, kept, refused = done
    assert sent["where"] == "the sandbox of a.ipynb"
    assert sent["outputs"][0]["text"] == "42 [1, 3]\n"
    assert sent["notes"][1:] == ["Sent in from the notebook: a, rows."]
    assert kept["outputs"][0]["text"] == "42\n"
    assert kept["notes"][1:] == ["Made by an earlier run here, not the notebook's: a."]
    assert "helper is a function" in refused["notes"][1]
    assert "NameError" in refused["problem"]["what"]
    assert call(notebook.kernels._evaluate(notebook.kernel, "(a, rows)")).value == "(41, [3, 1])"


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_notebooks_run_gave_is_shown_to_the_model_only_where_the_settings_say_so(notebook, server, shown):
    told = '"outputs": [{"output_type": "stream", "name": "stdout", "text": "hunter2"}]'
    notebook.call(notebook.execute(SLEEPER.replace('"stdout": source', told)))
    services = server.house.services
    chosen = services.settings.replace("test", notebook__show_data=shown)
    server.house.services = dataclasses.replace(services, notebooks=notebook.kernels, settings=chosen)
    conversation = server.fetch("POST", "conversations", {"notebook": "a.ipynb"})[1]["id"]
    server.client.script = ["```python\n0\n```"]

    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="code")
        message = tab.put("done")
        tab.send("execute", id="x1", conversation=conversation, message=message["id"], source="0")
        put = tab.until(lambda f: f["type"] == "put" and [e["state"] for e in f["message"]["executions"]] == ["done"])
        tab.send("ask", id="q2", conversation=conversation, text="and now?")
        tab.until(
            lambda f: f["type"] == "put" and f["message"]["role"] == "model" and f["message"]["id"] != message["id"]
        )
        tab.put("done")

    (execution,) = put["message"]["executions"]
    assert execution["outputs"][0]["text"] == "hunter2"
    assert any("show_data is off" in note for note in execution["notes"]) is not shown
    assert ("hunter2" in json.dumps(server.client.asked[-1])) is shown


def test_a_second_question_takes_no_answer_away_from_the_first(notebook):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    call(notebook.execute(SLEEPER))

    first = notebook.begin(kernels.run(kernel, "2", lambda output: None))
    time.sleep(0.5)
    second = call(kernels.find("a.ipynb"))

    assert second is None
    assert first.result(10).stdout == "2"


@pytest.mark.parametrize("end", ["restart", "kill", "shutdown"])
def test_a_kernel_that_ends_meanwhile_ends_the_run(notebook, end):
    kernels, call, kernel = notebook.kernels, notebook.call, notebook.kernel
    call(notebook.execute(SLEEPER))
    running = notebook.begin(kernels.run(kernel, "60", lambda output: None))
    time.sleep(0.5)

    began = time.monotonic()
    notebook.end(end)

    # A restart interrupts first, so a kernel may find the time to say so.
    with pytest.raises(SandboxDied, match=r"was lost|was interrupted"):
        running.result(15)
    assert time.monotonic() - began < 10


def test_stop_reaches_the_code_and_the_kernel_is_free_at_once(notebook, server):
    call, kernel = notebook.call, notebook.kernel
    call(notebook.execute(SLEEPER))
    server.house.services = dataclasses.replace(server.house.services, notebooks=notebook.kernels)
    conversation = server.fetch("POST", "conversations", {"notebook": "a.ipynb"})[1]["id"]

    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/run 60")
        tab.until(lambda f: f["type"] == "put" and [e["state"] for e in f["message"]["executions"]] == ["running"])
        time.sleep(0.5)
        began = time.monotonic()
        tab.send("stop", conversation=conversation)
        tab.until(lambda f: f["type"] == "put" and [e["state"] for e in f["message"]["executions"]] == ["stopped"])

    assert time.monotonic() - began < 3
    assert call(notebook.kernels.find("a.ipynb")) == kernel


@pytest.mark.sandbox
def test_other_front_ends_get_nothing_that_they_would_show(notebook):
    notebook.call(notebook.execute("%load_ext jupyter_autocoder"))

    async def overhear() -> list[str]:
        async with notebook.client() as client:
            client.kernel_info()
            while (await client.get_iopub_msg(timeout=10))["parent_header"].get("msg_type") != "kernel_info_request":
                pass
            await notebook.kernels.run(notebook.kernel, "print(1)\n1/0", lambda output: None)
            kinds = []
            while "idle" not in kinds:
                message = await client.get_iopub_msg(timeout=10)
                if message["parent_header"].get("msg_type") != "kernel_info_request":
                    kinds.append(message["content"].get("execution_state", message["msg_type"]))
            return kinds

    kinds = notebook.call(overhear(), seconds=60)

    assert kinds == ["iopub_welcome", "busy", "jupyter_autocoder_output", "jupyter_autocoder_output", "idle"]


def test_what_comes_is_shown_in_its_order_until_something_is_missing(notebook):
    notebook.call(notebook.execute(TALKER))
    shown = []
    source = "for number in (0, 1, 1, 0, 2, 4, 3, 5): say(number, str(number))\nimport time; time.sleep(0.5)"

    run = notebook.call(notebook.kernels.run(notebook.kernel, source, lambda output: shown.append(output["text"])))

    assert "".join(shown) == "0123"
    assert run.stdout == "the end"


def test_what_is_no_output_of_this_run_is_not_shown(notebook):
    notebook.call(notebook.execute(TALKER))
    pause = "\nimport time; time.sleep(0.2)"
    shown: dict[str, list[object]] = {}

    for name, source in MALFORMED.items():
        shown[name] = []
        run = notebook.call(notebook.kernels.run(notebook.kernel, source + pause, shown[name].append))
        assert run.stdout == "the end", name

    assert shown == {name: [] for name in MALFORMED}


def test_a_flood_is_cut_while_the_server_goes_on(notebook):
    notebook.call(notebook.execute(TALKER))
    small = "for number in range(10_000): say(number, 'x')"
    large = "for number in range(300): say(number, 'x' * 100_000)"
    shown: dict[str, list[str]] = {small: [], large: []}
    lags: list[float] = []

    async def measure() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - began)

    measuring = notebook.begin(measure())
    for source, texts in shown.items():
        notebook.call(
            notebook.kernels.run(notebook.kernel, source, lambda output, texts=texts: texts.append(output["text"])),
            seconds=60,
        )
    measuring.cancel()

    assert 0 < len(shown[small]) <= 2000
    assert 0 < sum(map(len, shown[large])) < 2 * 2**20
    assert max(lags) < 1.0


def test_an_answer_that_is_too_large_is_not_waited_for(notebook):
    notebook.call(notebook.execute(TALKER))

    with pytest.raises(SandboxDied, match="was lost"):
        notebook.call(notebook.kernels.run(notebook.kernel, "answer = 'x' * 70_000_000", lambda output: None))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise KeyboardInterrupt", "was interrupted in the notebook's kernel"),
        ("raise ValueError('no room\\x1b[31m')", "ValueError: no room"),
        ("answer = 1", "gave no result"),
        ("answer = '[' * 100_000", "gave no result"),
        ("answer = json.dumps({'ok': True, 'outputs': [1]})", "gave no result"),
    ],
)
def test_what_is_no_result_is_told_as_what_it_is(notebook, source, told):
    notebook.call(notebook.execute(TALKER))

    with pytest.raises(SandboxDied, match=told) as failed:
        notebook.call(notebook.kernels.run(notebook.kernel, f"import json\n{source}", lambda output: None))
    assert "\x1b" not in str(failed.value)
