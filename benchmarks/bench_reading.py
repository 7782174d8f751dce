"""How long a sentence takes to read.

    python benchmarks/bench_reading.py [--rounds 5]

Each sentence of the reading suite is read `--rounds` times in one process; the first reading, which loads the symbol
table, the phrases and the grammar, is timed apart. The target is 5 ms for one reading; it is held against the time on
the processor, since the clock on the wall also counts what other processes do. Both are shown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "tests" / "trade" / "readings.jsonl"
TARGET = 5.0  # ms


def _import_time() -> float:
    code = "import time; t = time.perf_counter(); import jupyter_autocoder.trade; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return 1000 * float(done.stdout)


def _time(text: str) -> tuple[float, float]:
    """Return milliseconds on the processor and on the wall."""
    from jupyter_autocoder.trade import read_command

    wall, cpu = time.perf_counter(), time.process_time()
    read_command(text)
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


def _row(name: str, times: list[tuple[float, float]]) -> str:
    cells = []
    for which in (0, 1):
        ordered = sorted(pair[which] for pair in times)
        cells += [ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99) - 1], ordered[-1]]
    return f"{name:<10}{len(times):>9}" + "".join(f"{cell:>11.2f}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    sys.path.insert(0, str(ROOT))
    cases = [json.loads(line) for line in SUITE.read_text().splitlines()]

    print(f"import of jupyter_autocoder.trade: {_import_time():.1f} ms")
    cpu, wall = _time("Buy 10 shares of AAPL")
    print(f"first reading (tables, phrases, grammar): {cpu:.0f} ms on the processor, {wall:.0f} ms on the wall\n")
    times: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for case in cases:
            times[case["expected"]["kind"]].append(_time(case["text"]))
    heads = [f"{clock} {what}" for clock in ("cpu", "wall") for what in ("median", "p99", "max")]
    print(f"{'kind, ms':<10}{'readings':>9}" + "".join(f"{head:>11}" for head in heads))
    for kind, found in sorted(times.items()):
        print(_row(kind, found))
    everything = [one for found in times.values() for one in found]
    print(_row("all", everything))
    slow = sum(cpu > TARGET for cpu, _ in everything)
    print(f"\nover {TARGET:g} ms on the processor: {slow} of {len(everything)}")


if __name__ == "__main__":
    main()
