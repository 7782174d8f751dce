"""The magics as a person waits for them, in a real kernel against the fake server, beside a peer where one is at hand.

The peer is ``%%ai`` of jupyter-ai-magics, asked for code by the same server. It asks and shows the code: nothing is
checked, run or brought back, which our cells do as well. It wants other versions than JupyterLab's newest, so it may
live in an environment of its own: ``python benchmarks/bench_magics.py [--peer PYTHON]``, where PYTHON has
jupyter-ai-magics, langchain-openai and ipykernel. Without one its rows are left out, saying so. The kernels take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.manager import KernelManager

from jupyter_autocoder.testing import FakeOpenAI

ROUNDS = 5
# As long as a person takes to type the first sentence.
TYPING = 4.0
ANSWERS = {
    "Count": "```python\nr = [1, 2]\nr\n```",
    # Its first import takes most of the time, in the sandbox and in the person's kernel.
    "Make": "```python\nimport pandas as pd\nr = pd.DataFrame({'a': [1, 2]})\nr\n```",
}
Ask = Callable[[str], float]


@dataclass(frozen=True)
class Contender:
    """One magic: the interpreter of its kernel, what loads it, and how it is asked."""

    label: str
    python: str
    load: str
    cell: str


OURS = (
    Contender("%%autocode", sys.executable, "%load_ext jupyter_autocoder", "%%autocode{}\nCount `r`."),
    Contender("%%autocode, with pandas", sys.executable, "%load_ext jupyter_autocoder", "%%autocode{}\nMake `r`."),
)
PEER = "%%ai of jupyter-ai-magics"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable, help="an interpreter that has jupyter-ai-magics")
    peer = find_peer(parser.parse_args().peer)
    contenders = [*OURS, *([peer] if peer else [])]
    measured: dict[str, list[tuple[float, ...]]] = {one.label: [] for one in contenders}
    with FakeOpenAI(ANSWERS) as server:
        for _ in range(ROUNDS):
            for one in contenders:
                measured[one.label].append(wait_for(one, server.base_url))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, medians of {ROUNDS}, seconds\n")
    print(f"{'':28}{'%load_ext':>12}{'first':>12}{'second':>12}{'replayed':>12}")
    for label, rounds in measured.items():
        print(f"{label:28}" + "".join(f"{statistics.median(column):12.3f}" for column in zip(*rounds, strict=True)))
    if peer is None:
        print(f"{PEER:28}  left out: no interpreter with jupyter-ai-magics and langchain-openai (--peer)")


def find_peer(python: str) -> Contender | None:
    command = [python, "-c", "import jupyter_ai_magics, langchain_openai, ipykernel"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return Contender(PEER, python, "%load_ext jupyter_ai_magics", "%%ai openai-chat:gpt-4o -f code\nCount r.")


def wait_for(one: Contender, url: str) -> tuple[float, ...]:
    """Seconds for loading, the first answer after a while of typing, the next one, and one from the lock."""
    with a_kernel(one.python, url) as ask:
        loading = ask(one.load)
        time.sleep(TYPING)
        ours = one in OURS
        first = ask(one.cell.format("") if ours else one.cell)
        second = ask(one.cell.format(" --refresh") if ours else one.cell)
        if not ours:
            return loading, first, second
        return loading, first, second, ask(one.cell.format(" --locked"))


@contextlib.contextmanager
def a_kernel(python: str, url: str) -> Iterator[Ask]:
    with tempfile.TemporaryDirectory(prefix="bench-magics-") as home:
        spec = Path(home) / "data" / "kernels" / "contender"
        spec.mkdir(parents=True)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "", "language": "python"}))
        work = Path(home) / "work"
        work.mkdir()
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOCODER_", "CI"))}
        environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_BASE": url, "OPENAI_API_KEY": "sk-none"}
        environ |= {f"JUPYTER_{name}_DIR": f"{home}/{name.lower()}" for name in ("DATA", "CONFIG", "RUNTIME")}
        os.environ["JUPYTER_PATH"] = f"{home}/data"
        manager = KernelManager(kernel_name="contender")
        manager.start_kernel(env=environ, cwd=str(work))
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)

        def ask(source: str) -> float:
            start = time.perf_counter()
            reply = client.execute_interactive(source, output_hook=lambda _: None, allow_stdin=False, timeout=60)
            if reply["content"]["status"] != "ok":
                raise SystemExit(f"{source!r} failed: {reply['content']}")
            return time.perf_counter() - start

        try:
            yield ask
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
