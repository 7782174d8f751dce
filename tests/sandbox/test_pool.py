"""Warm sandboxes: ready at once, never shared, gone when idle."""

from __future__ import annotations

import asyncio
import time

import pytest

from jupyter_autocoder.sandbox import Pool, Sandbox, SandboxSettings

pytestmark = pytest.mark.sandbox


async def one_starting(pool: Pool) -> Sandbox:
    for _ in range(5000):
        if pool._coming is not None:
            return pool._coming
        await asyncio.sleep(0.001)
    raise AssertionError("none is starting")


def test_a_warm_sandbox_is_there_at_once_and_fresh() -> None:
    async def work() -> tuple[float, str | None]:
        async with Pool(SandboxSettings(pool=1)) as pool:
            assert await pool.ready() == 1
            start = time.monotonic()
            async with await pool.take() as box:
                run = await box.run("dir()")
                return time.monotonic() - start, run.value

    seconds, names = asyncio.run(work())

    assert seconds < 0.25
    assert names is not None
    assert "x" not in names.split("'")


def test_each_is_given_away_once() -> None:
    async def work() -> list[str | None]:
        async with Pool(SandboxSettings(pool=2)) as pool:
            await pool.ready()
            first, second = await pool.take(), await pool.take()
            async with first, second:
                await first.run("secret = 1")
                run = await second.run("'secret' in globals()")
                return [run.value, str(first is second)]

    assert asyncio.run(work()) == ["False", "False"]


def test_one_that_is_just_starting_is_taken_instead_of_starting_a_second() -> None:
    async def work() -> tuple[bool, str | None, int]:
        async with Pool(SandboxSettings(pool=1)) as pool:
            starting = await one_starting(pool)
            async with await pool.take() as box:
                first = (await box.run("1 + 1")).value
                return box is starting, first, await pool.ready()

    assert asyncio.run(work()) == (True, "2", 1)


def test_modules_are_loaded_into_the_one_that_waits_and_bound_to_no_name() -> None:
    async def work() -> tuple[str | None, str | None]:
        async with Pool(SandboxSettings(pool=1)) as pool:
            pool.load(["no_such_module", "matplotlib.pyplot"])
            await pool.ready()
            async with await pool.take() as box:
                loaded = await box.run("import sys\n('matplotlib.pyplot' in sys.modules, 'matplotlib' in globals())")
                drawn = await box.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
                return loaded.value, str([key for output in drawn.outputs for key in output.get("data", ())])

    loaded, drawn = asyncio.run(work())

    assert loaded == "(True, False)"
    assert "image/png" in str(drawn)


def test_closing_while_one_starts_leaves_the_taken_one_to_its_taker() -> None:
    async def work() -> str | None:
        pool = Pool(SandboxSettings(pool=1))
        pool.fill()
        await one_starting(pool)
        box = await pool.take()
        await pool.close()
        async with box:
            return (await box.run("'mine'")).value

    assert asyncio.run(work()) == "'mine'"


def test_an_empty_pool_gives_a_sandbox_that_starts_with_its_first_run() -> None:
    async def work() -> tuple[bool, str | None]:
        async with Pool(SandboxSettings(pool=0)) as pool:
            box = await pool.take()
            alive = box.alive
            async with box:
                return alive, (await box.run("1")).value

    assert asyncio.run(work()) == (False, "1")


def test_idle_ones_leave() -> None:
    async def work() -> tuple[int, int, bool]:
        async with Pool(SandboxSettings(pool=1, pool_idle=0.3)) as pool:
            before = await pool.ready()
            warm: Sandbox = pool._warm[0]
            await asyncio.sleep(1.5)
            return before, len(pool._warm), warm.alive

    assert asyncio.run(work()) == (1, 0, False)


def test_one_that_died_meanwhile_is_not_given_away() -> None:
    async def work() -> str | None:
        async with Pool(SandboxSettings(pool=1)) as pool:
            await pool.ready()
            session = pool._warm[0]._session
            assert session is not None
            session.kill_now()
            await asyncio.sleep(0.3)
            async with await pool.take() as box:
                return (await box.run("'alive'")).value

    assert asyncio.run(work()) == "'alive'"


def test_a_machine_without_sandboxes_is_told_at_the_first_run() -> None:
    async def work() -> int:
        async with Pool(SandboxSettings(pool=1, backend="podman", image="no/such:image")) as pool:
            return await pool.ready()

    assert asyncio.run(work()) == 0


def test_after_closing_a_taker_still_gets_one_that_works() -> None:
    async def work() -> str | None:
        pool = Pool(SandboxSettings(pool=1))
        pool.fill()
        await one_starting(pool)
        await pool.close()
        async with await pool.take() as box:
            return (await box.run("1")).value

    assert asyncio.run(work()) == "1"
