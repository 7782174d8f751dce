"""What replaying costs: a locked cell against the same code bare, and a notebook of twenty against plain nbclient.

Both sides of each comparison run in turn, in one process tree, so that a slow moment of the machine hits both.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from jupyter_autocoder.app.export import export
from jupyter_autocoder.lock import Lock
from jupyter_autocoder.policy import Policy
from jupyter_autocoder.testing import FakeOpenAI

CELLS = 20
ROUNDS = 5
CODE = """\
import pandas as pd
frame{n} = pd.DataFrame({{'x': range(1000)}})
frame{n}['y'] = frame{n}['x'] ** 2
frame{n}['y'].sum()
"""


def prompts() -> NotebookNode:
    cells = [nbformat.v4.new_code_cell("%load_ext jupyter_autocoder")]
    cells += [nbformat.v4.new_code_cell(f"%%autocode\nStep {n}: squares in `frame{n}`.") for n in range(CELLS)]
    return _notebook(cells)


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    node: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return node


def run(node: NotebookNode, folder: Path, **env: str) -> tuple[float, list[float]]:
    """Execute a copy; return the wall seconds of all cells together, and of each."""
    node = nbformat.from_dict(node)
    spans: list[float] = []
    started = 0.0

    def starts(cell: NotebookNode, cell_index: int) -> None:
        nonlocal started
        started = time.perf_counter()

    def ended(cell: NotebookNode, cell_index: int, execute_reply: object) -> None:
        spans.append(time.perf_counter() - started)

    client = NotebookClient(
        node,
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=starts,
        on_cell_executed=ended,
    )
    before = time.perf_counter()
    asyncio.run(client.async_execute(env={**os.environ, **env}))
    return time.perf_counter() - before, spans


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="jac-bench-", dir="/tmp") as name:
        folder = Path(name)
        for variable in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            os.environ[variable] = str(folder / variable.lower())
        ours = prompts()
        answers = {f"Step {n}:": f"```python\n{CODE.format(n=n)}```" for n in range(CELLS)}
        with FakeOpenAI(answers) as server:
            run(ours, folder, OPENAI_BASE_URL=server.base_url)
        plain = nbformat.from_dict(ours)
        export(plain, Lock(folder / "autocode.lock"), "n.ipynb", policy=Policy())
        rows = [(run(plain, folder), run(ours, folder, AUTOCODER_LOCKED="1")) for _ in range(ROUNDS)]
    ratio = statistics.median(b[0] / a[0] for a, b in rows)
    added = statistics.median(1000 * (statistics.median(b[1][3:]) - statistics.median(a[1][2:])) for a, b in rows)
    first = statistics.median(b[1][1] for _, b in rows)
    load = statistics.median(b[1][0] for _, b in rows)
    out = sys.stdout.write
    out(f"notebook of {CELLS} cells, median of {ROUNDS} rounds in turn\n")
    out(f"  plain nbclient                     {statistics.median(a[0] for a, _ in rows):8.2f} s\n")
    out(f"  locked                             {statistics.median(b[0] for _, b in rows):8.2f} s\n")
    out(f"  ratio (aim: at most 1.3)           {ratio:8.2f}\n")
    out(f"  a warm replayed cell adds          {added:8.1f} ms (aim: at most 60)\n")
    out(f"  the first one takes                {first:8.2f} s\n")
    out(f"  %load_ext takes                    {load:8.3f} s (aim: under 0.15)\n")


if __name__ == "__main__":
    main()
