"""Execute one notebook in its kernel and tell what happened."""

from __future__ import annotations

import argparse
import asyncio
import atexit
import contextlib
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError
from traitlets import TraitError
from traitlets.config import Config

from jupyter_autocoder import errors
from jupyter_autocoder.app import bar, notebooks, page, report
from jupyter_autocoder.app.parameters import inject
from jupyter_autocoder.app.report import Failure, RunReport, Watcher
from jupyter_autocoder.errors import AutocoderError, ExitCode, LockError, UsageError
from jupyter_autocoder.lock import Lock, find
from jupyter_autocoder.sandbox.folder import Folder, sweep

# The messages' poll counts milliseconds in 32 bits: longer waits would not be waited for at all.
_LONGEST = 2_000_000
_PATIENCE = 10.0


def execute(options: argparse.Namespace) -> RunReport:
    """Run the notebook ``options.notebook`` and write what was asked for: the notebook, also when a cell fails, a page.

    Raises UsageError where the notebook cannot be read or something cannot be written.
    """
    notebook = notebooks.read(options.notebook)
    notebooks.clear(notebook)
    inject(notebook, options.parameter)
    write = bar.writer(sys.stdout, sys.stderr)
    watcher = Watcher(options.notebook, notebook, verbose=options.verbose, write=write)
    started = time.monotonic()
    try:
        failure = _execute(notebook, options, watcher)
    finally:
        write.close()
    result = watcher.result(failure, time.monotonic() - started, pending_ok=options.pending_ok)
    if options.update_lock and result.ok:
        result = _tidy_lock(result, options.notebook.resolve())
    if options.output:
        notebooks.write(notebook, options.output)
    if options.html:
        report.save(options.html, page.render(notebook, result))
    return result


def _tidy_lock(result: RunReport, notebook: Path) -> RunReport:
    """Drop the answers that no prompt uses; the run has failed where the lock is not what was asked for.

    As long as a new answer is not in it, the old ones stay.
    """
    lock = Lock(find(notebook.parent, os.environ))
    try:
        if any(row.provenance.get("unlocked") for row in result.cells):
            what = "the lock was not updated"
            raise LockError(what, path=str(lock.path), why=f"not every answer could be written into {lock.path}")
        lock.prune(lock.name_of(str(notebook)), {row.provenance.get("key", "") for row in result.cells})
    except LockError as error:
        return replace(result, ok=False, exit_code=int(error.exit_code), error=f"LockError: {error}")
    return result


def _execute(notebook: NotebookNode, options: argparse.Namespace, watcher: Watcher) -> Failure | None:
    # Sockets in a private folder instead of TCP: nobody else on this machine can talk to the kernel. The path is ours,
    # since the default is relative, and the kernel starts in another folder than this process. The connection file with
    # its key lies there too: in the temporary folder it would outlive a run that is killed.
    with private_folder() as folder:
        wanted = {"transport": "ipc", "ip": f"{folder}/k", "connection_file": f"{folder}/kernel.json"}
        client = _client(notebook, options, watcher, Config({"KernelManager": wanted}))
        return _execute_by(client, options)


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for the length of a run; what runs left that were killed is removed before.

    Raises SandboxUnavailable where none can be made.
    """
    sweep()
    with contextlib.closing(Folder()) as folder:
        yield folder.path


def _client(notebook: NotebookNode, options: argparse.Namespace, watcher: Watcher, config: Config) -> NotebookClient:
    return NotebookClient(
        notebook,
        timeout=whole_seconds(options.timeout),
        kernel_name=kernel_of(notebook),
        resources={"metadata": {"path": str(options.notebook.resolve().parent)}},
        config=config,
        on_cell_execute=watcher.starts,
        on_cell_executed=watcher.ended,
    )


def whole_seconds(timeout: float | None) -> int | None:
    """The time a cell may take as nbclient wants it: whole seconds, where 0 would mean no end at all."""
    return None if timeout is None else max(1, min(math.ceil(timeout), _LONGEST))


def kernel_of(notebook: NotebookNode) -> str:
    """The name of the kernel that the notebook wants; Python's where it tells none."""
    spec = notebook.metadata.get("kernelspec")
    name = spec.get("name") if isinstance(spec, dict) else None
    return name if isinstance(name, str) and name else "python3"


def _execute_by(client: NotebookClient, options: argparse.Namespace) -> Failure | None:
    try:
        _run_to_end(client, environment(os.environ, options))
    except KeyboardInterrupt:
        return Failure("Interrupted", "the run was interrupted", ExitCode.CELL_FAILED)
    except CellExecutionError as error:
        return Failure(error.ename, str(error.evalue), exit_code_of(error.ename))
    except CellTimeoutError:
        return Failure("Timeout", f"a cell ran longer than {options.timeout:g} s", ExitCode.CELL_FAILED)
    except DeadKernelError:
        return Failure("DeadKernel", "the notebook's kernel died", ExitCode.CELL_FAILED)
    except UnicodeEncodeError as error:
        return Failure("UnicodeEncodeError", f"a cell cannot be sent to the kernel: {error}", ExitCode.CELL_FAILED)
    except ValidationError as error:
        text = f"a cell showed what no notebook can hold: {str(error).splitlines()[0]}"
        return Failure("ValidationError", text, ExitCode.CELL_FAILED)
    except NoSuchKernel as error:
        do = "jupyter kernelspec list shows those that there are; choose one in the notebook"
        raise UsageError(f"there is no kernel {error.name}, which the notebook wants", do=do) from None
    except (RuntimeError, OSError, TraitError, json.JSONDecodeError) as error:
        # nbclient would assert at exit that the kernel it could not start is there.
        atexit.unregister(client._cleanup_kernel)
        return Failure("NoKernel", f"the notebook's kernel did not start: {error}", ExitCode.CELL_FAILED)
    return None


def _run_to_end(client: NotebookClient, env: Mapping[str, str]) -> None:
    """Execute on a thread of its own: on the main one nbclient would take the signals, and end in an assertion.

    An interrupt, or a request to end, cancels the run, which ends the kernel, and is then raised as KeyboardInterrupt.
    """
    ended = threading.Event()

    async def run() -> None:
        try:
            await client.async_execute(env=dict(env))
        except Exception:
            # How a cancelled run comes apart is of no interest to anybody.
            if not future.cancelled():
                raise
        finally:
            await _end_the_others()
            ended.set()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="notebook", daemon=True)
    thread.start()
    future = asyncio.run_coroutine_threadsafe(run(), loop)
    before = _interrupt_once()
    try:
        future.result()
    except KeyboardInterrupt:
        client.shutdown_kernel = "immediate"
        future.cancel()
        raise
    finally:
        # Cancelling marks the future at once, while the kernel is still being ended.
        ended.wait(_PATIENCE)
        for number, handler in before.items():
            signal.signal(number, handler)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)
        if not thread.is_alive():
            loop.close()


def _interrupt_once() -> dict[signal.Signals, Any]:
    """Let the first interrupt or request to end raise KeyboardInterrupt; returns the handlers before.

    An impatient second one would break off the kernel's end. What was ignored stays so.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: handler for n in numbers if (handler := signal.getsignal(n)) is not signal.SIG_IGN}

    def interrupt(number: int, frame: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, interrupt)
    return before


async def _end_the_others() -> None:
    """Cancel and await the tasks that nbclient leaves on the loop, as it does when it is cancelled itself."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def environment(environ: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    """The kernel's environment: how it may answer, and which notebook it belongs to.

    It starts in the notebook's folder, so that paths which count from this process's are made whole.
    """
    changed = dict(environ)
    for name, whole in _PATHS.items():
        if changed.get(name):
            changed[name] = whole(changed[name])
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


def _whole_path(text: str) -> str:
    return text if text.startswith("~") else str(Path(text).absolute())


def _whole_url(text: str) -> str:
    """The store's address: only a path, plain or after ``sqlite:///``, can be relative."""
    path = text.removeprefix("sqlite:///")
    if not path or "://" in path or path.startswith("sqlite:"):
        return text
    return text.removesuffix(path) + _whole_path(path)


_PATHS: Mapping[str, Callable[[str], str]] = {
    # The shell's own mark for the home is part of a lock's name, as `find` reads it.
    "AUTOCODER_LOCK": lambda text: str(Path(text).absolute()),
    "AUTOCODER_STORE_URL": _whole_url,
    "AUTOCODER_MODEL_PRICES_FILE": _whole_path,
    "AUTOCODER_MODEL_KEY_FILE": _whole_path,
    "AUTOCODER_SANDBOX_KEEP_OUTPUT": _whole_path,
    "AUTOCODER_TRADE_PRICES": _whole_path,
    "AUTOCODER_TRADE_KEY_FILE": _whole_path,
}


def exit_code_of(name: str) -> ExitCode:
    """The exit code of an error by the name of its class, as a kernel reports it."""
    kind = getattr(errors, name, None)
    return kind.exit_code if isinstance(kind, type) and issubclass(kind, AutocoderError) else ExitCode.CELL_FAILED
