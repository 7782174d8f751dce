"""Text from a stranger: colours stay, every other terminal escape and invisible trick goes."""

from __future__ import annotations

import re

# ESC [ numbers m: colours and weights. `8` conceals text and `5`/`6` blink, so those are no colours.
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,64}m")
_ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]?"  # CSI: cursor, erasing, modes
    r"|[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC (links, titles, clipboard), DCS, SOS, PM, APC
    r"|[ -/]*[0-~]?"  # two-character escapes
    r")"
    r"|\x9b[0-?]*[ -/]*[@-~]?"  # the same in their one-byte forms
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
)
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
# Characters that reorder what a person reads, or tag it invisibly; shown by name instead.
_REORDER = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONCEALING = frozenset({"5", "6", "8"})


def clean(value: object, *, limit: int | None = None) -> str:
    """Give `value` (if it is a text) as harmless text of at most `limit` characters; lines and tabs stay."""
    if not isinstance(value, str):
        return ""
    said = value if limit is None or len(value) <= limit else value[:limit] + "…"
    if "\x1b" in said or _CONTROL.search(said) is not None:
        said = _ESCAPE.sub(_keep_colour, said)
        said = _CONTROL.sub("", said)
    if said.isascii():
        return said
    said = _LONE_SURROGATE.sub("\ufffd", said)
    return _REORDER.sub(lambda match: f"\\u{ord(match[0]):04x}", said)


def plain(value: object, *, limit: int | None = None) -> str:
    """As `clean`, without colours."""
    return _COLOUR.sub("", clean(value, limit=limit))


def one_line(value: object, limit: int) -> str:
    """As `plain`, on one line."""
    return " ".join(plain(value, limit=limit).split())


def _keep_colour(match: re.Match[str]) -> str:
    escape = match[0]
    if _COLOUR.fullmatch(escape) and not _CONCEALING & set(escape[2:-1].split(";")):
        return escape
    return ""
