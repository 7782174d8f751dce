"""The public fake server: what users' own tests rest on."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.testing import FAULTS, FakeOpenAI, Reply, ScriptedCall, fault
from jupyter_autocoder.testing.__main__ import main
from jupyter_autocoder.testing.replies import read_reply

ROOT = Path(__file__).parents[2]


def post(url: str, body: Any, *, key: str = "") -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", "authorization": f"Bearer {key}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def chat(server: FakeOpenAI, text: str = "Hi", **options: Any) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **options}
    status, answer = post(f"{server.base_url}/chat/completions", body)
    if status != 200:
        return f"{status}: {answer['error']['message']}"
    return str(answer["choices"][0]["message"]["content"])


def test_text_is_given_again_and_again() -> None:
    with FakeOpenAI("Hello") as server:
        assert [chat(server), chat(server)] == ["Hello", "Hello"]


def test_list_is_used_up_in_order_and_then_says_so() -> None:
    with FakeOpenAI(["one", Reply(text="two"), {"text": "three"}, lambda body: body["model"]]) as server:
        answers = [chat(server) for _ in range(5)]

    assert answers[:4] == ["one", "two", "three", "gpt-4o"]
    assert answers[4].startswith("400: FakeOpenAI: no answer is left")


def test_mapping_answers_by_a_part_of_the_last_message() -> None:
    with FakeOpenAI({"plot": "plt.plot()", "load": lambda body: "read_csv()"}) as server:
        assert chat(server, "please plot it") == "plt.plot()"
        assert chat(server, "load it") == "read_csv()"
        assert chat(server, "dance").startswith("400: FakeOpenAI: no key of the answers")


def test_mapping_reads_the_text_parts_of_a_picture_prompt() -> None:
    with FakeOpenAI({"dog": "It is a dog"}) as server:
        parts = [{"type": "text", "text": "Is this a dog?"}, {"type": "image_url", "image_url": {"url": "x"}}]

        status, answer = post(f"{server.base_url}/chat/completions", {"messages": [{"role": "user", "content": parts}]})

    assert (status, answer["choices"][0]["message"]["content"]) == (200, "It is a dog")


@pytest.mark.parametrize("broken", [lambda body: 1 / 0, lambda body: 7, [object()]], ids=["raises", "number", "object"])
def test_script_that_is_wrong_reaches_the_caller_as_an_answer(broken: Any) -> None:
    with FakeOpenAI(broken) as server:
        assert chat(server).startswith("400: FakeOpenAI: ")


def test_requests_are_kept_with_their_headers() -> None:
    with FakeOpenAI("Hello") as server:
        chat(server, "first")
        chat(server, "second", temperature=0)

    assert [request["messages"][0]["content"] for request in server.requests] == ["first", "second"]
    assert server.requests[1]["temperature"] == 0
    assert server.received[0].headers["content-type"] == "application/json"


def test_validation_refuses_unknown_keys_and_notes_them() -> None:
    with FakeOpenAI("Hello", validate=True) as server:
        assert chat(server) == "Hello"
        assert chat(server, temprature=1).startswith("400: Invalid request at $")

    assert len(server.problems) == 1
    assert "temprature" in server.problems[0]


def test_other_keys_than_the_one_asked_for_are_refused() -> None:
    with FakeOpenAI("Hello", api_key="sk-right") as server:
        url, body = f"{server.base_url}/chat/completions", {"model": "m", "messages": []}

        assert post(url, body, key="sk-wrong")[0] == 401
        assert post(url, body, key="sk-right")[0] == 200


@pytest.mark.parametrize(("path", "body"), [("/nowhere", {}), ("/chat/completions", b"{no json")])
def test_senseless_requests_get_an_error_object(path: str, body: Any) -> None:
    with FakeOpenAI() as server:
        status, answer = post(server.base_url + path, body)

    assert status in (400, 404)
    assert answer["error"]["type"] == "invalid_request_error"


def test_azure_paths_are_served_too() -> None:
    with FakeOpenAI("Hello") as server:
        root = server.base_url.removesuffix("/v1")
        url = f"{root}/openai/deployments/mine/chat/completions?api-version=2024-10-21"

        assert post(url, {"messages": [{"role": "user", "content": "Hi"}]})[0] == 200


def test_server_binds_to_loopback_alone_and_frees_its_port() -> None:
    with FakeOpenAI() as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        port = int(server.base_url.rpartition(":")[2].removesuffix("/v1"))

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_closing_ends_stalled_answers_and_every_thread() -> None:
    before = threading.active_count()
    with FakeOpenAI(fault("stall")) as server:
        threads = [threading.Thread(target=_ignore, args=(server,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(server.requests) < 3:
            time.sleep(0.01)
        began = time.monotonic()

    for thread in threads:
        thread.join(5)
    assert time.monotonic() - began < 3
    while threading.active_count() > before and time.monotonic() - began < 5:
        time.sleep(0.01)
    assert threading.active_count() == before
    server.close()


def _ignore(server: FakeOpenAI) -> None:
    with contextlib.suppress(OSError):
        chat(server)


def test_every_fault_has_a_maker_that_needs_no_options() -> None:
    assert all(isinstance(make(), Reply) for make in FAULTS.values())


def test_unknown_fault_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        fault("rate_limt")


@pytest.mark.parametrize("value", [7, None, {"txt": "x"}, {"fault": "nothing"}, []])
def test_data_that_is_no_answer_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"answer|fault"):
        read_reply(value)


def test_data_makes_the_reply_it_describes() -> None:
    assert read_reply({"calls": [{"name": "f", "arguments": "{}"}]}) == Reply(calls=(ScriptedCall(name="f"),))
    assert read_reply({"fault": "rate_limit", "retry_after": 2}) == fault("rate_limit", retry_after=2)


def test_server_runs_alone_and_serves_another_process(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(["Hello from afar", {"fault": "quota"}]))
    command = [sys.executable, "-m", "jupyter_autocoder.testing", "--answers", str(answers)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip() + "/chat/completions"
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
            first, second = post(url, body), post(url, body)
        finally:
            process.terminate()
        code = process.wait(10)

    assert first[1]["choices"][0]["message"]["content"] == "Hello from afar"
    assert second[0] == 429
    assert code == 0


@pytest.mark.parametrize(
    "content", ["{", "7", '[{"fault": "none"}]', '{"answers": {"a": 7}}', '{"text": 1, "oops": 2}']
)
def test_file_of_answers_that_is_wrong_is_named(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.json"
    path.write_text(content)

    assert main(["--answers", str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_importing_the_fakes_is_light() -> None:
    code = "import sys, jupyter_autocoder.testing; print(*{'openai', 'jsonschema', 'nbclient'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == ""
