"""Slash commands, and what counts as code."""

from __future__ import annotations

import pytest

from jupyter_autocoder.chat import COMMANDS, Command, code_of, help_text, last_block, read_command_line


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", Command(name="help")),
        ("  /usage  ", Command(name="usage")),
        ("/trade Buy 10 shares of AAPL", Command(name="trade", rest="Buy 10 shares of AAPL")),
        ("/run\n```python\nx\n```", Command(name="run", rest="```python\nx\n```")),
    ],
)
def test_a_command_is_read(text, command):
    assert read_command_line(text) == command


@pytest.mark.parametrize("text", ["/home/me is full", "what is /help?", "a / b", "/", "/1", "", "//x"])
def test_what_only_looks_like_a_command_is_a_sentence(text):
    assert read_command_line(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1", "x = 1"),
        ("```python\nx = 1\n```", "x = 1\n"),
        ("first\n```py\na\n```\nthen\n~~~\nb\n~~~", "b\n"),
        ("```json\n{}\n```", ""),
        ("x = '''\n```html\n<b>\n```\n'''", "x = '''\n```html\n<b>\n```\n'''"),
        ("", ""),
    ],
)
def test_the_code_of_a_text(text, code):
    assert code_of(text) == code


def test_the_last_block_is_the_newest_texts_last():
    texts = ["```python\nold\n```", "```python\na\n```\n```python\nb\n```", "no code"]

    assert last_block(texts) == "b\n"
    assert last_block(["none"]) == ""


def test_help_names_every_command():
    assert all(f"`/{name}`" in help_text() for name in COMMANDS)
