"""What each layer stops alone: the attack suite of `tests/attacks` as a table.

Run ``python benchmarks/bench_attacks.py``; it takes about two minutes. The columns: how many attacks there are, how
many work in a plain kernel, then "stopped of asked" for the policy (nothing is run), the sandbox and the gate (both
with the policy off). The policy is asked about all attacks, also those whose effect only shows when they run.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

from jupyter_autocoder.policy import check

FOLDER = Path(__file__).parent.parent / "tests" / "attacks"


def load_suite() -> ModuleType:
    spec = importlib.util.spec_from_file_location("attack_suite", FOLDER / "suite.py")
    assert spec is not None
    assert spec.loader is not None
    suite = sys.modules["attack_suite"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    return suite


def possible(attack: Any) -> bool:
    """Say whether this machine can show the attack at all."""
    if attack.needs == "root":
        return os.geteuid() == 0
    return attack.needs in ("", platform.machine())


def refused(attack: Any) -> bool:
    """Ask the policy, with file names that no rule about files objects to."""
    harmless = {"HOME": "/scratch/h", "OUTSIDE": "/scratch/o", "RUNTIME": "/scratch/r"}
    code = re.sub(r"@([A-Z_]+)@", lambda place: harmless.get(place[1], "4242"), attack.code)
    return not check(code).allowed


def run_plain(suite: ModuleType, host: Any, chosen: list[Any]) -> set[str]:
    plain = suite.Plain(host)
    worked = set()
    try:
        for attack in chosen:
            trace = plain.run(host.fill(attack), patience=1.5 if attack.effect == "exhausted" else 20.0)
            if trace.busy or attack.alone:
                plain.restart()
            if host.succeeded(attack, trace):
                worked.add(attack.id)
    finally:
        plain.close()
    return worked


def run_confined(
    suite: ModuleType, host: Any, chosen: list[Any], do: Callable[[Coroutine[Any, Any, Any]], Any]
) -> set[str]:
    confined = suite.Confined(do)
    worked = set()
    try:
        for attack in chosen:
            run = confined.run(attack, host.fill(attack), into=host.left)
            if host.succeeded(attack, suite.of_run(run)):
                worked.add(attack.id)
    finally:
        confined.close()
    return worked


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def score(attacks: list[Any], layer: str, worked: set[str]) -> str:
    asked = [attack for attack in attacks if layer in attack.layers]
    return f"{sum(attack.id not in worked for attack in asked)} of {len(asked)}" if asked else "-"


def main() -> None:
    suite = load_suite()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    host = suite.Host()
    chosen = suite.attacks()
    try:
        plain = run_plain(suite, host, [attack for attack in chosen if possible(attack)])
        confined = run_confined(
            suite, host, chosen, lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(timeout=120)
        )
    finally:
        host.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    families = Counter(attack.family for attack in chosen)
    row("family", "attacks", "work in a plain kernel", "policy alone", "sandbox alone", "gate alone")
    row(*["---"] * 6)
    for family in [*sorted(families), ""]:
        own = [attack for attack in chosen if family in ("", attack.family)]
        caught = sum(map(refused, own))
        row(
            family or "all",
            len(own),
            sum(attack.id in plain for attack in own),
            f"{caught} of {len(own)}",
            score(own, "sandbox", confined),
            score(own, "gate", confined),
        )


if __name__ == "__main__":
    main()
