"""What the sandbox costs: kernel start to first reply, the round trip of ``1+1``, and numpy/pandas work inside.

Bare is ``python -m ipykernel`` over the same ipc transport, in the same interpreter; bare and sandboxed runs alternate,
so that a busy machine slows both. Run it alone: ``python benchmarks/bench_sandbox_start.py [ROUNDS]``.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.settings import SandboxSettings

ROUND_TRIPS = 300
WORK = """
import time, numpy as np, pandas as pd
rng = np.random.default_rng(7)
def work():
    start = time.perf_counter()
    a = rng.random((700, 700)); a @ a @ a
    frame = pd.DataFrame({"k": rng.integers(0, 500, 400_000), "v": rng.random(400_000)})
    frame.groupby("k").v.agg(["mean", "std"]); frame.sort_values("v")
    return time.perf_counter() - start
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


async def with_kernel(manager: Any, then: Callable[[Any], Awaitable[Any]]) -> tuple[float, Any]:
    """Seconds to the first reply, and what `then` makes of the client."""
    start = time.perf_counter()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    ready = time.perf_counter() - start
    try:
        return ready, await then(client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def nothing(client: Any) -> None:
    return None


async def round_trips(client: Any) -> list[float]:
    """Seconds from request to reply, for each of many requests."""
    times = []
    for _ in range(ROUND_TRIPS):
        start = time.perf_counter()
        await client.execute_interactive("1+1", output_hook=lambda message: None, timeout=30)
        times.append(time.perf_counter() - start)
    return times


async def work(client: Any) -> list[float]:
    """Seconds of numpy and pandas work, as measured inside."""
    seen: list[float] = []

    def hook(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            seen.extend(float(line) for line in message["content"]["text"].split())

    await client.execute_interactive(WORK, output_hook=hook, timeout=120)
    await client.execute_interactive("for _ in range(9): print(work())", output_hook=hook, timeout=120)
    return seen


async def main(rounds: int) -> None:
    kinds = {"bare": bare, "sandboxed": sandboxed}
    starts: dict[str, list[float]] = {kind: [] for kind in kinds}
    trips: dict[str, list[float]] = {kind: [] for kind in kinds}
    works: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds + 1):
        for kind, make in kinds.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds, _ = await with_kernel(make(Path(folder)), nothing)
            if number:  # the first round warms the disk's cache
                starts[kind].append(seconds)
    for _ in range(3):
        for kind, make in kinds.items():
            with tempfile.TemporaryDirectory() as folder:
                trips[kind] += (await with_kernel(make(Path(folder)), round_trips))[1]
            with tempfile.TemporaryDirectory() as folder:
                works[kind] += (await with_kernel(make(Path(folder)), work))[1]
    print(f"{'median':<28}{'bare':>12}{'sandboxed':>12}{'ratio':>8}{'allowed':>9}")
    for name, times, allowed in (("start to first reply, ms", starts, 1.15), ("1+1, ms", trips, 1.1)):
        line(name, times, allowed, statistics.median)
    # The work is long, and what a busy machine adds to it is not the sandbox's: the fastest run of each tells more.
    line("numpy/pandas, ms (fastest)", works, 1.02, min)


def line(name: str, times: dict[str, list[float]], allowed: float, of: Callable[[list[float]], float]) -> None:
    """Print one row."""
    outside, inside = of(times["bare"]) * 1000, of(times["sandboxed"]) * 1000
    print(f"{name:<28}{outside:>12.2f}{inside:>12.2f}{inside / outside:>8.3f}{allowed:>9.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
