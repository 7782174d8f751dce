"""Markdown of a model or a person, read into words and code, and made harmless for whatever program opens it.

An exported file is opened by programs that fetch the images of a text and take the HTML in it. The readers of Markdown
do not agree on where code begins and ends, so nothing relies on that: what may be read in two ways is written anew in
a form that all of them read in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_RUNS = frozenset({"", "python", "py", "python3", "ipython"})
# Drawn by notebooks as a picture, with whatever pictures it asks for.
_DRAWN = frozenset({"mermaid"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# In a list a fence is indented, and may stand behind the item's mark.
_OPENING = re.compile(r"(?P<lead>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_PARAGRAPHS = re.compile(r"(\n(?:[ \t]*\n)+)")
_TAG = r"<(?=[A-Za-z/!?])"
_LIVELY = re.compile(rf"{_TAG}|!\[")
_MARKS = re.compile(
    rf"""
    \\(?P<escaped>.)
    | (?P<ticks>(?<!`)`+(?!`)) (?P<code>[^\n]*?[^`\n]) (?P=ticks)(?!`)
    | !\[ (?P<words>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*\])*) \]
      \([ \t]* (?:<(?P<quoted>[^<>\n]*)>|(?P<address>[^\s()<>]*)) (?:[ \t]+(?:"[^"\n]*"|'[^'\n]*'))? [ \t]*\)
    | (?P<mark>`|{_TAG}|!(?=\[))
    """,
    re.VERBOSE,
)
# In a table, a formula or behind a backslash, a span of code with these ends where others do not see its end.
_SPLITTING = re.compile(r"[|$\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a text: words, or code where `language` is a text (empty: its fence names none).

    Code that is not `closed` was cut off: its fence is open at the end of the text.
    """

    text: str
    language: str | None = None
    closed: bool = True

    @property
    def runs(self) -> bool:
        """Whether it is code that the sidebar offers to run."""
        return self.closed and self.language is not None and self.language in _RUNS


def parts(text: str) -> Iterator[Part]:
    """Read a Markdown text as words and fenced code in turn."""
    words: list[str] = []
    lines = iter(_CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"))
    for line in lines:
        opening = _OPENING.fullmatch(line)
        if opening is None or (opening["fence"][0] == "`" and "`" in opening["info"]):
            words.append(line)
            continue
        if opening["lead"].strip():
            words.append(opening["lead"])
        yield from _words(words)
        words = []
        yield _code(lines, opening)
    yield from _words(words)


def _words(lines: list[str]) -> Iterator[Part]:
    text = "\n".join(lines)
    if text.strip():
        yield Part(text=text.strip("\n").rstrip())


def _code(lines: Iterator[str], opening: re.Match[str]) -> Part:
    """Read the lines up to the closing fence, without the indentation of the opening one."""
    fence, indent = opening["fence"], len(opening["lead"])
    closing = re.compile(rf"[ \t]{{0,{indent + 3}}}{fence}{fence[0]}*[ \t]*")
    language = _LANGUAGE.match(opening["info"])
    inside: list[str] = []
    closed = False
    for line in lines:
        closed = closing.fullmatch(line) is not None
        if closed:
            break
        own = len(line) - len(line.lstrip(" \t"))
        inside.append(f"{line[min(own, indent) :]}\n")
    return Part(text="".join(inside), language=language[0].lower() if language else "", closed=closed)


def harmless(text: str) -> str:
    """Write a Markdown text anew: every fence closed, HTML as words, and no image that is fetched."""
    return "\n\n".join(map(written, parts(text)))


def written(part: Part) -> str:
    """Write one part so that nothing in it is alive, and nothing after it is drawn into it."""
    return quiet(part.text) if part.language is None else fenced(part.text, part.language)


def fenced(text: str, language: str) -> str:
    """Write code in a fence that nothing in it can close."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{'text' if language in _DRAWN else language}\n{text.removesuffix(chr(10))}\n{fence}"


def quiet(words: str) -> str:
    """Write words anew: their formatting stays, HTML is shown as it is, an image is named with its address."""
    return "".join(
        _MARKS.sub(_quiet, paragraph) if _LIVELY.search(paragraph) else paragraph
        for paragraph in _PARAGRAPHS.split(words)
    )


def span(text: str) -> str:
    """Write one line as a span of code, or as words where a span would not hold it."""
    text = " ".join(text.split())
    if _SPLITTING.search(text):
        return _dead(text)
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _quiet(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return _dead(found[0]) if _SPLITTING.search(found["code"]) else found[0]
    if found["words"] is not None:
        words, address = _dead(found["words"]), found["quoted"] or found["address"]
        return f"{words or 'image'} ({span(address)})" if address else words
    if found["mark"] is not None:
        return _dead(found["mark"])
    return _dead(found["escaped"]) if found["escaped"] in "\\`<!" else found[0]


def _dead(text: str) -> str:
    """Write marks as entities, which mean themselves to every reader."""
    return re.sub(r"[\\`<!]", lambda mark: f"&#{ord(mark[0])};", text)
