"""``jupyter autocoder check``: the policy over files, notebooks and locks."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from jupyter_autocoder import settings
from jupyter_autocoder.app.sources import gather
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.policy import Policy, check
from jupyter_autocoder.policy.render import Checked, render


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="Python files, notebooks, locks, or folders of them")
    add("--format", choices=["text", "json", "sarif"], default="text", help="how to tell the findings")
    add("--all-cells", action="store_true", help="in notebooks also the cells that people wrote")


def run(options: argparse.Namespace) -> int:
    policy = Policy.from_settings(settings.current().policy)
    checked = [
        Checked(path=source.path, place=source.place, verdict=check(source.text, policy))
        for path in options.paths
        for source in gather(path, all_cells=options.all_cells, environ=os.environ)
    ]
    sys.stdout.write(render(checked, options.format))
    allowed = all(one.verdict.allowed for one in checked)
    return int(ExitCode.DONE if allowed else ExitCode.POLICY_REFUSED)
