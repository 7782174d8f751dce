"""A conversation as a file: Markdown to read, or a notebook whose code cells are the answer's code blocks.

Whatever opens it fetches no image and takes no HTML: see `chat.markdown`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_autocoder.chat.context import plain_outputs
from jupyter_autocoder.chat.markdown import fenced, harmless, parts, quiet, span, written
from jupyter_autocoder.chat.records import Conversation, Execution, Message

_WHO = {"person": "You", "model": "Assistant", "note": "Note"}


def to_markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
    """Give the conversation as one Markdown text."""
    pieces = [_title(conversation)]
    if conversation.notebook:
        pieces.append(f"Notebook: {span(conversation.notebook)}")
    for message in messages:
        pieces.append(f"## {_heading(message)}")
        pieces += [text for text in (harmless(message.text), *_extras(message)) if text]
    return "\n\n".join(pieces) + "\n"


def to_notebook(conversation: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """Give the conversation as a notebook (nbformat 4.5): words become Markdown cells, Python blocks code cells.

    Outputs are left out: they belong to the sandbox that made them, not to the kernel that will run the notebook.
    """
    cells = [_markdown(_title(conversation))]
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
    words = [f"**{_heading(message)}**"]
    for part in parts(message.text):
        if part.runs:
            if words:
                yield _markdown("\n\n".join(words))
            yield _cell("code", part.text.rstrip("\n"), execution_count=None, outputs=[])
            words = []
        else:
            words.append(written(part))
    if words:
        yield _markdown("\n\n".join(words))


def _markdown(source: str) -> dict[str, Any]:
    return _cell("markdown", source)


def _cell(kind: str, source: str, **more: Any) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex[:8], "cell_type": kind, "metadata": {}, "source": source, **more}


def _title(conversation: Conversation) -> str:
    return f"# {_line(conversation.title) or 'Conversation'}"


def _heading(message: Message) -> str:
    when = datetime.fromtimestamp(message.time, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    model = f" ({_line(message.footer.model)})" if message.footer and message.footer.model else ""
    return f"{_WHO[message.role]}{model}, {when}"


def _line(text: str) -> str:
    return quiet(" ".join(text.split()))


def _extras(message: Message) -> Iterator[str]:
    for attachment in message.attachments:
        yield f"Attached: {_line(attachment.label)}"
    if message.problem is not None:
        yield f"> {_line(message.problem.what)}"
    for execution in message.executions:
        yield _execution(execution)


def _execution(execution: Execution) -> str:
    return f"Run in the sandbox ({execution.state}):\n\n{fenced(plain_outputs(execution.outputs), 'text')}"
