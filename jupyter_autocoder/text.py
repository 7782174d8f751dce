"""Text from a stranger, made fit to be sent, stored and shown.

Colours may stay; every other terminal escape and invisible trick goes.
"""

from __future__ import annotations

import re

# One of ESC [ ... m's numbers. 5, 6 and 8 blink and conceal, so those are no colours.
_SHADE = r"(?:[34]8;5;\d{1,3}|[34]8;2;\d{1,3};\d{1,3};\d{1,3}|0?[0-4790]|[1-9]\d|10[0-7])"
_COLOUR_PATTERN = rf"\x1b\[(?:{_SHADE}(?:;{_SHADE}){{0,15}})?m"
_COLOUR = re.compile(_COLOUR_PATTERN)
_ESCAPE = re.compile(
    rf"(?!{_COLOUR_PATTERN})"
    r"(?:\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]?"  # CSI: cursor, erasing, modes
    r"|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC (links, titles, clipboard), DCS, SOS, PM, APC
    r"|[ -/]*[0-~]?"  # two-character escapes
    r")"
    r"|\x9b[0-?]*[ -/]*[@-~]?"  # the same in their one-byte forms
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?)"
)
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
# Characters that reorder what a person reads, or tag it invisibly; shown by name instead.
_REORDER = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def whole(text: str) -> str:
    """Replace half characters (lone surrogates): neither a server nor a database nor a notebook takes them."""
    # Nearly every text is whole, and a piece of an answer is looked at for each that comes.
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean(value: object, *, limit: int | None = None) -> str:
    """Give `value` (if it is a text) as harmless text of at most `limit` characters; lines and tabs stay."""
    if not isinstance(value, str):
        return ""
    said = value if limit is None or len(value) <= limit else value[:limit] + "…"
    if "\x1b" in said or _CONTROL.search(said) is not None:
        said = _ESCAPE.sub("", said)
        said = _CONTROL.sub("", said)
    if said.isascii():
        return said
    return _REORDER.sub(lambda match: f"\\u{ord(match[0]):04x}", whole(said))


def plain(value: object, *, limit: int | None = None) -> str:
    """As `clean`, without colours."""
    return _COLOUR.sub("", clean(value, limit=limit))


def one_line(value: object, limit: int) -> str:
    """As `plain`, on one line."""
    return " ".join(plain(value, limit=limit).split())
