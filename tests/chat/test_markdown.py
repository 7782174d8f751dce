"""Words and code of a Markdown text, and what is written so that no program is made to fetch or obey anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import mistune
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from jupyter_autocoder.chat.markdown import Part, harmless, parts

LIVELY = frozenset({"html_block", "html_inline", "image", "block_html", "inline_html"})
pieces = st.sampled_from([
    "`", "``", "```", "~~~", "````", "\n", "\n\n", " ", "   ", "    ", "- ", "> ", "1. ", "|", "\n| - | - |\n", "\\",
    "$", "<img src=http://evil/x>", "<b>", "</p>", "<!--", "-->", "![", "![a](http://evil/x)", "![a][r]", 
    "\n[r]: http://evil/x", "](", ")", "]", "[", "<", "!", "a", "*", "\npython", "mermaid", "\t", "\r", "\x00",
    "<http://evil/x>", "&lt;", "\\begin{a}",
])  # fmt: skip


def readers(text: str) -> Iterator[str]:
    """The kinds of what two readers of Markdown see in a text, HTML and tables included."""
    tokens: list[Token] = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    for token in tokens:
        yield token.type
        yield from (inner.type for inner in token.children or ())
    waiting: list[Any] = list(mistune.create_markdown(renderer=None, plugins=["table"])(text))
    while waiting:
        node = waiting.pop()
        yield node["type"]
        waiting += node.get("children", ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("just words", [Part(text="just words")]),
        ("```Python\nx\n```", [Part(text="x\n", language="python")]),
        ("```\nx\n```\nend", [Part(text="x\n", language=""), Part(text="end")]),
        ("~~~~ js title\n~~~\n~~~~~", [Part(text="~~~\n", language="js")]),
        ("a\n```py\nx", [Part(text="a"), Part(text="x\n", language="py", closed=False)]),
        ("1. a\n   ```py\n   if x:\n       y\n   ```", [Part(text="1. a"), Part(text="if x:\n    y\n", language="py")]),
        ("- ```py\n  x\n  ```\nend", [Part(text="-"), Part(text="x\n", language="py"), Part(text="end")]),
        ("```py\n'''\n    ```\n'''\n```", [Part(text="'''\n    ```\n'''\n", language="py")]),
        ("``` not `a` fence", [Part(text="``` not `a` fence")]),
        ("```py\r\nx\r\n```", [Part(text="x\n", language="py")]),
        ("", []),
    ],
)
def test_a_text_is_read_as_words_and_code(text, found):
    assert list(parts(text)) == found


@pytest.mark.parametrize(
    ("language", "closed", "runs"),
    [("python", True, True), ("", True, True), ("python", False, False), ("bash", True, False), (None, True, False)],
)
def test_what_the_sidebar_offers_to_run_is_known(language, closed, runs):
    assert Part(text="x", language=language, closed=closed).runs is runs


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a < b, *fine* `x <y>` [link](http://x)", "a < b, *fine* `x <y>` [link](http://x)"),
        ("<img src=x> and `<b>`", "&#60;img src=x> and `<b>`"),
        ('![a cat](http://evil/x.png "t")', "a cat (`http://evil/x.png`)"),
        ("![](<http://evil/a b>)", "image (`http://evil/a b`)"),
        ("[![a](http://evil/x)](http://y)", "[a (`http://evil/x`)](http://y)"),
        ("![a][ref]", "&#33;[a][ref]"),
        (r"\<b> \`<i> \![x](y) \\ ![a](b)", r"&#60;b> &#96;&#60;i> &#33;[x](y) &#92; a (`b`)"),
        ("```mermaid\nA@{ img: 'http://evil/x' }\n```", "```text\nA@{ img: 'http://evil/x' }\n```"),
        ("```html\n<img src=x>\n```", "```html\n<img src=x>\n```"),
        ("~~~\n```\n~~~", "````\n```\n````"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
    ],
)
def test_words_keep_their_form_and_nothing_lives(text, written):
    assert harmless(text) == written


@given(st.lists(pieces, max_size=25).map("".join))
@example("| `a | <img> |\n| - | - |\n| `a | <img/x>` |")
@example("- ```\n  a\n```\n<img>\n```\n<img>\n```")
@example("`\n`<img>`")
@example("\\`<img>`")
@example("`a|b` `<img>` `\n| - | - |")
def test_no_reader_finds_an_image_or_html_in_what_was_written(text):
    assert not LIVELY & set(readers(harmless(text)))


@given(st.lists(pieces, max_size=25).map("".join))
def test_written_anew_the_code_is_the_same_and_every_fence_is_closed(text):
    before = [part.text for part in parts(text) if part.language is not None]

    after = [part for part in parts(harmless(text)) if part.language is not None]

    assert [part.text.strip("\n") for part in after] == [code.strip("\n") for code in before]
    assert all(part.closed for part in after)


@pytest.mark.parametrize("piece", ["`", "![", "<a", "\\", "`` ` ", "![a](", "[", "![[a]", "- ", "```\n", "a `<b>`"])
def test_a_long_text_takes_no_long_time(piece):
    text = piece * (100_000 // len(piece))

    began = time.perf_counter()
    harmless(text)

    assert time.perf_counter() - began < 2
