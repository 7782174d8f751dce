"""The driver: lock, session, values and costs of a job, with a scripted model and a stand-in for the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.autocoder import Autocoder, Job, Result, Session, locked_by_environment, provenance
from jupyter_autocoder.errors import NoCode, NotInLock, PolicyRefused, RunFailed, ValueCannotCross
from jupyter_autocoder.events import Progress, Prompt, Run, RunError, Variable
from jupyter_autocoder.lock import Entry, Lock, make_key
from jupyter_autocoder.policy import Policy
from jupyter_autocoder.testing import ScriptedModel


class PlainBox:
    """Runs code in a dict: what the sandbox does to its callers, without a wall; for code of these tests alone."""

    backend = "plain"

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {}
        self.files: list[str] = []
        self.closed = False

    async def run(self, source: str, *, on_output: Any = None) -> Run:
        try:
            exec(source, self.namespace)
        except Exception as error:
            return Run(ok=False, error=RunError(name=type(error).__name__, message=str(error)))
        return Run(ok=True)

    async def put(self, name: str, value: Any) -> None:
        self.namespace[name] = value

    async def get(self, name: str) -> Any:
        value = self.namespace[name]
        if callable(value):
            raise ValueCannotCross(f"{name} cannot cross", name=name, type_name="function")
        return value

    async def add_file(self, path: Path, *, name: str) -> None:
        self.files.append(name)

    async def close(self) -> None:
        self.closed = True


class Bench:
    """One session with its lock and its model; `ask` takes one job the whole way."""

    def __init__(self, folder: Path) -> None:
        self.lock = Lock(folder / "autocode.lock")
        self.events: list[Progress] = []
        self.boxes: list[PlainBox] = []
        self.model = ScriptedModel([])
        self.session = Session(self._open)

    async def _open(self) -> Any:
        self.boxes.append(PlainBox())
        return self.boxes[-1]

    def answers(self, *answers: str) -> None:
        self.model = ScriptedModel([f"```python\n{answer}\n```" for answer in answers])

    def restart(self) -> None:
        """A new kernel, the same folder."""
        self.session = Session(self._open)
        self.model = ScriptedModel([])

    def ask(self, text: str, *, checks: str = "", outputs: Iterable[str] = (), **job: Any) -> Result:
        coder = Autocoder(
            self.session,
            open_client=lambda: self.model,  # type: ignore[arg-type,return-value]
            policy=Policy(),
            lock=self.lock,
        )
        inputs = tuple(Variable(name=name, type="int") for name in job.get("values", {}))
        attempts = job.pop("attempts", 3)
        prompt = Prompt(text=text, checks=checks, inputs=inputs, outputs=tuple(outputs), attempts=attempts)
        return asyncio.run(coder.ask(Job(prompt=prompt, **job), self.events.append))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    return Bench(tmp_path)


def test_a_job_goes_the_whole_way_and_its_values_come_back(bench: Bench) -> None:
    bench.answers("r = a + 1")

    result = bench.ask("Add one.", checks="assert r == 3\n", outputs=["r"], values={"a": 2})

    assert result.values == {"r": 3}
    assert (result.outcome.checks_passed, result.outcome.checks, result.outcome.model) == (1, 1, "scripted")
    assert [event.stage for event in bench.events if event.stage != "writing"] == [
        "checking", "asking", "checking", "running",
    ]  # fmt: skip
    assert result.outcome.usage.requests == 1


def test_the_second_time_it_is_replayed_without_a_model(bench: Bench) -> None:
    bench.answers("r = 1")
    bench.ask("Make r.", outputs=["r"])
    bench.restart()

    result = bench.ask("Make r.", outputs=["r"], mode="locked")

    assert result.values == {"r": 1}
    assert result.outcome.replayed
    assert result.outcome.usage.requests == 0
    assert provenance(result.outcome)["origin"] == "lock"


def test_a_miss_in_locked_mode_asks_nobody_and_writes_nothing(bench: Bench) -> None:
    bench.answers("r = 1")

    with pytest.raises(NotInLock):
        bench.ask("Make r.", mode="locked")

    assert bench.model.asked == []
    assert not bench.lock.path.exists()


def test_refresh_asks_anew_although_the_lock_has_an_answer(bench: Bench) -> None:
    bench.answers("r = 1", "r = 2")
    bench.ask("Make r.", outputs=["r"])

    result = bench.ask("Make r.", outputs=["r"], mode="refresh")

    assert result.values == {"r": 2}
    assert [entry.code for entry in bench.lock.entries().values()] == ["r = 2\n"]


def test_a_cell_run_again_is_the_same_step_and_an_edited_one_takes_its_place(bench: Bench) -> None:
    bench.answers("a = 1", "b = 2", "a = 3")
    bench.ask("Make a.", cell="1")
    bench.ask("Make b.", cell="2")

    again = bench.ask("Make b.", cell="2")
    edited = bench.ask("Make a well.", cell="1")

    assert again.outcome.replayed
    assert not edited.outcome.replayed
    assert [past.prompt.text for past in bench.session.past] == ["Make a well.", "Make b."]


def test_an_edited_cell_makes_the_next_one_stale_by_name(bench: Bench) -> None:
    bench.answers("a = 1", "b = 2", "a = 3", "b = 4")
    bench.ask("Make a.", cell="1")
    bench.ask("Make b.", cell="2")
    bench.ask("Make a well.", cell="1")

    result = bench.ask("Make b.", cell="2")

    assert not result.outcome.replayed
    assert "Make a well." in result.outcome.notes[0]


def test_follow_ups_tell_the_model_the_earlier_steps(bench: Bench) -> None:
    bench.answers("a = 1", "b = a")
    bench.ask("Make a.")
    bench.ask("Now b.")

    assert [message["content"] for message in bench.model.asked[1][1:]] == [
        "Make a.", "```python\na = 1\n```", "Now b.",
    ]  # fmt: skip


def test_a_failed_job_is_no_step_and_tells_what_was_spent(bench: Bench) -> None:
    bench.answers("1 / 0", "1 / 0")

    with pytest.raises(RunFailed) as caught:
        bench.ask("Fail.", attempts=2)

    assert bench.session.past == []
    assert not bench.lock.path.exists()
    assert caught.value.usage is not None
    assert caught.value.usage.requests == 2


def test_refused_code_never_reaches_the_sandbox(bench: Bench) -> None:
    bench.answers("import subprocess")

    with pytest.raises(PolicyRefused):
        bench.ask("Run a program.", attempts=1)

    assert bench.boxes == []


def test_locked_code_is_checked_like_a_fresh_answer(bench: Bench) -> None:
    bench.answers("r = 1")
    bench.ask("Make r.")
    bench.lock.path.write_text(bench.lock.path.read_text().replace("r = 1", "import subprocess"))
    bench.restart()

    with pytest.raises(PolicyRefused) as caught:
        bench.ask("Make r.")

    assert "--refresh" in caught.value.do
    assert len(bench.boxes) == 1


def test_a_dry_run_runs_nothing_and_locks_nothing(bench: Bench) -> None:
    bench.answers("r = 1")

    result = bench.ask("Make r.", outputs=["r"], dry_run=True)

    assert result.outcome.run is None
    assert result.outcome.source == "r = 1\n"
    assert bench.boxes == []
    assert not bench.lock.path.exists()


def test_a_function_that_only_the_checks_name_is_a_note_and_a_demanded_one_an_error(bench: Bench) -> None:
    bench.answers("def f(): return 1", "def f(): return 1")

    noted = bench.ask("Write f.", checks="assert f() == 1\n", outputs=["f"])
    with pytest.raises(ValueCannotCross):
        bench.ask("Write f again.", outputs=["f"], demanded=("f",))

    assert any("f cannot cross" in note for note in noted.outcome.notes)


def test_wished_names_come_where_they_exist(bench: Bench) -> None:
    bench.answers("a = 1\ndef f(): return 1")

    result = bench.ask("Make things.", wished=("a", "f", "nothing"))

    assert result.values == {"a": 1}


def test_a_lock_that_cannot_be_written_is_a_note_since_the_answer_was_paid_for(bench: Bench) -> None:
    bench.answers("r = 1")
    bench.lock = Lock(Path("/proc/nowhere/autocode.lock"))

    result = bench.ask("Make r.", outputs=["r"])

    assert result.values == {"r": 1}
    assert "could not be written" in result.outcome.notes[0]
    assert provenance(result.outcome)["unlocked"] == result.outcome.unlocked == result.outcome.notes[0]


def test_what_needs_no_place_in_the_lock_is_not_told_to_be_missing_there(bench: Bench) -> None:
    bench.answers("r = 1")
    written = bench.ask("Make r.")
    bench.restart()
    bench.lock = Lock(bench.lock.path)
    replayed = bench.ask("Make r.")

    assert [one.outcome.unlocked for one in (written, replayed)] == ["", ""]
    assert "unlocked" not in provenance(written.outcome)


def test_locked_code_that_lacks_a_module_of_the_extra_is_not_to_be_asked_anew(bench: Bench) -> None:
    lock = bench.lock
    key = make_key(Prompt(text="Load."), "")
    lock.put(key, Entry(prompt="Load.", code="raise ModuleNotFoundError(\"No module named 'pandas'\")\n"))

    with pytest.raises(RunFailed) as caught:
        bench.ask("Load.")

    assert caught.value.do.startswith("pip install 'jupyter-autocoder[data]'")


def test_fresh_and_reset_throw_the_sandbox_away(bench: Bench) -> None:
    bench.answers("a = 1", "b = 2")
    bench.ask("Make a.")

    bench.ask("Make b.", fresh=True)

    assert [box.closed for box in bench.boxes] == [True, False]
    assert [past.prompt.text for past in bench.session.past] == ["Make b."]


def test_an_answer_without_code_is_told_as_such(bench: Bench) -> None:
    bench.model = ScriptedModel(["I would rather not."])

    with pytest.raises(NoCode, match="no code block"):
        bench.ask("Do it.", attempts=1)


def test_what_was_sent_can_be_seen_before(bench: Bench) -> None:
    coder = Autocoder(
        bench.session, open_client=_never, policy=Policy(), lock=None, redact=lambda text: text.replace("secret", "***")
    )

    messages = coder.preview(Job(prompt=Prompt(text="Use my secret.")))

    assert messages[-1]["content"] == "Use my ***."


def _never() -> Any:
    raise AssertionError("a preview asks nobody")


@pytest.mark.parametrize(
    ("environ", "locked"),
    [
        ({}, False),
        ({"CI": "true"}, True),
        ({"CI": "false"}, False),
        ({"CI": "1", "AUTOCODER_LIVE": "1"}, False),
        ({"AUTOCODER_LOCKED": "1"}, True),
        ({"AUTOCODER_LOCKED": "1", "AUTOCODER_LIVE": "1"}, True),
        ({"AUTOCODER_LOCKED": "0"}, False),
    ],
)
def test_ci_only_replays_unless_told_otherwise(environ: dict[str, str], locked: bool) -> None:
    assert locked_by_environment(environ) is locked


def test_a_dry_run_after_a_refused_attempt_shows_the_allowed_one(bench: Bench) -> None:
    bench.answers("import subprocess", "r = 1")

    result = bench.ask("Make r.", dry_run=True, checks="assert r\n")

    assert result.outcome.source == "r = 1\n"
    assert result.outcome.verdict.allowed


def test_two_cells_with_the_same_words_replay_as_two_where_no_cell_has_an_id(bench: Bench) -> None:
    bench.answers("a = 1", "print(a)", "a = 2", "print(a, a)", "z = a")
    words = ["Make a.", "Show it.", "Change a.", "Show it.", "End."]
    for number, text in enumerate(words):
        bench.ask(text, cell=str(number))
    bench.restart()

    replayed = [bench.ask(text, mode="locked").outcome.source for text in words]

    assert replayed == ["a = 1\n", "print(a)\n", "a = 2\n", "print(a, a)\n", "z = a\n"]


def test_a_model_that_was_named_counts_in_the_key(bench: Bench) -> None:
    from jupyter_autocoder.lock import make_key

    assert make_key(Prompt(text="p"), "") != make_key(Prompt(text="p", model="other"), "")
