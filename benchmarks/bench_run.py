"""`Sandbox.run` beside the same run in a bare kernel under plain nbclient, the pool, and what a flood costs the host.

Run it alone: ``python benchmarks/bench_run.py``. Pairs are interleaved, so a busy machine slows both sides.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import nbformat.v4
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from jupyter_autocoder.sandbox import Pool, Sandbox, SandboxSettings

ROUNDS = 60
TAKEN = 5

FLOOD = """
import asyncio, sys
from jupyter_autocoder.sandbox import Sandbox

def resident():
    fields = open("/proc/self/status").read().split()
    return int(fields[fields.index("VmHWM:") + 1]) / 1024

async def main():
    async with Sandbox() as box:
        await box.run("print(1)")
        before = resident()
        run = await box.run(sys.argv[1])
        print(f"{resident() - before:.1f} {run.duration:.2f} {run.limits_hit}")

asyncio.run(main())
"""


async def main() -> None:
    print(f"{'':34}{'bare':>10}{'sandbox':>10}{'ratio':>8}")
    await round_trips()
    await from_pool()
    floods()


async def round_trips() -> None:
    """``1 + 1`` in a kernel that is warm."""
    manager = AsyncKernelManager(kernel_name="python3")
    client = NotebookClient(nbformat.v4.new_notebook(), km=manager)

    async def bare() -> None:
        client.nb.cells = [nbformat.v4.new_code_cell("1 + 1")]
        await client.async_execute_cell(client.nb.cells[0], 0)

    async with client.async_setup_kernel(cleanup_kc=True), Sandbox() as box:
        plain, boxed = [], []
        for _ in range(ROUNDS):
            plain.append(await timed(bare) * 1000)
            boxed.append(await timed(lambda: box.run("1 + 1")) * 1000)
    row("round trip of 1 + 1, ms", statistics.median(plain), statistics.median(boxed))


async def from_pool() -> None:
    async with Pool(SandboxSettings(pool=1)) as pool:
        seconds = []
        for _ in range(TAKEN):
            await pool.ready()
            start = time.perf_counter()
            box = await pool.take()
            await box.run("1 + 1")
            seconds.append(time.perf_counter() - start)
            await box.close()
    print(f"{'fresh from the pool, first run, ms':34}{'':10}{statistics.median(seconds) * 1000:10.1f}")


def floods() -> None:
    print(f"\n{'printed':34}{'host +MB':>10}{'seconds':>10}  limits hit")
    for label, source in (
        ("100 MB in one print", "print('x' * 10**8)"),
        ("100 MB in lines of 1 kB", "for _ in range(100_000): print('x' * 1000)"),
        ("1 GB in prints of 1 MB", "for _ in range(1000): print('x' * 10**6)"),
    ):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FLOOD, source],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1],
        )  # fmt: skip
        grown, seconds, limits = done.stdout.split(maxsplit=2)
        print(f"{label:34}{grown:>10}{seconds:>10}  {limits.strip()}")


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


def row(label: str, bare: float, boxed: float) -> None:
    print(f"{label:34}{bare:10.3f}{boxed:10.3f}{boxed / bare:8.2f}")


if __name__ == "__main__":
    asyncio.run(main())
