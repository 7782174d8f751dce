"""``jupyter autocoder trading``: let orders through, only reducing ones, or none; works while a kernel is busy."""

from __future__ import annotations

import argparse
import sys

from jupyter_autocoder import settings
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("state", choices=["active", "reducing", "halted"], help="what may be submitted from now on")
    parser.add_argument("--reason", default="", help="a line for the audit")


def run(options: argparse.Namespace) -> int:
    from jupyter_autocoder.desk import Who, listing
    from jupyter_autocoder.llm.identity import current_user

    store = Store(settings.current().store.url)
    try:
        who = Who(actor="human", person=current_user(), session="command line")
        sys.stdout.write(listing.set_trading(store, options.state, who, reason=options.reason) + "\n")
    finally:
        store.close()
    return int(ExitCode.DONE)
