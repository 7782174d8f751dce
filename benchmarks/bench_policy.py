"""How long the check takes, beside RestrictedPython's compile and bandit in the same run, and what each refuses.

Run ``python benchmarks/bench_policy.py [--benign FILE.jsonl]``; the file holds one JSON object a line with ``id`` and
``code``. Peers that are not installed are left out. Times are medians of interleaved rounds.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from jupyter_autocoder.policy import check

ROUNDS = 21
ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data" / "benign.jsonl"
ORDINARY = ROOT / "tests" / "policy" / "ordinary"
SOLUTION = '''from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    """ Check if in given list of numbers, are any two numbers closer to each other than
    given threshold.
    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)
    False
    >>> has_close_elements([1.0, 2.8, 3.0, 4.0, 5.0, 2.0], 0.3)
    True
    """
    for idx, elem in enumerate(numbers):
        for idx2, elem2 in enumerate(numbers):
            if idx != idx2:
                distance = abs(elem - elem2)
                if distance < threshold:
                    return True

    return False


METADATA = {
    'author': 'jt',
    'dataset': 'test'
}


def check(candidate):
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) == True
    assert candidate([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) == False
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.95) == True
    assert candidate([1.0, 2.0, 5.9, 4.0, 5.0], 0.8) == False
    assert candidate([1.0, 2.0, 3.0, 4.0, 5.0, 2.0], 0.1) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 1.0) == True
    assert candidate([1.1, 2.2, 3.1, 4.1, 5.1], 0.5) == False


check(has_close_elements)
'''

Peer = Callable[[str], bool]


def ours(source: str) -> bool:
    return check(source).allowed


def restricted_python() -> Peer | None:
    try:
        from RestrictedPython import compile_restricted_exec
    except ImportError:
        return None

    def judge(source: str) -> bool:
        return not compile_restricted_exec(source).errors

    return judge


def bandit() -> Peer | None:
    try:
        from bandit.core import config, meta_ast, metrics, node_visitor, test_set
    except ImportError:
        return None
    settings = config.BanditConfig()
    tests = test_set.BanditTestSet(settings)

    def judge(source: str) -> bool:
        data = io.BytesIO(source.encode())
        visitor = node_visitor.BanditNodeVisitor(
            "<code>", data, meta_ast.BanditMetaAst(), tests, False, {}, metrics.Metrics()
        )
        visitor.process(source.encode())
        return not visitor.tester.results

    return judge


def thousand_lines() -> str:
    """Ordinary programs one after the other; their `__future__` imports and main guards stay where they are legal."""
    lines: list[str] = []
    programs = [path.read_text(encoding="utf-8") for path in sorted(ORDINARY.glob("*.py"))]
    while len(lines) < 1000:
        for program in programs:
            lines += [line for line in program.splitlines() if "__future__" not in line]
    # Cut at a line that begins a statement, so that what remains parses.
    end = next(n for n in range(1000, 0, -1) if lines[n][:1].isalpha() and not lines[n].startswith(("el", "ex", "fin")))
    return "\n".join(lines[:end]) + "\n"


def measure(peers: dict[str, Peer], source: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Return median milliseconds; the peers take turns, so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, judge in peers.items():
            started = time.perf_counter()
            judge(source)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benign", type=Path, default=SHARED, help="correct programs, to count false refusals")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()  # bandit remarks on every name of a file
    found = {"ours": ours, "RestrictedPython": restricted_python(), "bandit": bandit()}
    peers: dict[str, Peer] = {name: judge for name, judge in found.items() if judge is not None}
    large = thousand_lines()
    solutions = SOLUTION * (1000 // SOLUTION.count("\n") + 1)
    row("median ms", *peers, "limit")
    row(*["---"] * (len(peers) + 2))
    for name, source, limit in (
        ("a HumanEval solution", SOLUTION, 0.9),
        (f"{solutions.count(chr(10)):,} lines of HumanEval solutions", solutions, 23),
        (f"{large.count(chr(10)):,} dense lines of ordinary programs", large, 23),
    ):
        medians = measure(peers, source, ROUNDS * 10 if limit < 1 else ROUNDS)
        row(name, *(f"{medians[peer]:.2f}" for peer in peers), limit)
    if options.benign.exists():
        programs = [json.loads(line)["code"] for line in options.benign.read_text(encoding="utf-8").splitlines()]
        refused = {name: sum(not judge(program) for program in programs) for name, judge in peers.items()}
        cells = (f"{number} ({number / len(programs):.1%})" for number in refused.values())
        row(f"refused of {len(programs):,} correct programs", *cells, 6)


if __name__ == "__main__":
    main()
