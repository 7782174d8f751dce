"""What a run tells: live lines, a JSON report, JUnit XML."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from nbformat import NotebookNode

from jupyter_autocoder.app import notebooks
from jupyter_autocoder.app.bar import Writer
from jupyter_autocoder.errors import ExitCode, UsageError
from jupyter_autocoder.events import METADATA
from jupyter_autocoder.text import one_line

Status = Literal["ok", "allowed", "failed", "not run"]
_MAY_RAISE = "raises-exception"
_LONGEST = 2000
_MARKS: dict[Status, str] = {"ok": "✓", "allowed": "!", "failed": "✗", "not run": " "}
# XML 1.0 has no place for these characters, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Failure:
    """Why a run ended early: the error's class name, its text, and the exit code that says so."""

    name: str
    text: str
    exit_code: ExitCode


@dataclass(kw_only=True)
class CellReport:
    """One code cell; `provenance` is what its output tells, `seconds` its wall time.

    "allowed" is a cell that failed and says by its tag that it may.
    """

    index: int
    status: Status = "not run"
    prompt: str = ""
    source: str = ""
    seconds: float = 0.0
    error: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A whole run; cost in micro-USD."""

    notebook: str
    ok: bool
    exit_code: int
    seconds: float
    cost_micro_usd: int
    tokens: int
    error: str
    cells: list[CellReport]
    tickets: list[str] = field(default_factory=list)


class Watcher:
    """Listens to a run: nbclient calls `starts` and `ended` around each cell."""

    def __init__(self, path: Path, notebook: NotebookNode, *, verbose: bool, write: Writer) -> None:
        self._path = path
        self._notebook = notebook
        self._verbose = verbose
        self._write = write
        self._started = 0.0
        self._running: CellReport | None = None
        self.cells = {i: _blank(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"}

    def starts(self, cell: NotebookNode, cell_index: int) -> None:
        self._started = time.monotonic()
        row = self._running = self.cells[cell_index]
        self._write.at(sum(row.status != "not run" for row in self.cells.values()), len(self.cells))
        if self._verbose and row.prompt:
            self._write(f"\n── cell {cell_index + 1} " + "─" * 60 + f"\n{row.prompt.strip()}\n")

    def ended(self, cell: NotebookNode, cell_index: int, execute_reply: Any = None) -> None:
        row = self.cells[cell_index]
        row.seconds = round(time.monotonic() - self._started, 3)
        row.provenance = notebooks.provenance_of(cell)
        errors = [output for output in cell.outputs if output.output_type == "error"]
        # A magic that is not there fails without an error output: only the reply tells.
        reply = (execute_reply or {}).get("content", {})
        failed = bool(errors) or reply.get("status") == "error"
        # As nbclient has it: a cell that says it may raise, and does, lets the run go on.
        may_raise = _MAY_RAISE in cell.metadata.get("tags", [])
        row.status = "ok" if not failed else "allowed" if may_raise else "failed"
        self._running = None
        told = (errors[0].ename, errors[0].evalue) if errors else (reply.get("ename"), reply.get("evalue"))
        row.error = f"{told[0]}: {told[1]}" if failed else ""
        if row.prompt and self._verbose:
            self._write(_transcript(cell, row))
        elif row.prompt:
            mark = _MARKS[row.status]
            why = f"{allowance(row)}: " if row.status == "allowed" else ""
            self._write(f"{mark} cell {cell_index + 1} ({row.seconds:.1f} s) {why}{_title(row)}\n")

    def result(self, failure: Failure | None, seconds: float, *, pending_ok: bool) -> RunReport:
        """The whole run; a ticket that waits for a person makes it unfinished unless `pending_ok`."""
        if failure and self._running is not None:
            self._breaks_off(self._running, failure)
        rows = list(self.cells.values())
        waiting = [row.provenance["ticket"] for row in rows if "ticket" in row.provenance]
        code = ExitCode.TICKET_WAITS if waiting and not pending_ok else ExitCode.DONE
        return RunReport(
            notebook=str(self._path),
            ok=failure is None,
            exit_code=int(failure.exit_code if failure else code),
            tickets=waiting,
            seconds=round(seconds, 3),
            cost_micro_usd=sum(row.provenance.get("cost_micro_usd") or 0 for row in rows),
            tokens=sum(sum(row.provenance.get("tokens", {}).values()) for row in rows),
            error=f"{failure.name}: {failure.text}" if failure else "",
            cells=rows,
        )

    def _breaks_off(self, row: CellReport, failure: Failure) -> None:
        """Write down a cell that never ended, as when it took too long or its kernel died."""
        row.status = "failed"
        row.error = f"{failure.name}: {failure.text}"
        row.seconds = round(time.monotonic() - self._started, 3)
        row.provenance = notebooks.provenance_of(self._notebook.cells[row.index])


def closing_line(result: RunReport) -> str:
    """One line at the end of a run."""
    prompts = [row for row in result.cells if row.prompt]
    done = sum(row.status == "ok" for row in prompts)
    replayed = sum(row.provenance.get("origin") == "lock" for row in prompts)
    words = f"{done} of {len(prompts)} prompts done, {replayed} from the lock"
    if allowed := sum(row.status == "allowed" for row in prompts):
        words += f", {allowed} failed as allowed by the tag"
    if result.tickets:
        words += f", waiting for a person: {', '.join(result.tickets)}"
    return f"{result.notebook}: {words}, {result.seconds:.1f} s, ${result.cost_micro_usd / 1e6:.4f}"


def unlocked_lines(result: RunReport) -> list[str]:
    """One line for each answer that is not in the lock although it should be, for people to see."""
    told = ((row, row.provenance.get("unlocked", "")) for row in result.cells)
    return [f"{result.notebook}, cell {row.index + 1}: {one_line(why, _LONGEST)}" for row, why in told if why]


def allowance(row: CellReport) -> str:
    """Say by which error an allowed cell failed."""
    return f"{row.error.partition(':')[0]}, allowed by its tag"


def from_json(data: Any) -> RunReport:
    """Read one report back."""
    return RunReport(**{**data, "cells": [CellReport(**row) for row in data["cells"]]})


def unread(path: Path, text: str, exit_code: int) -> RunReport:
    """The report on a notebook that was never begun."""
    return RunReport(
        notebook=str(path), ok=False, exit_code=exit_code, seconds=0, cost_micro_usd=0, tokens=0, error=text, cells=[]
    )


def as_json(results: Sequence[RunReport]) -> str:
    """One notebook's report is an object, several are a list."""
    told = [asdict(result) for result in results]
    return json.dumps(told[0] if len(told) == 1 else told, indent=1, ensure_ascii=False) + "\n"


def as_junit(results: Sequence[RunReport]) -> str:
    """The prompts as test cases, in the form that CI servers read: a suite a notebook."""
    suites = [_suite(result) for result in results]
    root = suites[0]
    if len(suites) > 1:
        root = ElementTree.Element("testsuites")
        root.extend(suites)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(result: RunReport) -> ElementTree.Element:
    rows = [row for row in result.cells if row.prompt or row.status == "failed"]
    failed = sum(row.status == "failed" for row in rows)
    skipped = sum(row.status in {"allowed", "not run"} for row in rows)
    # Green would be wrong where no cell is to blame, as for a kernel that did not start.
    unstarted = not result.ok and not failed
    suite = ElementTree.Element(
        "testsuite",
        name=result.notebook,
        tests=str(len(rows) + unstarted),
        failures=str(failed),
        skipped=str(skipped),
        errors=str(int(unstarted)),
        time=f"{result.seconds:.3f}",
    )
    for row in rows:
        name = _xml(f"cell {row.index + 1}: {_title(row)}")
        case = ElementTree.SubElement(
            suite, "testcase", classname=result.notebook, name=name, time=f"{row.seconds:.3f}"
        )
        if row.status == "failed":
            failure = ElementTree.SubElement(case, "failure", message=_xml(_first(row.error)))
            failure.text = _xml(row.error)
        elif row.status == "allowed":
            # Neither red nor green: what was asked for was not done.
            ElementTree.SubElement(case, "skipped", message=_xml(allowance(row))).text = _xml(row.error)
        elif row.status == "not run":
            ElementTree.SubElement(case, "skipped", message="an earlier cell failed")
    if unstarted:
        case = ElementTree.SubElement(suite, "testcase", classname=result.notebook, name="run", time="0.000")
        ElementTree.SubElement(case, "error", message=_xml(_first(result.error))).text = _xml(result.error)
    return suite


def _title(row: CellReport) -> str:
    return _first(row.prompt) or _first(row.source)


def _first(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def save(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except (OSError, UnicodeEncodeError) as error:
        raise UsageError(f"{path} could not be written", why=str(error), do="choose another path") from None


def _blank(index: int, cell: NotebookNode) -> CellReport:
    prompt = notebooks.prompt_of(cell)
    return CellReport(index=index, prompt=prompt[1] if prompt else "", source=cell.source)


def _transcript(cell: NotebookNode, row: CellReport) -> str:
    status = [o for o in cell.outputs if METADATA in o.get("metadata", {})]
    parts = []
    for output in status:
        parts.append(str(output.get("data", {}).get("text/plain", "")))
    code = row.provenance.get("source", "")
    if code:
        parts.append(_indent(code))
    parts += [text.rstrip() for text in notebooks.texts_of(cell) if text.strip()]
    parts += [f"! {allowance(row)}"] if row.status == "allowed" else []
    return "\n" + notebooks.uncoloured("\n\n".join(parts)) + "\n"


def _indent(text: str) -> str:
    return "\n".join("    " + line for line in text.rstrip().splitlines())


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", notebooks.uncoloured(text))
