"""Values into the sandbox and out again, beside a plain copy of the same memory, and what each side holds at most.

``host`` and ``box`` are the peaks of resident memory while a value goes in and comes out, above what was held before:
a value that came out is held once more by the host, one that went in by the box. A second part measures what idle warm
sandboxes hold. Run it alone: ``python benchmarks/bench_values.py [--large]``; with ``--large`` a DataFrame of 1 GB
crosses as well. The load average is printed, since another program's work shows in every figure.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_autocoder.sandbox import Pool, Sandbox, SandboxSettings

ROUNDS = 5
LARGE = "DataFrame of 1 GB"


def cases(large: bool) -> dict[str, Any]:
    random = np.random.default_rng(0)
    rows = 12_500_000 // 8
    found: dict[str, Any] = {
        "5": 5,
        "dict of 1,000 texts": {str(n): "x" * 20 for n in range(1000)},
        "list of 1M floats": random.random(1_000_000).tolist(),
        "array of 100 MB": random.random(12_500_000),
        "DataFrame of 100 MB, 8 floats": pd.DataFrame(random.random((rows, 8))),
        "DataFrame of 100 MB, mixed": pd.DataFrame(
            {
                "day": pd.date_range("2000", periods=2_500_000, freq="min"),
                "symbol": pd.Series(random.choice(["AAPL", "MSFT", "NVDA"], 2_500_000)),
                "close": random.random(2_500_000),
                "volume": random.integers(0, 10**6, 2_500_000),
            }
        ),
    }
    if large:
        found[f"{LARGE}, 8 floats"] = pd.DataFrame(random.random((rows * 10, 8)))
    return found


async def main() -> None:
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    await measure_values("--large" in sys.argv)
    await measure_pool()


async def measure_values(large: bool) -> None:
    titles = ("copy s", "in s", "out s", "in+out s", "host MB", "box MB")
    print(f"{'':34}" + "".join(f"{title:>10}" for title in titles))
    settings = SandboxSettings(memory=16_384, scratch=2048, file_size=2048)
    for label, value in cases(large).items():
        async with Sandbox(settings) as box:
            await box.put("warm", pd.DataFrame({"a": [1.0], "b": ["x"]}))
            await box.get("warm")
            before = (await box.run("0")).peak_memory or 0
            held = reset_peak()
            rounds = [await crossing(box, value)]
            peaks = peak() - held, ((await box.run("0")).peak_memory or 0) - before
            rounds += [await crossing(box, value) for _ in range(1 if label.startswith(LARGE) else ROUNDS - 1)]
        copy, into, out = (statistics.median(column) for column in zip(*rounds, strict=True))
        memory = "".join(f"{bytes_ / 1e6:10.0f}" for bytes_ in peaks)
        print(f"{label:34}{copy:10.4f}{into:10.4f}{out:10.4f}{into + out:10.4f}{memory}")


async def crossing(box: Sandbox, value: Any) -> tuple[float, float, float]:
    start = time.perf_counter()
    await box.put("value", value)
    into = time.perf_counter()
    back = await box.get("value")
    out = time.perf_counter()
    assert type(back) is type(value)
    del back
    await asyncio.sleep(0.05)  # the loops' own references go with their next turn
    again = time.perf_counter()
    _ = value.copy() if hasattr(value, "copy") else value
    return time.perf_counter() - again, into - start, out - into


async def measure_pool() -> None:
    """Two warm sandboxes that nobody has used: what all their processes hold, shared pages counted once (PSS)."""
    async with Pool(SandboxSettings(pool=2)) as pool:
        await pool.ready()
        await asyncio.sleep(1)
        processes = [int(one) for one in below(os.getpid())]
        held = {pid: (status(pid, "VmRSS"), proportional(pid)) for pid in processes}
        resident, share = (sum(column) for column in zip(*held.values(), strict=True))
    print(
        f"\nidle pool of two: {len(held)} processes, {resident / 1e6:.0f} MB resident, {share / 1e6:.0f} MB their share"
    )


def below(pid: int) -> Iterator[str]:
    """The processes that `pid` started, and those that they did."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield child
            yield from below(int(child))


def proportional(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def status(pid: int | str, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def reset_peak() -> int:
    """Let this process's peak begin anew (proc(5), clear_refs); what it holds now, in bytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return status("self", "VmRSS")


def peak() -> int:
    return status("self", "VmHWM")


if __name__ == "__main__":
    asyncio.run(main())
