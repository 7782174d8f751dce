"""The portal: one loop on one lasting thread, drawn from the calling one."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from jupyter_autocoder.portal import portal


def test_work_runs_on_one_thread_that_is_not_the_callers() -> None:
    async def where() -> int:
        return threading.get_ident()

    first, second = portal().call(where), portal().call(where)

    assert first == second != threading.get_ident()


def test_an_exception_comes_back_as_itself() -> None:
    async def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        portal().call(fail)


def test_events_are_drawn_on_the_calling_thread_in_order_and_all_of_them() -> None:
    events: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    drawn: list[tuple[int, int]] = []

    async def work() -> str:
        for number in range(5):
            events.put(number)
            await asyncio.sleep(0)
        return "done"

    def draw(event: int | None) -> None:
        if event is not None:
            drawn.append((event, threading.get_ident()))

    assert portal().watch(work, events=events, draw=draw) == "done"
    assert drawn == [(number, threading.get_ident()) for number in range(5)]


def test_an_interrupt_cancels_the_work_and_waits_until_it_has_put_things_away() -> None:
    tidy = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.2)
            tidy.set()

    main = threading.get_ident()
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        portal().call(work)

    assert tidy.is_set()
    assert time.monotonic() - started < 8
    timer.join()


def test_a_process_with_a_portal_ends_by_itself_and_closes_what_was_given() -> None:
    code = (
        "from jupyter_autocoder.portal import portal\n"
        "async def bye(): print('closed', flush=True)\n"
        "portal().at_close(bye)\n"
        "async def one(): return 1\n"
        "print(portal().call(one))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )

    assert done.stdout.split() == ["1", "closed"], done.stderr
