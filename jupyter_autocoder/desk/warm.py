"""What is slow about the first sentence, done before it comes."""

from __future__ import annotations


def warm_up() -> None:
    """Load the grammar, the symbol table and the desk; for a thread that has time. Opens no store and no connection."""
    import jupyter_autocoder.desk.desk
    import jupyter_autocoder.desk.help  # noqa: F401
    from jupyter_autocoder.trade import read_command
    from jupyter_autocoder.trade.proposal import wants_help

    # Two sentences go through everything that is built at first use.
    for text in ("Buy 10 shares of Apple at 150", "Buy 10 shares of Apple at 150, mate"):
        wants_help(read_command(text))
