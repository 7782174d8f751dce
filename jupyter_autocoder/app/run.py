"""``jupyter autocoder run``: execute notebooks headless, and end with an exit code that says what happened."""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_autocoder.app import notebooks, report
from jupyter_autocoder.app.execution import execute, private_folder
from jupyter_autocoder.app.report import RunReport
from jupyter_autocoder.errors import UsageError

_MOST_USD = 1_000_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("notebooks", type=Path, nargs="+", metavar="NOTEBOOK", help="the notebooks to execute")
    add("-o", "--output", type=Path, help="where to write the executed notebook, also when a cell fails; "
        "a folder for several")  # fmt: skip
    add("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--locked", action="store_true", help="replay from autocode.lock; a miss fails, nothing is sent")
    mode.add_argument("--live", action="store_true", help="models may be asked, also where CI is set")
    add("--max-cost", type=_amount, metavar="USD", help="with --live: what each notebook may cost at most")
    add("--update-lock", action="store_true", help="ask anew what is stale, and drop the answers no prompt uses")
    add("--pending-ok", action="store_true", help="tickets that wait for a person are expected: end with 0, not 3")
    add("--jobs", type=_count, default=1, metavar="N", help="how many notebooks run at once")
    add("--report", type=Path, metavar="OUT.json", help="write what happened, cell by cell, as JSON")
    add("--junit", type=Path, metavar="OUT.xml", help="write the prompts as JUnit test cases")
    add(
        "--html", type=Path, metavar="OUT.html", help="write a page to look at, whole in one file; a folder for several"
    )
    add("--timeout", type=_seconds, metavar="S", help="how long one cell may take, in seconds (rounded up)")
    add("-v", "--verbose", action="store_true", help="show each prompt with its code, verdict, checks and output")


def _seconds(text: str) -> float:
    if not 0 < (value := _number(text)) < math.inf:
        msg = f"{text} is no time in seconds above 0"
        raise argparse.ArgumentTypeError(msg)
    return value


def _amount(text: str) -> float:
    if not 0 <= (value := _number(text)) <= _MOST_USD:
        msg = f"{text} is no amount in USD from 0 to {_MOST_USD:,}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _count(text: str) -> int:
    if not 1 <= (value := _number(text)) < math.inf or value != int(value):
        msg = f"{text} is no whole number from 1"
        raise argparse.ArgumentTypeError(msg)
    return int(value)


def _number(text: str) -> float:
    """Read a number; what is none compares with nothing."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def run(options: argparse.Namespace) -> int:
    options.live = options.live or options.update_lock
    if options.update_lock and options.locked:
        raise UsageError("--update-lock asks a model, --locked forbids it", do="leave one of them out")
    if options.max_cost is not None and not options.live:
        raise UsageError("--max-cost goes with --live", do="add --live, or leave --max-cost out")
    if options.output or options.html:
        _refuse_same_names(options.notebooks)
    _expect_writable(options)
    if len(options.notebooks) == 1:
        options.notebook = options.notebooks[0]
        results = [execute(options)]
    else:
        with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
            results = list(pool.map(lambda path: _in_process(path, options), options.notebooks))
    for path, text in ((options.report, report.as_json), (options.junit, report.as_junit)):
        if path:
            report.save(path, text(results))
    for result in results:
        sys.stdout.write(report.closing_line(result) + "\n")
        sys.stderr.writelines(f"{line}\n" for line in report.unlocked_lines(result))
        if result.error:
            sys.stderr.write(result.error + "\n")
    return next((result.exit_code for result in results if result.exit_code), 0)


def _expect_writable(options: argparse.Namespace) -> None:
    """Look before anything is run: what a run cost would be lost with its outputs."""
    several = len(options.notebooks) > 1
    if options.output:
        notebooks.expect_replaceable(options.output)
    for path in (options.output, options.html):
        if path:
            notebooks.expect_writable(path / "n" if several else path)
    for path in (options.report, options.junit):
        if path:
            notebooks.expect_writable(path)


def _refuse_same_names(paths: Sequence[Path]) -> None:
    """Raise UsageError where two notebooks would be written to one file of the folder for several."""
    seen: dict[str, Path] = {}
    for path in paths:
        if path.stem in seen:
            what = f"{seen[path.stem]} and {path} would both be written as {path.stem}"
            raise UsageError(what, do="rename one, or run them one after the other with a folder each")
        seen[path.stem] = path


def _in_process(path: Path, options: argparse.Namespace) -> RunReport:
    """Run one of several notebooks in a process of its own: nbclient's loop and signals are one process's."""
    with private_folder() as folder:
        file = folder / "report.json"
        command = [sys.executable, "-m", "jupyter_autocoder.app", "run", str(path), "--report", str(file)]
        for name, value in (("output", options.output), ("html", options.html)):
            if value:
                suffix = ".ipynb" if name == "output" else ".html"
                command += [f"--{name}", str(value / path.with_suffix(suffix).name)]
        for name in ("locked", "live", "update_lock", "pending_ok", "verbose"):
            command += ["--" + name.replace("_", "-")] if getattr(options, name) else []
        for name in ("max_cost", "timeout"):
            value = getattr(options, name)
            command += ["--" + name.replace("_", "-"), str(value)] if value is not None else []
        for parameter in options.parameter:
            command += ["-p", *parameter]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if file.exists():
            result = report.from_json(json.loads(file.read_text(encoding="utf-8")))
            # The closing lines of all follow at the end.
            sys.stdout.write(done.stdout.removesuffix(report.closing_line(result) + "\n"))
            return result
        sys.stdout.write(done.stdout)
        # It ended before there was anything to report: a wrong path, a file that is no notebook.
        return report.unread(path, done.stderr.strip(), done.returncode)
