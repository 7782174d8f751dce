"""``jupyter autocoder export``: a plain notebook, with the locked code and checks in place of the prompts."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from jupyter_autocoder import settings
from jupyter_autocoder.agent.checks import compile_checks, split
from jupyter_autocoder.agent.prompt import list_findings
from jupyter_autocoder.app import notebooks
from jupyter_autocoder.errors import ExitCode, LockError, NotInLock, PolicyRefused, UsageError
from jupyter_autocoder.lock import Entry, Lock, find
from jupyter_autocoder.policy import Policy, check

# Our own lines in ordinary cells go: the plain notebook must run where this package is not installed.
_OURS = re.compile(
    r"^[ \t]*%(?:(?:load_ext|reload_ext|unload_ext)[ \t]+jupyter_autocoder|autocode|usage|trade)\b.*$",
    re.MULTILINE,
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", type=Path, help="the notebook with prompts")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the plain notebook to write")


def run(options: argparse.Namespace) -> int:
    lock = Lock(find(options.notebook.resolve().parent, os.environ))
    for path, what in ((options.notebook, "the notebook with the prompts"), (lock.path, "the lock with the answers")):
        if notebooks.is_same_file(path, options.output):
            raise UsageError(f"{options.output} is {what}", do="choose another path for -o; nothing was written")
    notebook = notebooks.read(options.notebook)
    policy = Policy.from_settings(settings.current().policy)
    count = export(notebook, lock, lock.name_of(str(options.notebook.resolve())), policy=policy)
    notebooks.write(notebook, options.output)
    sys.stdout.write(f"{options.output}: {count} prompts replaced by their locked code\n")
    return int(ExitCode.DONE)


def export(notebook: NotebookNode, lock: Lock, name: str, *, policy: Policy) -> int:
    """Replace each prompt of `notebook` by its locked code, and its checks by a cell of their own; return how many.

    The checks stand apart so that the code's last expression is still what its cell shows. A prompt with ``--dry-run``
    never ran and is never locked: its words stay, as a comment. Raises NotInLock for another prompt without an answer,
    LockError for checks that cannot be compiled, PolicyRefused for code that `policy` refuses.
    """
    cells: list[NotebookNode] = []
    previous = ""
    count = 0
    for number, cell in enumerate(notebook.cells, 1):
        prompt = notebooks.prompt_of(cell)
        if prompt is not None and _is_dry(prompt[0]):
            cells.append(_emptied(cell, _comment(split(prompt[1])[0]) + "# (only a draft: nothing was run)"))
        elif prompt is not None:
            previous, entry = _find(lock, *split(prompt[1]), name, previous, number)
            cells += _plain(cell, entry, lock.path, policy)
            count += 1
        elif cell.cell_type != "code":
            cells.append(cell)
        elif source := _OURS.sub("", cell.source).strip("\n"):
            cells.append(_emptied(cell, source))
    notebook.cells = cells
    return count


def _is_dry(line: str) -> bool:
    try:
        return "--dry-run" in shlex.split(line)
    except ValueError:
        return False


def _plain(cell: NotebookNode, entry: Entry, path: Path, policy: Policy) -> list[NotebookNode]:
    # The plain notebook runs with the person's rights: what was edited into a lock must not slip into it.
    verdict = check(entry.code, policy)
    if not verdict.allowed:
        what = f'the locked code of "{entry.title}" is refused; nothing was written'
        raise PolicyRefused(what, verdict=verdict, source=entry.code, why=list_findings(verdict))
    try:
        checks = compile_checks(entry.checks).source
    except (UsageError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        what = f'{path} holds checks that are no Python, of "{entry.title}"'
        raise LockError(what, path=str(path), why=str(error), do="run that cell again, or mend the lock") from None
    cells = [_emptied(cell, _comment(entry.prompt) + entry.code.rstrip("\n"))]
    if checks:
        cells.append(nbformat.v4.new_code_cell("# checks\n" + checks.rstrip("\n")))
    return cells


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.strip().splitlines())


def _emptied(cell: NotebookNode, source: str) -> NotebookNode:
    cell.source, cell.outputs, cell.execution_count = source, [], None
    return cell


def _find(lock: Lock, text: str, checks: str, name: str, previous: str, number: int) -> tuple[str, Entry]:
    """The entry of a prompt: of its words and checks, best with the same predecessor, best of the same notebook."""
    alike = [
        (key, entry)
        for key, entry in lock.entries().items()
        if entry.prompt.strip() == text.strip() and entry.checks.strip() == checks.strip()
    ]
    if not alike:
        do = "run the notebook once, so that every prompt has its answer in the lock"
        what = f"{lock.path} has no answer to the prompt in cell {number}"
        raise NotInLock(what, path=str(lock.path), why="this prompt was never locked, or was edited since", do=do)
    return max(alike, key=lambda pair: (pair[1].previous == previous, pair[1].notebook == name))
