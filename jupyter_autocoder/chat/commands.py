"""The slash commands: ``/run``, ``/trade``, ``/usage``, ``/limits``, ``/clear``, ``/help``."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from jupyter_autocoder.chat.markdown import parts

COMMANDS: dict[str, str] = {
    "run": "run the last code block of the conversation in the sandbox, or the code that follows",
    "trade": "prepare a trade from a sentence; nothing is sent before you confirm it",
    "usage": "show what was used today and this month",
    "limits": "show the limits and what is left of them",
    "clear": "delete the messages of this conversation",
    "help": "show these commands",
}
_COMMAND = re.compile(r"/([a-z]+)(?:\s+(.*))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and what follows it."""

    name: str
    rest: str = ""


def read_command_line(text: str) -> Command | None:
    """Read a slash command; None when the text is none (``/home/me is full`` is a sentence)."""
    found = _COMMAND.fullmatch(text.strip())
    if found is None:
        return None
    return Command(name=found[1], rest=(found[2] or "").strip())


def code_of(text: str) -> str:
    """Give the text itself when it is Python, else the code of its last fenced Python block."""
    if _is_python(text):
        return text.strip()
    blocks = [part for part in parts(text) if part.language is not None]
    if not blocks:
        return text.strip()
    return next((block.text for block in reversed(blocks) if block.runs), "")


def _is_python(text: str) -> bool:
    try:
        ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def last_block(texts: list[str]) -> str:
    """Give the last fenced Python block of the newest text that has one, empty when there is none."""
    blocks = (part.text for text in reversed(texts) for part in reversed(list(parts(text))) if part.runs)
    return next(blocks, "")


def help_text() -> str:
    """Give the list of commands as Markdown."""
    return "\n".join(f"- `/{name}`: {what}" for name, what in COMMANDS.items())
