"""Many processes over one store: no limit is passed, and no kill loses or invents anything."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

HAMMER = """
import sys, time
from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

url, limit, start = sys.argv[1], sys.argv[2], float(sys.argv[3])
limits = LimitSettings(**{"requests_per_minute": 10**6, "requests_per_day": 10**6, limit: 200})
governor = Governor(Store(url), limits, user="ada")
ask = Ask(model="m", key="k", input_tokens=1, cost=0)
time.sleep(max(start - time.time(), 0))
granted = 0
while True:
    try:
        reservation = governor.reserve(ask)
    except RateLimited:
        break
    granted += 1
    governor.settle(reservation, Usage(input_tokens=1))
print(granted)
"""


@pytest.mark.parametrize("limit", ["requests_per_minute", "requests_per_day", "tokens_per_minute"])
def test_eight_processes_that_hammer_a_limit_of_200_get_exactly_200(store_url: str, limit: str) -> None:
    start = str(time.time() + 2)
    command = [sys.executable, "-c", HAMMER, store_url, limit, start]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]

    granted = [int(worker.communicate(timeout=120)[0]) for worker in workers]

    assert sum(granted) == 200
    verification = Governor(Store(store_url), LimitSettings(), user="ada").verify()
    assert verification.differences == ()
    assert verification.entries == 200


# Children are forked from one warm process, because to start a hundred interpreters would take a minute. Each tells
# through a pipe what it had finished: a line is written only after the governor has returned.
STORM = """
import json, os, random, signal, sys, time
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

url, kills = sys.argv[1], int(sys.argv[2])
store = Store(url)
governor = Governor(store, LimitSettings(profile="local", usd_per_day=1e6), user="ada")
governor.verify()
read, write = os.pipe()

def work():
    number = 0
    while True:
        number += 1
        ask = Ask(model="m", key="k", input_tokens=100, max_output_tokens=100, cost=1000)
        reservation = governor.reserve(ask)
        os.write(write, f"reserved {reservation.id}\\n".encode())
        if number % 5 == 0:
            governor.release(reservation, "overloaded")
            os.write(write, f"released {reservation.id}\\n".encode())
        else:
            governor.settle(reservation, Usage(input_tokens=70, output_tokens=7, cost=77))
            os.write(write, f"settled {reservation.id}\\n".encode())

def start():
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child

os.set_blocking(read, False)
told = b""
def drain():
    global told
    while True:
        try:
            told += os.read(read, 1 << 20)
        except BlockingIOError:
            return

running = [start() for _ in range(4)]
for _ in range(kills):
    time.sleep(random.uniform(0.005, 0.05))
    victim = running.pop(random.randrange(4))
    os.kill(victim, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]) == -signal.SIGKILL
    running.append(start())
    drain()
for child in running:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
drain()
lines = [line.split() for line in told.decode().splitlines()]
print(json.dumps({kind: [name for k, name in lines if k == kind] for kind in ("reserved", "settled", "released")}))
"""


def test_a_storm_of_a_hundred_kills_loses_nothing(store_url: str, python: Callable[..., str]) -> None:
    kills = 100

    told = {kind: set(names) for kind, names in json.loads(python(STORM, store_url, str(kills))).items()}

    store = Store(store_url, clock=lambda: time.time() + 601)  # when every lease has expired
    governor = Governor(store, LimitSettings(profile="local"), user="ada")
    with store.read() as tx:
        before = {row["id"]: row for row in tx.rows("SELECT * FROM ledger")}
        known = {row["id"] for row in tx.rows("SELECT id FROM reservations")}
    assert told["settled"]
    assert told["released"]
    # What was told had happened, all of it and exactly; what was not told is at most one call of each victim.
    assert told["reserved"] <= known
    assert len(known - told["reserved"]) <= kills + 4
    settled = {name for name, row in before.items() if row["outcome"] == "ok"}
    assert told["settled"] <= settled
    assert len(settled - told["settled"]) <= kills + 4
    assert all((before[name]["total_tokens"], before[name]["cost"]) == (77, 77) for name in settled)
    assert all(before[name]["outcome"] == "overloaded" for name in told["released"])
    assert governor.verify().differences == ()

    assert governor.expire() == len(known - before.keys())

    verification = governor.verify()
    assert verification.differences == ()
    assert verification.open_reservations == 0
    assert verification.entries == len(known)
    with store.read() as tx:
        (expired,) = tx.rows("SELECT COUNT(*) AS n, SUM(cost) AS cost FROM ledger WHERE outcome = 'expired'")
    assert (expired["cost"] or 0) == 1000 * expired["n"]
    assert store.integrity() == ()
    store.close()
