"""What must not act, and what must be asked about: recognised by its words before any order is read.

The words stand in ``data/cues.toml``. A cue anywhere in the text is enough.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

_FLAGS = re.IGNORECASE | re.MULTILINE
_QUOTED = re.compile(r"\"([^\"]*)\"|(?<![A-Za-z0-9])'([^'\n]*)'(?![A-Za-z0-9])|`([^`]*)`")


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("data/cues.toml").read_text("utf-8"))


@functools.cache
def _rules(table: str) -> Sequence[tuple[str, re.Pattern[str]]]:
    speaker = f"(?:{'|'.join(_data()['speaker'])})"
    return tuple((rule["reason"], _compiled(rule, speaker)) for rule in _data()[table])


def _compiled(rule: Mapping[str, Any], speaker: str) -> re.Pattern[str]:
    forms = [form.replace("{speaker}", speaker) for form in rule.get("forms", ())]
    if "words" in rule:
        forms.append(_whole_words(rule["words"]))
    return re.compile("|".join(forms), _FLAGS)


def _whole_words(words: Sequence[str]) -> str:
    return rf"\b(?:{'|'.join(words)})\b"


def foreign(text: str) -> str | None:
    """Return why a text is not the person's own instruction (code, injected, quoted), or None."""
    return _first("foreign", text)


def never(text: str) -> str | None:
    """Return why a text must not act whatever else it says, or None."""
    return _first("never", _without_harmless(text))


def statement(text: str) -> str | None:
    """Return why a text that begins with no instruction is only a report, or None."""
    return _first("statement", _without_harmless(text))


def asked(words: str, text: str) -> str | None:
    """Return why a text must be asked about, or None; `words` is the text without phrases that are understood."""
    return _first("asked", words) or _first("asked_whole", text)


def unsure(text: str) -> bool:
    """Whether a text that the grammar could not read may be no instruction; stricter than the other tables."""
    return bool(never(text) or statement(text) or _first("unsure", text))


def _first(table: str, text: str) -> str | None:
    return next((reason for reason, pattern in _rules(table) if pattern.search(text)), None)


@functools.cache
def _harmless() -> re.Pattern[str]:
    return re.compile(_whole_words(_data()["harmless"]["words"]), _FLAGS)


def _without_harmless(text: str) -> str:
    return _harmless().sub(" ", text)


@functools.cache
def _confirmations() -> tuple[re.Pattern[str], re.Pattern[str]]:
    table = _data()["confirmation"]
    yes = f"(?:{'|'.join(table['yes'])})"
    either = f"(?:{'|'.join([*table['yes'], *table['beside']])})"
    return re.compile(rf"\W*{yes}(?:\W+{either})*\W*"), re.compile(rf"\W*{_whole_words(table['begins'])}")


def is_confirmation(text: str) -> bool:
    """Whether a text is, or begins as, a typed "yes": only the ticket's own control confirms."""
    whole, begins = _confirmations()
    words = text.lower()
    return bool(whole.fullmatch(words) or begins.match(words))


def quotations(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return [_inside(found) for found in _QUOTED.finditer(text)]


def unquoted(text: str) -> str:
    """Take the quotation marks off, for a text whose quotations are mere names."""
    return _QUOTED.sub(_inside, text)


def _inside(found: re.Match[str]) -> str:
    return next(part for part in found.groups() if part is not None)
