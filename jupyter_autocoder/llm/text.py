"""Text that came from anywhere, made fit to be sent, stored and shown."""

from __future__ import annotations

import re

# What a terminal obeys instead of showing it, and what turns the direction of reading round.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def whole(text: str) -> str:
    """Replace half characters (lone surrogates): neither a server nor a database nor a notebook takes them."""
    # Nearly every text is whole, and a piece of an answer is looked at for each that comes.
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(text: str) -> str:
    """Leave only what a terminal shows: a server's own words are put before a person as they come."""
    return _COMMANDS.sub("", whole(text))
