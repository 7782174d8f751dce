"""What the sandbox costs: kernel start to first reply, the round trip of ``1+1``, and numpy/pandas work inside.

Bare is ``python -m ipykernel`` over the same ipc transport, in the same interpreter; bare and sandboxed runs alternate,
so that a busy machine slows both. Run it alone: ``python benchmarks/bench_sandbox_start.py [ROUNDS]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.settings import SandboxSettings

ROUND_TRIPS = 300
WORKS = 60
WORK = """
import time, numpy as np, pandas as pd
rng = np.random.default_rng(7)
def work():
    start = time.process_time()
    a = rng.random((700, 700)); a @ a @ a
    frame = pd.DataFrame({"k": rng.integers(0, 500, 400_000), "v": rng.random(400_000)})
    frame.groupby("k").v.agg(["mean", "std"]); frame.sort_values("v")
    return time.process_time() - start
work()
"""


def bare(folder: Path) -> Any:
    """A kernel manager for an unconfined kernel over ipc."""
    manager = AsyncKernelManager(transport="ipc", ip=str(folder / "s"), connection_file=str(folder / "k.json"))
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="", language="python"
    )
    return manager


def sandboxed(folder: Path) -> Any:
    """A kernel manager for a sandboxed kernel."""
    return new_manager(SandboxSettings())


@contextlib.asynccontextmanager
async def running(make: Callable[[Path], Any]) -> AsyncIterator[tuple[float, Any]]:
    """Start a kernel; give the seconds to its first reply, and a client."""
    with tempfile.TemporaryDirectory() as folder:
        manager = make(Path(folder))
        start = time.perf_counter()
        await manager.start_kernel()
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        try:
            yield time.perf_counter() - start, client
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


async def round_trip(client: Any) -> float:
    """Seconds from request to reply."""
    start = time.perf_counter()
    await client.execute_interactive("1+1", output_hook=lambda message: None, timeout=30)
    return time.perf_counter() - start


async def work(client: Any) -> float:
    """CPU seconds of numpy and pandas work, as measured inside."""
    said: list[str] = []

    def hook(message: dict[str, Any]) -> None:
        said.append(message["content"].get("text", ""))

    await client.execute_interactive("print(work())", output_hook=hook, timeout=120)
    return float("".join(said))


async def main(rounds: int) -> None:
    kinds = {"bare": bare, "sandboxed": sandboxed}
    starts: dict[str, list[float]] = {kind: [] for kind in kinds}
    trips: dict[str, list[float]] = {kind: [] for kind in kinds}
    works: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, make in kinds.items():
            async with running(make) as (seconds, _):
                if number:  # the first round warms the disk's cache
                    starts[kind].append(seconds)
    async with running(bare) as (_, one), running(sandboxed) as (_, other):
        clients = {"bare": one, "sandboxed": other}
        for client in clients.values():
            await client.execute_interactive(WORK, output_hook=lambda message: None, timeout=120)
        for _ in range(ROUND_TRIPS):
            for kind, client in clients.items():
                trips[kind].append(await round_trip(client))
        for _ in range(WORKS):
            for kind, client in clients.items():
                works[kind].append(await work(client))
    print(f"{'':<30}{'bare':>12}{'sandboxed':>12}{'ratio':>8}{'allowed':>9}")
    line("start to first reply, ms", starts, 1.15, statistics.median)
    line("1+1, ms", trips, 1.1, statistics.median)
    # CPU time, and the least of it: what a busy machine adds to long work is not the sandbox's.
    line("numpy/pandas, CPU ms (least)", works, 1.02, min)


def line(name: str, times: dict[str, list[float]], allowed: float, of: Callable[[list[float]], float]) -> None:
    """Print one row."""
    outside, inside = of(times["bare"]) * 1000, of(times["sandboxed"]) * 1000
    print(f"{name:<30}{outside:>12.2f}{inside:>12.2f}{inside / outside:>8.3f}{allowed:>9.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
