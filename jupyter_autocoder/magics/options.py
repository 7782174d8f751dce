"""The options of the magics: one parser each, whose mistakes are our own errors."""

from __future__ import annotations

import argparse
import keyword
import shlex
from typing import NoReturn

from jupyter_autocoder.errors import UsageError

COMMANDS = {
    "reset": "throw the sandbox and its history away",
    "history": "list the prompts of this session",
    "code": "show the code of a prompt",
    "context": "show what would be sent for a prompt, without sending it",
    "adopt": "put a function's checked source into the next cell",
}


TRADE_HELP = """\
%trade WORDS            draft a ticket: %trade Buy 10 shares of AAPL; nothing is sent before you confirm it
%trade TICKET           show a ticket again, by its id
%trade                  show positions, open tickets and the state of trading
%trade --weights NAME   one ticket towards the target weights (percent) that a variable holds"""


class Help(Exception):
    """Raised by ``-h``: the text to show instead of doing anything."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", do=f"see {self.prog.split()[0]} -h")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise Help(message or self.format_help())

    def print_help(self, file: object = None) -> NoReturn:
        raise Help(self.format_help())


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            msg = f"{name!r} is not a variable's name"
            raise argparse.ArgumentTypeError(msg)
    return names


def _attempts(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        msg = f"{text!r} is not a number from 1 to 10"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def cell_parser() -> argparse.ArgumentParser:
    """The parser of ``%%autocode``."""
    parser = _Parser(
        prog="%%autocode",
        description="Say in words what you want. The code is written by a model, checked, and run in a sandbox.",
        epilog="After a last line '---' you may add checks (asserts, doctests, tests): the answer counts only "
        "when they pass. Variables named in `backticks` are inputs; new names in the checks are outputs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--in", dest="inputs", type=_names, action="extend", metavar="a,b", help="variables to send in")
    add("--out", dest="outputs", type=_names, action="extend", metavar="r,s", help="variables to bring back")
    add("--files", nargs="+", action="extend", default=[], metavar="PATH", help="files to lend, read-only")
    add("--save", nargs="+", action="extend", default=[], metavar="PATH", help="files of the sandbox to copy out")
    add("--model", metavar="M", help="another model for this cell")
    add("--attempts", type=_attempts, metavar="N", help="how often the model may try")
    add("--fresh", action="store_true", help="throw the sandbox's state away first")
    lock = parser.add_mutually_exclusive_group()
    lock.add_argument("--locked", action="store_true", help="replay from autocode.lock or fail")
    lock.add_argument("--refresh", action="store_true", help="ask anew even if the lock has an answer")
    add("--dry-run", action="store_true", help="show the code and the verdict, run nothing")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--insert", action="store_true", help="put the code into the next cell")
    place.add_argument("--adopt", action="store_true", help="put its functions and classes into the next cell")
    add("--show-data", action="store_true", help="show the model a few rows of the inputs")
    return parser


def line_parser() -> argparse.ArgumentParser:
    """The parser of ``%autocode``."""
    parser = _Parser(prog="%autocode", description="Look at this notebook's autocode session.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    made["code"].add_argument("number", nargs="?", type=int, help="its number in the history; the last one")
    made["context"].add_argument("words", nargs="*", help="the prompt, as it is")
    made["adopt"].add_argument("name", help="the function or class")
    return parser


def usage_parser() -> argparse.ArgumentParser:
    """The parser of ``%usage``."""
    parser = _Parser(prog="%usage", description="Show what was spent and what is left.", allow_abbrev=False)
    parser.add_argument("since", nargs="?", default="30d", help="30m, 24h, 7d, 2w or a day like 2026-11-01")
    return parser


def parse(parser: argparse.ArgumentParser, line: str) -> argparse.Namespace:
    """Parse a magic's line. Raises UsageError on a mistake, Help on ``-h``."""
    command, _, rest = line.strip().partition(" ")
    if command == "context" and rest.strip() not in {"-h", "--help"}:
        if not rest.strip():
            what = f"{parser.prog} context: there are no words to show the context of"
            raise UsageError(what, do=f"write them behind it: {parser.prog} context Make a table of `prices`")
        # A prompt is text: its quotes and spaces are sent as they are.
        return argparse.Namespace(command=command, words=rest.strip())
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{parser.prog}: {error}", do=f"see {parser.prog} -h") from None
    return parser.parse_args(words)
