"""``jupyter autocoder tickets``: list, show, cancel, verify and export the tickets."""

from __future__ import annotations

import argparse
import json
import sys

from jupyter_autocoder.errors import ExitCode


def configure(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="act", required=True, metavar="list|show|cancel|verify|audit")
    listing = commands.add_parser("list", help="the newest tickets")
    listing.add_argument("--json", action="store_true", help="tell it as JSON")
    listing.add_argument(
        "--limit", type=int, choices=range(1, 100_001), default=100, metavar="N", help="how many at most (default: 100)"
    )
    for name, text in (("show", "the record of one ticket"), ("cancel", "cancel its order, or dismiss it")):
        commands.add_parser(name, help=text).add_argument("ticket", help="the ticket's id")
    commands.add_parser("verify", help="say whether the audit chain is whole")
    commands.add_parser("audit", help="print the audit as JSON lines")


def run(options: argparse.Namespace) -> int:
    from jupyter_autocoder.broking import audit
    from jupyter_autocoder.desk import Desk, listing

    desk = Desk(session="command line")
    try:
        match options.act:
            case "list":
                found = desk.tickets(limit=options.limit)
                as_json = json.dumps(listing.tickets_data(found), indent=1) if options.json else ""
                _say(as_json or listing.tickets_text(found))
            case "show":
                _say(listing.ticket_text(desk, options.ticket))
            case "cancel":
                entry = desk.cancel(options.ticket, desk.me)
                _say(f"{entry.id}: {entry.state.value}")
            case "verify":
                report = audit.verify(desk.store)
                _say(listing.audit_text(report))
                return int(ExitCode.DONE if report.ok else ExitCode.CELL_FAILED)
            case "audit":
                sys.stdout.writelines(f"{line}\n" for line in audit.export(desk.store))
    finally:
        desk.close()
    return int(ExitCode.DONE)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
