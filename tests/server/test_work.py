"""What comes of a run is shown whatever it is: an output that is none is left out, and the conversation goes on."""

from __future__ import annotations

import dataclasses

import pytest

from jupyter_autocoder.events import Run

pytestmark = pytest.mark.server
GOOD = {"output_type": "stream", "name": "stdout", "text": "good"}


def deep(depth: int) -> dict[str, object]:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return {"output_type": "display_data", "data": {"application/json": value}, "metadata": {}}


class Given:
    """Runs nothing; gives an output as it stands."""

    def __init__(self, output: dict[str, object]) -> None:
        self.output = output

    async def run(self, conversation, source, on_output):
        for output in (self.output, GOOD):
            on_output(output)
        return Run(ok=True, outputs=(self.output, GOOD))

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(deep(900), id="too deep for whoever writes it down"),
        pytest.param({"output_type": "stream", "name": "stdout"}, id="no text"),
        pytest.param({"output_type": "stream", "name": "stdout", "text": 7}, id="no string"),
        pytest.param({"output_type": "clear_output", "wait": True}, id="no output at all"),
    ],
)
def test_an_output_that_cannot_be_shown_is_left_out_with_a_word(server, output):
    server.house.services = dataclasses.replace(server.house.services, sandboxes=Given(output))
    conversation = server.begin()

    with server.tab() as tab:
        tab.open(conversation)
        tab.send("ask", id="q1", conversation=conversation, text="/run 1")
        live = tab.until(lambda frame: frame["type"] == "output")
        put = tab.until(lambda f: f["type"] == "put" and [e["state"] for e in f["message"]["executions"]] == ["done"])
        kept = tab.open(conversation)

    execution = put["message"]["executions"][0]
    assert live["output"] == GOOD
    assert execution["outputs"] == [GOOD]
    assert "left out" in execution["notes"][0]
    assert kept["messages"][-1]["executions"] == [execution]
