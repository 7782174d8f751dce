"""The command line: ``jupyter autocoder run | check | doctor | usage | tickets | trading | provenance | export``."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from jupyter_autocoder import __version__
from jupyter_autocoder.errors import AutocoderError, ExitCode
from jupyter_autocoder.sandbox.imports import deferred_grammar

__all__ = ["main"]

# Each command is a module of this folder, imported when it is called: `doctor` must work where the rest does not.
COMMANDS = {
    "run": "execute a notebook headless",
    "check": "check files and notebooks with the policy",
    "doctor": "say what works here and how to mend what does not",
    "usage": "show what was used and spent",
    "tickets": "list, show and cancel tickets",
    "trading": "let orders through, only reducing ones, or none",
    "provenance": "tell how each answer in a notebook came to be",
    "export": "write a plain notebook with the locked code in place of the prompts",
}


class Command(Protocol):
    """What each module of this folder provides."""

    @staticmethod
    def configure(parser: argparse.ArgumentParser) -> None:
        """Add the command's options to `parser`."""

    @staticmethod
    def run(options: argparse.Namespace) -> int:
        """Do it and return the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (see `ExitCode`)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A notebook's text may hold what no encoding can write: it is then told as an escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="jupyter autocoder", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in words if word in COMMANDS), "")
    for name, summary in COMMANDS.items():
        one = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name == chosen:
            _module(name).configure(one)
    options = parser.parse_args(words)
    try:
        return _module(options.command).run(options)
    except AutocoderError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return int(ExitCode.CELL_FAILED)
    except BrokenPipeError:
        # The reader has seen enough (`| head`): that is no failure of ours.
        sys.stderr.close()
        return int(ExitCode.DONE)


def _module(name: str) -> Command:
    with deferred_grammar():
        return import_module(f"{__name__}.{name}")  # type: ignore[return-value]
