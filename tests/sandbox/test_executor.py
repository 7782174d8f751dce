"""Sandbox.run: what comes back, what is told apart, and that nothing is left or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.errors import SandboxDied, SandboxUnavailable, UsageError
from jupyter_autocoder.sandbox import Sandbox, SandboxSettings, live

pytestmark = pytest.mark.sandbox

STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"


# -- what comes back ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 1", "2"),
        ("'a'", "'a'"),
        ("x = 3", None),
        ("x = 3\nx", "3"),
        ("print(1)", None),
        ("None", None),
        ("list(range(2000))", repr(list(range(2000)))),
        ("{3, 1, 2}", repr({3, 1, 2})),
        ("{'b': 1, 'a': 2}", "{'b': 1, 'a': 2}"),
        ("", None),
        ("# only a comment", None),
        ("'%d' % 3", "'3'"),
    ],
)
def test_the_value_is_the_repr_of_the_last_expression(box: Any, source: str, value: str | None) -> None:
    run = box.run(source)

    assert run.ok
    assert run.value == value


@pytest.mark.parametrize("source", ["%time 1", "!ls", "?print", "print 1", "x = !ls", "%%bash\nls", "ls"])
def test_nothing_is_rewritten_before_it_runs(box: Any, source: str) -> None:
    run = box.run(source)

    assert not run.ok
    assert run.error.name in ("SyntaxError", "NameError")


def test_stdout_and_stderr_come_apart_and_in_order(box: Any) -> None:
    run = box.run(
        "import sys\nfor n in range(3):\n    print('out', n)\n    print('err', n, file=sys.stderr)\n"
        "_ = sys.stdout.write('end')"
    )

    assert run.stdout == "out 0\nout 1\nout 2\nend"
    assert run.stderr == "err 0\nerr 1\nerr 2\n"
    assert [(o["name"], o["text"]) for o in run.outputs if o["output_type"] == "stream"] == [
        ("stdout", "out 0\n"),
        ("stderr", "err 0\n"),
        ("stdout", "out 1\n"),
        ("stderr", "err 1\n"),
        ("stdout", "out 2\n"),
        ("stderr", "err 2\n"),
        ("stdout", "end"),
    ]


def test_displays_keep_their_place_among_prints(box: Any) -> None:
    run = box.run("from IPython.display import display\nprint('a')\ndisplay(1)\nprint('b')\n2")

    kinds = [output["output_type"] for output in run.outputs]
    assert kinds == ["stream", "display_data", "stream", "execute_result"]


def test_a_traceback_marks_the_persons_line_and_shows_nothing_of_ours(box: Any) -> None:
    run = box.run("import json\n\ndef load(text):\n    return json.loads(text)\n\nload('{')")

    assert run.error.name == "JSONDecodeError"
    assert run.error.line == 4
    assert "---->    6 load('{')" in run.error.traceback
    assert "---->    4     return json.loads(text)" in run.error.traceback
    for ours in ("jupyter_autocoder", "IPython", "ipykernel", "run_code", "\x1b"):
        assert ours not in run.error.traceback


def test_a_chain_of_exceptions_is_told_cause_first(box: Any) -> None:
    run = box.run("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('worse') from error")

    first, _, last = run.error.traceback.partition("which led to:")
    assert "ZeroDivisionError" in first
    assert "ValueError: worse" in last


def test_an_exception_group_is_told_with_its_members(box: Any) -> None:
    run = box.run("raise ExceptionGroup('both', [ValueError(1), TypeError(2)])")

    assert run.error.name == "ExceptionGroup"
    assert run.error.line == 1
    assert "ValueError: 1" in run.error.traceback
    assert "TypeError: 2" in run.error.traceback


def test_endless_recursion_is_told_briefly(box: Any) -> None:
    run = box.run("def again(): again()\nagain()")

    assert run.error.name == "RecursionError"
    assert len(run.error.traceback.splitlines()) < 60


def test_variables_stay_from_run_to_run(box: Any) -> None:
    box.run("kept = 41")

    assert box.run("kept + 1").value == "42"


def test_a_run_tells_time_and_memory(box: Any) -> None:
    run = box.run("import time\ntime.sleep(0.2)\nlen(bytearray(80 * 2**20))")

    assert 0.2 <= run.duration < 5
    assert run.peak_memory > 80 * 2**20


def test_outputs_arrive_while_the_code_runs(box: Any) -> None:
    seen: list[tuple[float, str]] = []
    start = time.monotonic()

    run = box.run(
        "import time\nprint('first', flush=True)\ntime.sleep(0.6)\nprint('second')",
        on_output=lambda output: seen.append((time.monotonic() - start, output["text"])),
    )

    assert [text for _, text in seen] == ["first\n", "second\n"]
    assert seen[0][0] < 0.5
    assert run.stdout == "first\nsecond\n"


def test_top_level_await_works(box: Any) -> None:
    assert box.run("import asyncio\nawait asyncio.sleep(0, 'done')").value == "'done'"


def test_two_callers_take_turns(box: Any) -> None:
    async def both() -> list[str | None]:
        runs = await asyncio.gather(box.sandbox.run("1"), box.sandbox.run("2"))
        return [run.value for run in runs]

    assert asyncio.run(both()) == ["1", "2"]


def test_a_sandbox_works_from_any_thread_and_loop(box: Any) -> None:
    values: list[str | None] = []

    thread = threading.Thread(target=lambda: values.append(box.run("'from a thread'").value))
    thread.start()
    thread.join()

    assert values == ["'from a thread'"]


def test_signal_handlers_of_the_main_thread_stay(box: Any) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    box.run("1")

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_code_does_not_compute_between_runs(box: Any) -> None:
    box.run(
        "import threading, time\nticks = []\n"
        "def tick():\n    while len(ticks) < 10**6:\n        ticks.append(1)\n        time.sleep(0.01)\n"
        "threading.Thread(target=tick, daemon=True).start()"
    )

    first = int(box.run("len(ticks)").value)
    time.sleep(0.5)
    second = int(box.run("len(ticks)").value)

    assert second - first < 20


# -- limits ------------------------------------------------------------------------------------------------------------
def test_wall_time_interrupts_and_keeps_the_state(fresh_box: Any) -> None:
    fresh_box.run("kept = 1")

    run = fresh_box.run("import time\ntime.sleep(60)", timeout=0.5)

    assert not run.ok
    assert run.limits_hit == ("wall_time",)
    assert run.error.name == "KeyboardInterrupt"
    assert run.error.line == 2
    assert run.duration < 2.4
    assert fresh_box.run("kept").value == "1"


def test_what_ignores_interrupts_is_killed_and_the_next_run_says_so(fresh_box: Any) -> None:
    run = fresh_box.run(STUBBORN, timeout=0.5)
    after = fresh_box.run("1")

    assert run.limits_hit == ("wall_time",)
    assert run.duration < 6
    assert after.value == "1"
    assert any("started anew" in note for note in after.notes)


def test_one_long_c_call_is_killed(fresh_box: Any) -> None:
    run = fresh_box.run("9 ** 9 ** 9", timeout=0.5)

    assert run.limits_hit == ("wall_time",)
    assert run.duration < 6


@pytest.mark.parametrize("source", ["[0] * 10**12", "bytearray(2**45)"])
def test_memory_is_told(box: Any, source: str) -> None:
    run = box.run(source)

    assert run.error.name == "MemoryError"
    assert run.limits_hit == ("memory",)


def test_a_full_scratch_folder_is_told(fresh_box: Any) -> None:
    run = fresh_box.run("for n in range(9):\n    with open(f'f{n}', 'wb') as f: f.write(b'x' * 20 * 2**20)")

    assert run.error.name == "OSError"
    assert run.limits_hit == ("disk",)


def test_cpu_time_is_told(fresh_box: Any) -> None:
    asyncio.run(fresh_box.sandbox.close())
    box = Sandbox(SandboxSettings(wall_time=30, cpu_time=2))

    async def work() -> Any:
        async with box:
            return await box.run("while True: pass")

    run = asyncio.run(work())

    assert run.limits_hit == ("cpu_time",)
    assert run.duration < 15


@pytest.mark.parametrize(
    "source",
    [
        "while True: print('x' * 10_000)",
        "for _ in range(1000): print('x' * 10**6)",
        "import os\nwhile True: os.write(1, b'x' * 100_000)",
        "from IPython.display import display\nwhile True: display('x' * 100_000)",
        "from IPython.display import clear_output\nwhile True: clear_output()",
    ],
)
def test_a_flood_is_cut_and_stopped(fresh_box: Any, source: str) -> None:
    run = fresh_box.run(source, timeout=20)

    assert "output" in run.limits_hit
    assert run.truncated
    assert not run.ok
    assert len(run.stdout) <= 2**20
    assert run.duration < 20
    assert fresh_box.run("1").value == "1"


def test_output_over_the_cap_is_cut_and_the_code_goes_on(fresh_box: Any) -> None:
    run = fresh_box.run("print('x' * 3 * 2**20)\n'done'")

    assert run.ok
    assert run.truncated
    assert run.limits_hit == ("output",)
    assert len(run.stdout) == 2**20
    assert any("cut" in note for note in run.notes)


# -- endings -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(0)",
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os; os.abort()",
        "import sys, ctypes; ctypes.string_at(0)",
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    ],
)
def test_a_kernel_that_ends_is_told_and_replaced(fresh_box: Any, source: str) -> None:
    run = fresh_box.run(f"print('before', flush=True)\n{source}")
    after = fresh_box.run("'alive'")
    later = fresh_box.run("1")

    assert not run.ok
    assert run.limits_hit == ("killed",)
    assert run.stdout in ("before\n", "")
    assert after.value == "'alive'"
    assert any("started anew" in note for note in after.notes)
    assert later.notes == ()


@pytest.mark.parametrize("source", ["import sys; sys.exit(3)", "raise SystemExit(3)", "exit(3)", "quit()"])
def test_leaving_the_interpreter_is_an_ordinary_error_or_ending(fresh_box: Any, source: str) -> None:
    run = fresh_box.run(source)

    assert run.error is None or run.error.name == "SystemExit"
    assert fresh_box.run("'alive'").value == "'alive'"


def test_interrupt_stops_the_running_code(fresh_box: Any) -> None:
    async def work() -> Any:
        running = asyncio.create_task(fresh_box.sandbox.run("import time\ntime.sleep(60)", timeout=50))
        await asyncio.sleep(0.3)
        await fresh_box.sandbox.interrupt()
        return await running

    run = asyncio.run(work())

    assert run.error.name == "KeyboardInterrupt"
    assert run.duration < 3


def test_a_cancelled_caller_leaves_a_usable_sandbox(fresh_box: Any) -> None:
    async def work() -> tuple[float, Any]:
        await fresh_box.sandbox.run("kept = 1")
        running = asyncio.create_task(fresh_box.sandbox.run("import time\ntime.sleep(60)", timeout=50))
        await asyncio.sleep(0.3)
        start = time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return time.monotonic() - start, await fresh_box.sandbox.run("kept")

    seconds, run = asyncio.run(work())

    assert seconds < 2
    assert run.value == "1"


def test_a_cancelled_caller_gets_away_from_code_that_ignores_interrupts(fresh_box: Any) -> None:
    async def work() -> float:
        running = asyncio.create_task(fresh_box.sandbox.run(STUBBORN, timeout=50))
        await asyncio.sleep(0.3)
        start = time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return time.monotonic() - start

    assert asyncio.run(work()) < 6
    assert fresh_box.run("1").value == "1"


def test_a_cancelled_start_leaves_nothing() -> None:
    async def work() -> list[str]:
        async def enter() -> None:
            async with Sandbox():
                pytest.fail("it was cancelled before")

        starting = asyncio.create_task(enter())
        await asyncio.sleep(0.05)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        return [str(session) for session in live._sessions]

    before = len(live._sessions)

    assert len(asyncio.run(work())) == before


def test_a_closed_sandbox_runs_nothing() -> None:
    async def work() -> None:
        box = Sandbox()
        await box.start()
        await box.close()
        await box.close()
        with pytest.raises(SandboxDied):
            await box.run("1")

    asyncio.run(work())


def test_a_source_of_absurd_length_is_refused(box: Any) -> None:
    with pytest.raises(UsageError):
        box.run("#" * 5_000_000)


def test_a_backend_that_cannot_work_refuses_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("os.path.exists", lambda path: False)
    box = Sandbox(SandboxSettings(backend="podman", image="no/such:image"))

    with pytest.raises(SandboxUnavailable) as caught:
        asyncio.run(box.run("open('/tmp/escaped', 'w')"))

    assert caught.value.mend
    assert not box.alive


def test_dropping_an_open_sandbox_warns_and_ends_it() -> None:
    boxes = [Sandbox()]
    asyncio.run(boxes[0].start())
    assert boxes[0]._session is not None
    process = boxes[0]._session.manager.provisioner.process
    assert process is not None

    with pytest.warns(ResourceWarning, match="dropped open"):
        boxes.clear()

    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is not None


_LEAVING = """
import asyncio, os, signal, sys
from jupyter_autocoder.sandbox import Sandbox

async def main():
    box = Sandbox()
    await box.start()
    session = box._session
    print(session.manager.inner_pid, session.manager.provisioner.folder.path, flush=True)
    {ending}

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "ending", ["sys.exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "await box.run('while True: pass')"]
)
def test_no_process_outlives_its_owner(ending: str, tmp_path: Path) -> None:
    script = tmp_path / "leave.py"
    script.write_text(_LEAVING.format(ending=ending))
    owner = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert owner.stdout is not None
    line = owner.stdout.readline().split()
    if "await" in ending:
        time.sleep(0.5)
        owner.send_signal(signal.SIGINT)
    _, said = owner.communicate(timeout=60)

    pid, folder = int(line[0]), Path(line[1])
    deadline = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(pid)
    assert "AssertionError" not in said
    if "SIGKILL" not in ending:
        assert not folder.exists()


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
