"""``%%autocode`` and ``%autocode``: from a cell's text to a job, and from its result back into the notebook."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.inputtransformer2 import cell_magic, classic_prompt
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from jupyter_autocoder import settings
from jupyter_autocoder.errors import AutocoderError, PolicyRefused, RunFailed, UsageError
from jupyter_autocoder.events import METADATA, Prompt, Usage
from jupyter_autocoder.magics import options
from jupyter_autocoder.magics.completion import make_matcher
from jupyter_autocoder.magics.place import place_of
from jupyter_autocoder.magics.status import Status
from jupyter_autocoder.text import plain

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_autocoder.autocoder import Job, Result
    from jupyter_autocoder.magics.workshop import Workshop

_INTERRUPTED = "interrupted; nothing runs any more"


# Seconds that the first cells of a notebook have to themselves before what fewer people need is prepared.
CALM = 3.0


@magics_class
class AutocodeMagics(Magics):
    """The magics of one kernel; everything heavy is made at the first prompt."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._shell = shell  # the inherited attribute may be None to a type checker
        self._workshop: Workshop | None = None
        self._opening = threading.Lock()
        self._closed = False
        self._matcher: object = None
        self._landed: dict[str, str] = {}

    @property
    def workshop(self) -> Workshop:
        with self._opening:
            if self._closed:
                raise UsageError("the extension was unloaded", do="run %load_ext jupyter_autocoder again")
            if self._workshop is None:
                # The first sandbox starts while everything else is imported.
                from jupyter_autocoder.sandbox import Pool

                pool = Pool()
                pool.fill()
                from jupyter_autocoder.magics.workshop import Workshop

                try:
                    self._workshop = Workshop(pool)
                except BaseException:
                    pool.close_soon()
                    raise
            return self._workshop

    def start(self, *also: Callable[[], None]) -> None:
        """Join the completer, and prepare what is slow, `also` last, while the person is still typing."""
        self._matcher = make_matcher(self.names, self._models)
        self._shell.Completer.custom_matchers.append(self._matcher)
        transforms = self._shell.input_transformer_manager.cleanup_transforms
        transforms.insert(transforms.index(classic_prompt) if classic_prompt in transforms else 0, keep_prompts)
        threading.Thread(target=self._warm_up, args=also, name="jupyter-autocoder-warm-up", daemon=True).start()

    def _warm_up(self, *also: Callable[[], None]) -> None:
        own = lambda: self.workshop.warm_up(), lambda: time.sleep(CALM), lambda: self.workshop.await_frames()
        for prepare in (*own, *also):
            # What is wrong here (settings, no sandbox, no key) is told by the first cell that needs it.
            with suppress(AutocoderError, OSError):
                prepare()

    def close(self) -> None:
        """Leave the completer and stop the sandboxes of this kernel."""
        if self._matcher in self._shell.Completer.custom_matchers:
            self._shell.Completer.custom_matchers.remove(self._matcher)
        transforms = self._shell.input_transformer_manager.cleanup_transforms
        if keep_prompts in transforms:
            transforms.remove(keep_prompts)
        with self._opening:
            self._closed = True
            workshop, self._workshop = self._workshop, None
        if workshop is not None:
            workshop.close()

    @no_var_expand
    @line_cell_magic
    def autocode(self, line: str, cell: str | None = None) -> None:
        """Say in words what you want; see ``%%autocode -h`` and ``%autocode -h``."""
        try:
            if cell is None:
                self._line(options.parse(options.line_parser(), line))
            else:
                self._cell(options.parse(options.cell_parser(), line), cell)
        except options.Help as text:
            _print(str(text))

    @no_var_expand
    @line_magic
    def usage(self, line: str) -> None:
        """Show what was spent and what is left of each limit; ``%usage 24h`` looks back a day."""
        try:
            display(self.workshop.usage(options.parse(options.usage_parser(), line).since), raw=True)
        except options.Help as text:
            _print(str(text))

    # -- the cell ------------------------------------------------------------------------------------------------------
    def _cell(self, given: argparse.Namespace, cell: str) -> None:
        job = self._job(given, cell)
        status = Status(place_of(self._shell).publish)
        try:
            result = self.workshop.run(job, status.draw)
        except AutocoderError as error:
            source = error.source if isinstance(error, PolicyRefused | RunFailed) else ""
            from jupyter_autocoder.autocoder import cost

            told = {"error": type(error).__name__, **cost(error.usage or Usage())}
            status.fail(error.what, source, error.usage, {METADATA: told})
            raise
        except BaseException as error:
            title = f"failed: {type(error).__name__}"
            if isinstance(error, KeyboardInterrupt):
                title = _INTERRUPTED
                # Where in our waiting it came is of no interest to anybody.
                error._render_traceback_ = lambda: [f"KeyboardInterrupt: {_INTERRUPTED}"]  # type: ignore[attr-defined]
            status.fail(title, "", None, {METADATA: {"error": type(error).__name__}})
            raise
        self._land(result, job, status, given)

    def _job(self, given: argparse.Namespace, cell: str) -> Job:
        # First of all, since it may just be opening: two threads that import at once hold each other up.
        workshop = self.workshop
        from jupyter_autocoder.agent.checks import split
        from jupyter_autocoder.autocoder import Job, notebook_name
        from jupyter_autocoder.magics.inference import understand, wished

        text, checks = split(cell)
        if not text:
            raise UsageError("%%autocode: the cell is empty", do="say in words what you want, below the first line")
        chosen = workshop.settings(given)
        folder = _folder()
        landed = {name for name, words in self._landed.items() if words == text}
        meaning = understand(
            text,
            checks,
            self.names(),
            inputs=given.inputs,
            outputs=given.outputs,
            files=given.files,
            landed=landed,
            reserved=self._shell.user_ns_hidden,
            folder=folder,
        )
        self._refuse_overwriting(given.save, folder)
        rows = chosen.notebook.rows_shown if chosen.notebook.show_data else 0
        values = {name: self._shell.user_ns[name] for name in meaning.inputs}
        return Job(
            prompt=Prompt(
                text=text,
                checks=checks,
                inputs=tuple(workshop.describe(name, value, rows=rows) for name, value in values.items()),
                outputs=meaning.outputs,
                files=tuple(sorted(meaning.files)),
                model=given.model,
                attempts=chosen.notebook.attempts,
            ),
            values=values,
            files=meaning.files,
            demanded=tuple(given.outputs or ()),
            wished=wished(text, meaning, self.names(), landed, self._shell.user_ns_hidden),
            mode=_mode(given, os.environ),
            dry_run=given.dry_run,
            fresh=given.fresh,
            notebook=notebook_name(),
            cell=_cell_id(self._shell),
        )

    def names(self) -> dict[str, Any]:
        """The person's variables, without IPython's own and those that begin with an underscore."""
        hidden = self._shell.user_ns_hidden
        return {n: v for n, v in self._shell.user_ns.items() if n not in hidden and not n.startswith("_")}

    def _models(self) -> list[str]:
        model = settings.current().model
        return [model.name, *model.fallback]

    @staticmethod
    def _refuse_overwriting(names: list[str], folder: Path) -> None:
        """Look before a model is asked: a file that cannot be saved is known beforehand."""
        for name in names:
            target = (folder / name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise UsageError(f"--save {name} leaves the notebook's folder", do="save into the folder or below it")
            if target.exists():
                raise UsageError(f"--save {name}: that file exists", do="remove it first, or save under another name")

    def _land(self, result: Result, job: Job, status: Status, given: argparse.Namespace) -> None:
        """Bring everything into the notebook: status line, outputs, values, files, the next cell."""
        from jupyter_autocoder.autocoder import provenance

        outcome = result.outcome
        status.finish(outcome, tuple(result.values), {METADATA: provenance(outcome)})
        if outcome.run is not None:
            for output in outcome.run.outputs:
                _show(output)
        self._shell.push(dict(result.values), interactive=True)
        self._landed.update(dict.fromkeys(result.values, job.prompt.text))
        if given.save and outcome.run is not None:
            self.workshop.save(given.save, Path.cwd())
        if not outcome.verdict.allowed:
            return
        if given.insert:
            self._shell.set_next_input(outcome.source)
        if given.adopt:
            self._shell.set_next_input(self.workshop.definitions(outcome.source))

    # -- the line ------------------------------------------------------------------------------------------------------
    def _line(self, given: argparse.Namespace) -> None:
        match given.command:
            case "reset":
                self.workshop.reset()
                self._landed.clear()
            case "history":
                _print(self.workshop.history())
            case "code":
                _print(self.workshop.code(given.number))
            case "adopt":
                self._shell.set_next_input(self.workshop.adopt(given.name))
            case "context":
                job = self._job(options.parse(options.cell_parser(), "--dry-run"), given.words)
                _print(self.workshop.preview(job))


def keep_prompts(lines: list[str]) -> list[str]:
    """Make a ``%%autocode`` cell a call before IPython strips every ``>>>`` from it: its doctest lines are checks.

    A cell of one line gets a body, since IPython refuses a call without one before we can show help or say what is
    missing.
    """
    if not lines or not lines[0].startswith("%%autocode"):
        return lines
    return cell_magic(lines if len(lines) > 1 else [*lines, "\n"])  # type: ignore[no-any-return,unused-ignore]


def _folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("the working directory is gone", do="change to a folder that exists, with %cd") from None


def _mode(given: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    from jupyter_autocoder.autocoder import locked_by_environment

    if given.locked or locked_by_environment(environ):
        return "locked"
    return "refresh" if given.refresh else "auto"


def _cell_id(shell: InteractiveShell) -> str:
    """The front-end's id of the running cell, where it sends one."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return ""
    return str(kernel.get_parent().get("metadata", {}).get("cellId", "") or "")


def _show(output: Mapping[str, Any]) -> None:
    if output["output_type"] == "stream":
        stream = sys.stderr if output["name"] == "stderr" else sys.stdout
        stream.write(output["text"])
        stream.flush()
    elif "data" in output:
        display(dict(output["data"]), raw=True, metadata=dict(output.get("metadata", {})))


def _print(text: str) -> None:
    # Code of a stranger's lock may hold what a terminal obeys.
    display({"text/plain": plain(text)}, raw=True)
