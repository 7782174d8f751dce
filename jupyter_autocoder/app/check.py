"""``jupyter autocoder check``: the policy over files, notebooks and locks."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from jupyter_autocoder import __version__, settings
from jupyter_autocoder.app.sources import Source, gather
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.events import Finding, Verdict
from jupyter_autocoder.policy import Checked, Policy, check, render

UNREADABLE = "unreadable"


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="PATH", help="Python files, notebooks, locks, or folders of them")
    add("--format", choices=["text", "json", "sarif"], default="text", help="how to tell the findings")
    add("--all-cells", action="store_true", help="in notebooks also the cells that people wrote")


def run(options: argparse.Namespace) -> int:
    policy = Policy.from_settings(settings.current().policy)
    sources = [
        source for path in options.paths for source in gather(path, all_cells=options.all_cells, environ=os.environ)
    ]
    checked = [Checked(path=one.path, cell=one.cell, verdict=_verdict(one, policy)) for one in sources]
    sys.stdout.write(render(checked, options.format, version=__version__) + "\n")
    if any(not one.verdict.allowed and source.error is None for source, one in zip(sources, checked, strict=True)):
        return int(ExitCode.POLICY_REFUSED)
    return max((int(source.error.exit_code) for source in sources if source.error), default=int(ExitCode.DONE))


def _verdict(source: Source, policy: Policy) -> Verdict:
    """The checker's verdict; what cannot be read cannot be allowed."""
    if source.error is None:
        return check(source.text, policy)
    why = " ".join(": ".join(filter(None, (source.error.what, source.error.why))).split())
    return Verdict(findings=(Finding(rule=UNREADABLE, line=1, column=0, message=why, fix=source.error.do),))
