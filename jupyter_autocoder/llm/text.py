"""Text that came from anywhere, made fit to be sent, stored and shown."""

from __future__ import annotations


def whole(text: str) -> str:
    """Replace half characters (lone surrogates): neither a server nor a database nor a notebook takes them."""
    # Nearly every text is whole, and a piece of an answer is looked at for each that comes.
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
