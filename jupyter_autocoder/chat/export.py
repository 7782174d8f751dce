"""A conversation as a file: Markdown to read, or a notebook whose code cells are the answer's code blocks."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_autocoder.chat.context import plain_outputs
from jupyter_autocoder.chat.records import Conversation, Execution, Message

_PARTS = re.compile(
    r"^(`{3,}|~{3,})[ \t]*(?:python|py|python3|ipython)[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE
)
_WHO = {"person": "You", "model": "Assistant", "note": "Note"}


def to_markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
    """Give the conversation as one Markdown text."""
    parts = [f"# {conversation.title or 'Conversation'}"]
    if conversation.notebook:
        parts.append(f"Notebook: `{conversation.notebook}`")
    for message in messages:
        parts.append(f"## {_heading(message)}")
        parts += [text for text in (message.text.strip(), *_extras(message)) if text]
    return "\n\n".join(parts) + "\n"


def to_notebook(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Give the conversation as a notebook (nbformat 4.5): words become Markdown cells, Python blocks code cells.

    Outputs are left out: they belong to the sandbox that made them, not to the kernel that will run the notebook.
    """
    cells = [_markdown(f"# {conversation.title or 'Conversation'}")]
    for message in messages:
        if message.role == "note":
            continue
        cells += _cells(message)
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": cells,
    }


def _cells(message: Message) -> Iterator[dict[str, Any]]:
    words = f"**{_heading(message)}**\n\n"
    position = 0
    for block in _PARTS.finditer(message.text):
        words += message.text[position : block.start()].strip()
        if words:
            yield _markdown(words)
        yield _cell("code", block[2].rstrip("\n"), execution_count=None, outputs=[])
        position, words = block.end(), ""
    words += message.text[position:].strip()
    if words:
        yield _markdown(words)


def _markdown(source: str) -> dict[str, Any]:
    return _cell("markdown", source)


def _cell(kind: str, source: str, **more: Any) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex[:8], "cell_type": kind, "metadata": {}, "source": source, **more}


def _heading(message: Message) -> str:
    when = datetime.fromtimestamp(message.time, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    model = f" ({message.footer.model})" if message.footer and message.footer.model else ""
    return f"{_WHO[message.role]}{model}, {when}"


def _extras(message: Message) -> Iterator[str]:
    for attachment in message.attachments:
        yield f"Attached: {attachment.label}"
    if message.problem is not None:
        yield f"> {message.problem.what}"
    for execution in message.executions:
        yield _execution(execution)


def _execution(execution: Execution) -> str:
    outputs = plain_outputs(execution.outputs)
    # A fence longer than any inside keeps a hostile output from closing it.
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", outputs)), default=0))
    return f"Run in the sandbox ({execution.state}):\n\n{fence}text\n{outputs}\n{fence}"
