"""Conversations with the model: persisted, streamed, with the last messages as context."""

from __future__ import annotations

from jupyter_autocoder.chat.answer import Client, answer
from jupyter_autocoder.chat.commands import COMMANDS, Command, code_of, help_text, last_block, read_command_line
from jupyter_autocoder.chat.context import Shown, plain_outputs, shown
from jupyter_autocoder.chat.export import to_markdown, to_notebook
from jupyter_autocoder.chat.history import History
from jupyter_autocoder.chat.records import (
    Attachment,
    Conversation,
    Execution,
    Footer,
    Malformed,
    Message,
    Problem,
    decode,
    encode,
    problem_of,
)

__all__ = [
    "COMMANDS",
    "Attachment",
    "Client",
    "Command",
    "Conversation",
    "Execution",
    "Footer",
    "History",
    "Malformed",
    "Message",
    "Problem",
    "Shown",
    "answer",
    "code_of",
    "decode",
    "encode",
    "help_text",
    "last_block",
    "plain_outputs",
    "problem_of",
    "read_command_line",
    "shown",
    "to_markdown",
    "to_notebook",
]
