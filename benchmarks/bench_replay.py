"""What replaying costs: locked notebooks of twenty prompts against plain nbclient running the same code.

One does an analyst's work with plots; the other, of tiny cells that each bring a DataFrame back, shows the overhead
alone. Both sides run in turn, in one process tree, so that a slow moment of the machine hits both.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import analysis
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from jupyter_autocoder.app.export import export
from jupyter_autocoder.lock import Lock
from jupyter_autocoder.policy import Policy
from jupyter_autocoder.testing import FakeOpenAI

ROUNDS = 5
CSV = Path(__file__).parent.parent / "examples" / "prices.csv"
TINY = """\
import pandas as pd
frame{n} = pd.DataFrame({{'x': range(1000)}})
frame{n}['y'] = frame{n}['x'] ** 2
frame{n}['y'].sum()
"""
NOTEBOOKS: dict[str, Sequence[tuple[str, str]]] = {
    "an analysis of prices, seven plots": analysis.STEPS,
    "tiny cells, a DataFrame back from each": [(f"Squares in `frame{n}`.", TINY.format(n=n)) for n in range(20)],
}


def prompts(steps: Sequence[tuple[str, str]]) -> NotebookNode:
    cells = [nbformat.v4.new_code_cell("%load_ext jupyter_autocoder")]
    cells += [nbformat.v4.new_code_cell(f"%%autocode\n{words}") for words, _ in steps]
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


def compare(title: str, steps: Sequence[tuple[str, str]], folder: Path) -> None:
    ours = prompts(steps)
    with FakeOpenAI({words: f"```python\n{code}\n```" for words, code in steps}) as server:
        run(ours, folder, OPENAI_BASE_URL=server.base_url)
    plain = nbformat.from_dict(ours)
    export(plain, Lock(folder / "autocode.lock"), "n.ipynb", policy=Policy())
    rows = [(run(plain, folder), run(ours, folder, AUTOCODER_LOCKED="1")) for _ in range(ROUNDS)]
    ratio = statistics.median(b[0] / a[0] for a, b in rows)
    added = statistics.median(1000 * (o - p) for a, b in rows for p, o in zip(a[1][2:], b[1][3:], strict=True))
    out = sys.stdout.write
    out(f"{title}: {len(steps)} cells, median of {ROUNDS} rounds in turn\n")
    out(f"  plain nbclient                     {statistics.median(a[0] for a, _ in rows):8.2f} s\n")
    out(f"  locked                             {statistics.median(b[0] for _, b in rows):8.2f} s\n")
    out(f"  ratio (aim: at most 1.3)           {ratio:8.2f}\n")
    out(f"  a warm replayed cell adds          {added:8.1f} ms (aim: at most 60)\n")
    out(f"  the first one takes                {statistics.median(b[1][1] for _, b in rows):8.2f} s\n")
    out(
        f"  %load_ext takes                    {statistics.median(b[1][0] for _, b in rows):8.3f} s (aim: under 0.15)\n"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="jac-bench-", dir="/tmp") as name:
        for variable in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            os.environ[variable] = str(Path(name) / variable.lower())
        for number, (title, steps) in enumerate(NOTEBOOKS.items()):
            folder = Path(name) / str(number)
            folder.mkdir()
            shutil.copy(CSV, folder)
            compare(title, steps, folder)


if __name__ == "__main__":
    main()
