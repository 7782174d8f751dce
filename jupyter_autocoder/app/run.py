"""``jupyter autocoder run``: execute a notebook headless, and end with an exit code that says what happened."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from jupyter_autocoder import errors
from jupyter_autocoder.app import notebooks, report
from jupyter_autocoder.errors import AutocoderError, ExitCode, UsageError

_TAG = "injected-parameters"


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("notebook", type=Path, help="the notebook to execute")
    add("-o", "--output", type=Path, help="where to write the executed notebook, also when a cell fails")
    add("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="set a parameter")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--locked", action="store_true", help="replay from autocode.lock; a miss fails, nothing is sent")
    mode.add_argument("--live", action="store_true", help="models may be asked, also where CI is set")
    add("--max-cost", type=float, metavar="USD", help="with --live: what this run may cost at most")
    add("--pending-ok", action="store_true", help="tickets that wait for a person are expected: end with 0, not 3")
    add("--report", type=Path, metavar="OUT.json", help="write what happened, cell by cell, as JSON")
    add("--junit", type=Path, metavar="OUT.xml", help="write the prompts as JUnit test cases")
    add("--timeout", type=float, metavar="S", help="how long one cell may take, in seconds")
    add("-v", "--verbose", action="store_true", help="show each prompt with its code, verdict, checks and output")


def run(options: argparse.Namespace) -> int:
    notebook = notebooks.read(options.notebook)
    if options.max_cost is not None and not options.live:
        raise UsageError("--max-cost goes with --live.", do="add --live, or leave --max-cost out")
    inject(notebook, [(name, parse_value(value)) for name, value in options.parameter])
    watcher = report.Watcher(options.notebook, notebook, verbose=options.verbose, write=sys.stdout.write)
    started = time.monotonic()
    failure = _execute(notebook, options, watcher)
    result = watcher.result(failure, time.monotonic() - started, pending_ok=options.pending_ok)
    if options.output:
        notebooks.write(notebook, options.output)
    for path, text in ((options.report, report.as_json), (options.junit, report.as_junit)):
        if path:
            report.save(path, text(result))
    sys.stdout.write(report.closing_line(result) + "\n")
    if failure is not None:
        sys.stderr.write(failure.text + "\n")
        return int(failure.exit_code)
    return int(result.exit_code)


def _execute(notebook: NotebookNode, options: argparse.Namespace, watcher: report.Watcher) -> report.Failure | None:
    # Sockets in a private folder instead of TCP: nobody else on this machine can talk to the kernel. The path is ours,
    # since the default is relative, and the kernel starts in another folder than this process.
    with tempfile.TemporaryDirectory(prefix="autocoder-run-") as sockets:
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/k"}})
        return _execute_by(_client(notebook, options, watcher, config), options)


def _client(
    notebook: NotebookNode, options: argparse.Namespace, watcher: report.Watcher, config: Config
) -> NotebookClient:
    return NotebookClient(
        notebook,
        timeout=int(options.timeout) if options.timeout else None,
        kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "python3"),
        resources={"metadata": {"path": str(options.notebook.resolve().parent)}},
        config=config,
        on_cell_execute=watcher.starts,
        on_cell_executed=watcher.ended,
    )


def _execute_by(client: NotebookClient, options: argparse.Namespace) -> report.Failure | None:
    try:
        client.execute(env=environment(os.environ, options))
    except CellExecutionError as error:
        return report.Failure(error.ename, str(error.evalue), exit_code_of(error.ename))
    except CellTimeoutError:
        return report.Failure("Timeout", f"A cell ran longer than {options.timeout:g} s.", ExitCode.CELL_FAILED)
    except DeadKernelError:
        return report.Failure("DeadKernel", "The notebook's kernel died.", ExitCode.CELL_FAILED)
    except NoSuchKernel as error:
        do = "jupyter kernelspec list shows those that there are; choose one in the notebook"
        raise UsageError(f"There is no kernel {error.name}, which the notebook wants.", do=do) from None
    except RuntimeError as error:
        # nbclient would assert at exit that the kernel it could not start is there.
        atexit.unregister(client._cleanup_kernel)
        return report.Failure("NoKernel", f"The notebook's kernel did not start: {error}", ExitCode.CELL_FAILED)
    return None


def environment(environ: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    """The kernel's environment: how it may answer, and which notebook it belongs to."""
    changed = dict(environ)
    changed["JPY_SESSION_NAME"] = str(options.notebook.resolve())
    if options.locked:
        changed["AUTOCODER_LOCKED"] = "1"
        changed.pop("AUTOCODER_LIVE", None)
    if options.live:
        changed["AUTOCODER_LIVE"] = "1"
        changed.pop("AUTOCODER_LOCKED", None)
    if options.max_cost is not None:
        changed["AUTOCODER_MAX_COST"] = str(options.max_cost)
    return changed


def exit_code_of(name: str) -> ExitCode:
    """The exit code of an error by the name of its class, as a kernel reports it."""
    kind = getattr(errors, name, None)
    return kind.exit_code if isinstance(kind, type) and issubclass(kind, AutocoderError) else ExitCode.CELL_FAILED


def parse_value(text: str) -> Any:
    """A parameter's value as papermill reads it: a number, a truth value, None, or else the text itself."""
    words = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def inject(notebook: NotebookNode, parameters: list[tuple[str, Any]]) -> None:
    """Put a cell with the parameters after the cell tagged ``parameters``, or first. Raises UsageError."""
    if not parameters:
        return
    for name, _ in parameters:
        if not name.isidentifier():
            raise UsageError(f"-p {name}: that is not a variable's name.", do="name a variable of the notebook")
    source = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in parameters)
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": [_TAG]})
    tags = [cell.get("metadata", {}).get("tags", []) for cell in notebook.cells]
    place = next((index + 1 for index, names in enumerate(tags) if "parameters" in names), 0)
    notebook.cells[:] = [old for old in notebook.cells if _TAG not in old.get("metadata", {}).get("tags", [])]
    notebook.cells.insert(place, cell)
