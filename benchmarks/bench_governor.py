"""Reserve and settle under load: throughput, latency at a given rate, and a ledger of a million rows.

    python benchmarks/bench_governor.py                        # SQLite in a temporary folder
    python benchmarks/bench_governor.py postgresql://...       # the same on a PostgreSQL server (an empty database)
    python benchmarks/bench_governor.py --seconds 3 --rows 100000

A pair is one `reserve` and one `settle`, each durable on return, of one user with one key; limits are set and never
reached.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable

from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.llm.usage import usage_report
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

PROCESSES = 8
LIMITS = LimitSettings(
    requests_per_minute=10**7, requests_per_day=10**8, tokens_per_minute=10**12, usd_per_day=1e6, usd_per_month=1e7
)
ASK = Ask(model="gpt-4o", key="sk-bench", input_tokens=900, max_output_tokens=4096, cost=43_210, face="bench")
USED = Usage(input_tokens=850, cached_tokens=0, output_tokens=400, cost=6_125, requests=1)


def pair(governor: Governor) -> None:
    governor.settle(governor.reserve(ASK), USED, "ok", 0.5)


def closed_loop(url: str, seconds: float, ready: threading.Barrier, results: multiprocessing.Queue) -> None:
    """As many pairs as one process can make."""
    governor = Governor(Store(url), LIMITS, user="bench")
    pair(governor)
    ready.wait()
    used, times, end = time.process_time(), [], time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        pair(governor)
        times.append(time.perf_counter() - start)
    results.put((times, time.process_time() - used))


def open_loop(url: str, seconds: float, rate: float, ready: threading.Barrier, results: multiprocessing.Queue) -> None:
    """Pairs at a fixed rate; a pair's time runs from when it was due, so that waiting in line counts."""
    governor = Governor(Store(url), LIMITS, user="bench")
    pair(governor)
    ready.wait()
    used, times, begin = time.process_time(), [], time.perf_counter()
    for number in range(int(seconds * rate)):
        due = begin + number / rate
        time.sleep(max(due - time.perf_counter(), 0))
        pair(governor)
        times.append(time.perf_counter() - due)
    results.put((times, time.process_time() - used))


def run_all(target: Callable[..., None], *args: object) -> tuple[list[float], float]:
    """Return the sorted times of all pairs, and the processor time that the processes used for each, in seconds."""
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(PROCESSES), context.Queue()
    workers = [context.Process(target=target, args=(*args, ready, results)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    times = sorted(value for times, _ in found for value in times)
    return times, sum(used for _, used in found) / len(times)


def percentile(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)] * 1000


def fill(store: Store, rows: int) -> None:
    """Append `rows` entries over 90 days, of 50 users; the database sums them as it does the governor's own."""
    columns = (
        "id, entry, at, reserved_at, day, month, who, process, face, notebook, model, fingerprint, requests, failed, "
        "estimated, input_tokens, cached_tokens, output_tokens, total_tokens, cost, latency, outcome"
    )
    numbers = (
        "SELECT i FROM generate_series(?::bigint, ?::bigint) AS n(i)"
        if store.where.startswith("postgresql")
        else "WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
    )
    today = int(time.time() // 86400)
    at = f"({today} - 90) * 86400.0 + i * 7776000.0 / {rows}"
    # A sum that one transaction changes thousands of times has as many versions to step over on PostgreSQL.
    step = 2_000 if store.where.startswith("postgresql") else 50_000
    for first in range(0, rows, step):
        with store.write() as tx:
            tx.run(
                f"INSERT INTO ledger ({columns}) SELECT 'old-' || i, 'charge', {at}, {at}, "
                f"{today} - 90 + i * 90 / {rows}, 202601, 'user' || i % 50, 'bench', 'magic', "
                "'book' || i % 7, 'model' || i % 4, 'key', 1, 0, 0, "
                f"900, 0, 400, 1300, 6125, 0.5, 'ok' FROM ({numbers}) AS numbered",
                *(first, min(first + step, rows) - 1),
            )


def flush_time(folder: str) -> float:
    """How long this disk takes to flush one page of a file that is there already: the floor under every commit."""
    with open(f"{folder}/flush", "wb") as file:
        file.write(bytes(4096 * 200))
        os.fsync(file.fileno())

        def flush() -> None:
            os.pwrite(file.fileno(), bytes(4096), 0)
            os.fdatasync(file.fileno())

        return percentile(timed(flush, 200), 0.5)


def timed(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return sorted(taken)


def line(name: str, value: str, wanted: str) -> None:
    print(f"{name:<58} {value:>16}   {wanted}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=700.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        url = options.url or f"{folder}/store.sqlite"
        print(f"{Store(url).where}, {PROCESSES} processes, {os.cpu_count()} processors")
        print(f"one flush of the disk below {folder}: {flush_time(folder):.2f} ms; load {os.getloadavg()[0]:.1f}\n")
        wanted = 1000 if options.url else 1500
        times, used = run_all(closed_loop, url, options.seconds)
        line("reserve + settle, closed loop", f"{len(times) / options.seconds:,.0f} pairs/s", f">= {wanted:,}")
        line("  p50 / p99 of a pair", f"{percentile(times, 0.5):.1f} / {percentile(times, 0.99):.1f} ms", "")
        line(
            "  processor time of a pair, whatever else runs", f"{used * 1000:.2f} ms", f"load {os.getloadavg()[0]:.1f}"
        )
        times, _ = run_all(open_loop, url, options.seconds, options.rate / PROCESSES)
        line(f"p99 at {options.rate:.0f} pairs/s offered", f"{percentile(times, 0.99):.1f} ms", "< 50 ms")
        line("  p50, max", f"{percentile(times, 0.5):.1f}, {times[-1] * 1000:.1f} ms", "")
        store = Store(url)
        if options.rows:
            fill(store, options.rows)
        governor = Governor(store, LIMITS, user="bench")
        times = timed(lambda: governor.reserve(ASK), 500)
        line(f"reserve p99, ledger of {options.rows:,} rows", f"{percentile(times, 0.99):.2f} ms", "< 10 ms")
        for by in ("model", "day", "source", "user"):
            times = timed(lambda by=by: usage_report(store, since=time.time() - 90 * 86400, by=by), 3)
            line(f"usage report by {by}, 90 days", f"{times[-1] * 1000:.0f} ms", "< 1,000 ms")
        times = timed(governor.verify, 1)
        line("verify", f"{times[0]:.1f} s", "")
        store.close()


if __name__ == "__main__":
    main()
