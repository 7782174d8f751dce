"""A conversation as a file."""

from __future__ import annotations

import nbformat
import pytest

from jupyter_autocoder.chat import (
    Attachment,
    Conversation,
    Execution,
    Footer,
    Message,
    Problem,
    to_markdown,
    to_notebook,
)

TALK = Conversation(id="c", title="Sorting", notebook="a.ipynb", created=0.0, changed=0.0)
MESSAGES = [
    Message(id="1", role="person", text="How?", time=0.0),
    Message(
        id="2",
        role="model",
        text="Like so:\n\n```python\nsorted(x)\n```\n\nor\n\n```bash\nsort x\n```\n",
        time=1.0,
        executions=(
            Execution(id="x", source="1", state="done", outputs=({"output_type": "stream", "text": "```\nevil"},)),
        ),
    ),
    Message(id="3", role="note", text="limits", time=2.0),
]


def test_a_notebook_has_the_words_as_markdown_and_python_as_code():
    notebook = to_notebook(TALK, MESSAGES)

    nbformat.validate(notebook)
    kinds = [(cell["cell_type"], cell["source"].splitlines()[-1]) for cell in notebook["cells"]]
    assert kinds == [
        ("markdown", "# Sorting"),
        ("markdown", "How?"),
        ("markdown", "Like so:"),
        ("code", "sorted(x)"),
        ("markdown", "```"),
    ]


def test_markdown_has_everything_and_an_output_cannot_close_its_fence():
    text = to_markdown(TALK, MESSAGES)

    assert text.startswith("# Sorting\n\nNotebook: `a.ipynb`")
    assert "````text\n```\nevil\n````" in text
    assert "limits" in text


def test_an_empty_conversation_can_be_exported():
    nbformat.validate(to_notebook(TALK, []))

    assert to_markdown(TALK, []) == "# Sorting\n\nNotebook: `a.ipynb`\n"


def test_blocks_that_can_be_run_become_code_cells_whatever_their_label_says():
    said = "```Python\na\n```\n\n```\nb\n```\n\n1. x\n   ```ipython\n   c\n   ```\n\n```json\n{}\n```"
    notebook = to_notebook(TALK, [Message(id="1", role="model", text=said, time=0.0)])

    nbformat.validate(notebook)
    assert [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"] == ["a", "b", "c"]
    assert notebook["cells"][-1]["source"] == "```json\n{}\n```"


def test_an_answer_that_was_cut_in_its_code_does_not_swallow_what_follows():
    cut = Message(id="1", role="model", text="Do:\n\n```python\nx = [", time=0.0, state="stopped")
    after = Message(id="2", role="person", text="Go **on**", time=1.0)

    text = to_markdown(TALK, [cut, after])
    cells = to_notebook(TALK, [cut, after])["cells"]

    assert "```python\nx = [\n```\n\n## You" in text
    assert text.endswith("\n\nGo **on**\n")
    assert [cell["cell_type"] for cell in cells] == ["markdown"] * 3


@pytest.mark.parametrize("role", ["person", "model", "note"])
def test_an_export_fetches_nothing_and_has_no_html(role):
    evil = "<img src=http://evil/1>![a](http://evil/2)"
    message = Message(
        id="1",
        role=role,
        text=evil,
        time=0.0,
        attachments=(Attachment(kind="file", label=evil, text=""),),
        problem=Problem(kind="K", what=f"broken\n\n{evil}"),
        footer=Footer(model=evil),
    )
    talk = Conversation(id="c", title=evil, notebook=f"`{evil}", created=0.0, changed=0.0)

    text = to_markdown(talk, [message])
    cells = [cell["source"] for cell in to_notebook(talk, [message])["cells"]]

    for written in (text.replace(f"`` `{evil} ``", ""), *cells):
        assert "<img" not in written
        assert "![" not in written
        assert "`http://evil/2`" in written
