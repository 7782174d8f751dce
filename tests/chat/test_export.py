"""A conversation as a file."""

from __future__ import annotations

import nbformat

from jupyter_autocoder.chat import Conversation, Execution, Message, to_markdown, to_notebook

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
