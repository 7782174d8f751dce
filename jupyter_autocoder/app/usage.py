"""``jupyter autocoder usage``: what was used and spent, and what is left of each limit."""

from __future__ import annotations

import argparse
import sys
import time

from jupyter_autocoder import settings
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.llm import Governor, usage
from jupyter_autocoder.llm.identity import current_user
from jupyter_autocoder.llm.providers import provider
from jupyter_autocoder.store import Store


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--since", default="7d", metavar="SPAN", help="30m, 24h, 7d, 2w or a day like 2026-11-01 (default: 7d)")
    groups = ["model", "day", "source", "user", "notebook", "key"]
    add("--by", default="model", choices=groups, help="what a row stands for (default: model)")
    add("--json", action="store_true", help="tell it as JSON, money in micro-USD")


def run(options: argparse.Namespace) -> int:
    chosen = settings.current()
    store = Store(chosen.store.url)
    try:
        # On a shared database every person sees their own rows; asked for users, whoever may read it sees all.
        user = None if options.by == "user" else current_user()
        rows = usage.usage_report(store, usage.since(options.since, time.time()), options.by, user=user)
        governor = Governor(store, chosen.limits, local=provider(chosen.model).local)
        left = governor.remaining() if user is not None else ()
    finally:
        store.close()
    if options.json:
        text = usage.as_json(rows, by=options.by, left=left)
    else:
        text = "\n\n".join(filter(None, (usage.as_table(rows, by=options.by), usage.as_lines(left))))
    sys.stdout.write(text + "\n")
    return int(ExitCode.DONE)
