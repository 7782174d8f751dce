"""``jupyter autocoder check``: the policy over files, notebooks and locks."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from jupyter_autocoder import __version__, settings
from jupyter_autocoder.app.sources import gather
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.policy import Checked, Policy, check, render


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="Python files, notebooks, locks, or folders of them")
    add("--format", choices=["text", "json", "sarif"], default="text", help="how to tell the findings")
    add("--all-cells", action="store_true", help="in notebooks also the cells that people wrote")


def run(options: argparse.Namespace) -> int:
    policy = Policy.from_settings(settings.current().policy)
    checked = [
        Checked(path=source.path, cell=source.cell, verdict=check(source.text, policy))
        for path in options.paths
        for source in gather(path, all_cells=options.all_cells, environ=os.environ)
    ]
    sys.stdout.write(render(checked, options.format, version=__version__) + "\n")
    allowed = all(one.verdict.allowed for one in checked)
    return int(ExitCode.DONE if allowed else ExitCode.POLICY_REFUSED)
