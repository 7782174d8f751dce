"""Values into the sandbox and out again, beside a plain copy of the same memory.

Run it alone: ``python benchmarks/bench_values.py [--large]``; with ``--large`` a DataFrame of 1 GB crosses as well.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from jupyter_autocoder.sandbox import Sandbox, SandboxSettings

ROUNDS = 5


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
        found["DataFrame of 1 GB, 8 floats"] = pd.DataFrame(random.random((rows * 10, 8)))
    return found


async def main() -> None:
    print(f"{'':34}{'copy s':>10}{'in s':>10}{'out s':>10}{'in+out s':>10}")
    settings = SandboxSettings(memory=16_384, scratch=2048, file_size=2048)
    for label, value in cases("--large" in sys.argv).items():
        async with Sandbox(settings) as box:
            await box.put("warm", pd.DataFrame({"a": [1.0], "b": ["x"]}))
            await box.get("warm")
            rounds = [
                await crossing(box, value) for _ in range(ROUNDS if label != "DataFrame of 1 GB, 8 floats" else 2)
            ]
        copy, into, out = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{label:34}{copy:10.4f}{into:10.4f}{out:10.4f}{into + out:10.4f}")


async def crossing(box: Sandbox, value: Any) -> tuple[float, float, float]:
    start = time.perf_counter()
    _ = value.copy() if hasattr(value, "copy") else value
    copied = time.perf_counter()
    await box.put("value", value)
    into = time.perf_counter()
    back = await box.get("value")
    out = time.perf_counter()
    assert type(back) is type(value)
    return copied - start, into - copied, out - into


if __name__ == "__main__":
    asyncio.run(main())
