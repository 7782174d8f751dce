"""What a run left, as a conversation keeps and shows it."""

from __future__ import annotations

import dataclasses

from jupyter_autocoder.chat import Execution, Malformed, Problem
from jupyter_autocoder.events import Run
from jupyter_autocoder.server.outputs import read_output

# A result bigger than this is for a notebook, not for a sidebar; in characters of JSON.
MAX_OUTPUT = 1024 * 1024
NO_OUTPUT = "An output was left out: it is malformed or nested too deeply."
TOO_BIG = "The output is too big for the sidebar and was cut; run the code in the notebook to see all of it."


def executed(execution: Execution, run: Run) -> Execution:
    """Give the execution as the run left it, its outputs cut to what a sidebar can show."""
    outputs, notes, size = [], [*execution.notes, *run.notes], 0
    for output in run.outputs:
        try:
            read_output(output)
        except Malformed:
            notes += [NO_OUTPUT] if NO_OUTPUT not in notes else []
            continue
        size += sum(
            len(str(part)) for part in (output.get("text", ""), output.get("data", ""), output.get("traceback", ""))
        )
        if size > MAX_OUTPUT:
            notes.append(TOO_BIG)
            break
        outputs.append(output)
    notes += [f"The limit {name} was hit." for name in run.limits_hit]
    problem = None
    if run.error is not None:
        problem = Problem(kind=run.error.name, what=f"{run.error.name}: {run.error.message}"[:2000])
    return dataclasses.replace(
        execution,
        state="done" if run.ok else "failed",
        outputs=tuple(outputs),
        problem=problem,
        seconds=round(run.duration, 3),
        notes=tuple(notes),
    )
