"""The lock file: keys, staleness, merging, and every way it can be damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from jupyter_autocoder.errors import LockError, NotInLock
from jupyter_autocoder.events import Prompt, Variable
from jupyter_autocoder.lock import Entry, Lock, digest, drift, find, is_lock, make_key


def prompt(text: str = "Compute r.", **inputs: str) -> Prompt:
    return Prompt(text=text, inputs=tuple(Variable(name=name, type=kind) for name, kind in inputs.items()))


def lock_all(lock: Lock, *texts: str) -> list[str]:
    """Lock a session of prompts in order; return their keys."""
    keys = [""]
    for text in texts:
        key = make_key(prompt(text), keys[-1])
        lock.put(key, Entry(prompt=text, code=f"# {text}\n", previous=keys[-1], notebook="n.ipynb"))
        keys.append(key)
    return keys[1:]


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lock:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "work").mkdir()
    return Lock(tmp_path / "work" / "autocode.lock")


def test_what_was_put_is_read_back_whole(lock: Lock) -> None:
    entry = Entry(
        prompt="Ünï {braces}\nsecond line",
        code="x = 1\n\ny = '''a\nb'''\n",
        checks="assert x\n",
        inputs={"prices": "DataFrame[close: float64]"},
        outputs=("x",),
        files=("prices.csv",),
        notebook="n.ipynb",
        cell="c1",
        model="gpt-4o",
        packages={"pandas": "3.1.1"},
    )

    lock.put("k", entry)
    got = Lock(lock.path).get("k")

    assert got is not None
    assert (got.prompt, got.code, got.inputs, got.outputs) == (entry.prompt, entry.code, entry.inputs, ("x",))
    assert not got.edited


def test_one_changed_line_of_code_is_one_changed_line_of_the_file(lock: Lock) -> None:
    lock.put("k", Entry(prompt="p", code="a = 1\nb = 2\n", digest="same"))
    before = lock.path.read_text().splitlines()

    lock.put("k", Entry(prompt="p", code="a = 1\nb = 3\n", digest="same"))
    after = lock.path.read_text().splitlines()

    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_the_key_changes_with_what_counts_and_not_with_row_counts() -> None:
    base = prompt(prices="DataFrame[close: float64]")
    more_rows = Prompt(
        text=base.text, inputs=(Variable(name="prices", type="DataFrame[close: float64]", summary="2M rows"),)
    )
    others = [
        prompt("Compute s.", prices="DataFrame[close: float64]"),
        prompt(prices="DataFrame[close: int64]"),
        prompt(),
        Prompt(text=base.text, inputs=base.inputs, checks="assert r\n"),
        Prompt(text=base.text, inputs=base.inputs, outputs=("r",)),
    ]

    assert make_key(base, "") == make_key(more_rows, "")
    assert len({make_key(one, "") for one in [base, *others]} | {make_key(base, "other")}) == len(others) + 2


def test_an_edited_earlier_cell_makes_a_later_one_stale_and_is_named(lock: Lock) -> None:
    one, two, _ = lock_all(lock, "Load.", "Clean.", "Plot.")
    edited = make_key(prompt("Clean well."), one)
    lock.put(edited, Entry(prompt="Clean well.", code="x\n", previous=one))

    error = lock.missing(prompt("Plot."), edited)

    assert lock.get(make_key(prompt("Plot."), edited)) is None
    assert isinstance(error, NotInLock)
    assert "Clean well." in error.why
    assert lock.get(make_key(prompt("Plot."), two)) is not None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (prompt("Never seen."), "never locked"),
        (Prompt(text="Load.", checks="assert x\n"), "checks were edited"),
        (prompt("Load.", prices="int"), "input prices changed: no input when it was locked, now int"),
        (Prompt(text="Load.", outputs=("r",)), "options were changed"),
    ],
)
def test_a_miss_says_why(lock: Lock, asked: Prompt, why: str) -> None:
    lock_all(lock, "Load.")

    assert why in lock.missing(asked, "").why


def test_a_cell_added_or_skipped_before_is_named(lock: Lock) -> None:
    one, _ = lock_all(lock, "Load.", "Plot.")
    extra = make_key(prompt("Look."), one)
    lock.put(extra, Entry(prompt="Look.", code="x\n", previous=one))

    assert 'locked after the cell "Load."' in lock.explain(prompt("Plot."), "")
    assert 'the cell "Look." was added' in lock.explain(prompt("Plot."), extra)


def test_a_cell_locked_anew_replaces_its_old_entry(lock: Lock) -> None:
    lock.put("a", Entry(prompt="old words", code="x\n", notebook="n", cell="c"))
    lock.put("b", Entry(prompt="new words", code="x\n", notebook="n", cell="c"))

    assert list(lock.entries()) == ["b"]


def test_code_changed_by_hand_is_noticed_and_used(lock: Lock) -> None:
    lock.put("k", Entry(prompt="p", code="a = 1\n"))
    lock.path.write_text(lock.path.read_text().replace("a = 1", "a = 2"))

    entry = lock.get("k")

    assert entry is not None
    assert entry.code == "a = 2\n"
    assert entry.edited


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n", "merge conflict"),
        ("{", "not valid JSON"),
        ("[]", "not a lock of this program"),
        ('{"format": "other"}', "not a lock of this program"),
        ('{"format": "jupyter-autocoder lock", "version": 99, "entries": {}}', "another version"),
        ('{"format": "jupyter-autocoder lock", "version": 1, "entries": {"k": {}}}', "damaged"),
        (
            '{"format": "jupyter-autocoder lock", "version": 1, "entries": {"k": {"prompt": "x", "code": []}}}',
            "damaged",
        ),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_damaged_file_is_one_clear_error_and_is_left_alone(lock: Lock, content: str, what: str) -> None:
    lock.path.write_text(content)

    with pytest.raises(LockError, match=what) as caught:
        lock.get("k")
    with pytest.raises(LockError, match=what):
        lock.put("k", Entry(prompt="p", code="x\n"))

    assert caught.value.do
    assert lock.path.read_text() == content


def test_bytes_that_are_no_text_are_one_clear_error(lock: Lock) -> None:
    lock.path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(LockError, match="cannot be read"):
        lock.get("k")


def test_a_folder_that_cannot_be_written_is_one_clear_error(lock: Lock) -> None:
    lock.path.parent.rmdir()
    lock.path.parent.write_text("a file where a folder is wanted")

    with pytest.raises(LockError, match="could not be written"):
        lock.put("k", Entry(prompt="p", code="x\n"))


def test_a_write_that_fails_half_way_leaves_the_old_file(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    lock.put("k", Entry(prompt="p", code="x\n"))
    before = lock.path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LockError, match="unchanged"):
        lock.put("l", Entry(prompt="q", code="y\n"))

    assert lock.path.read_text() == before
    assert os.listdir(lock.path.parent) == ["autocode.lock"]


def _add(path: Path, name: str, count: int) -> None:
    lock = Lock(path)
    for number in range(count):
        lock.put(f"{name}{number}", Entry(prompt=f"{name}{number}", code="x\n"))


def test_processes_that_write_at_once_lose_nothing(lock: Lock) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add, args=(lock.path, name, 10)) for name in "abcd"]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert len(json.loads(lock.path.read_text())["entries"]) == 40


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, "autocode.lock"), ({"AUTOCODER_LOCK": "/elsewhere/my.lock"}, "/elsewhere/my.lock")],
)
def test_the_nearest_lock_upwards_is_found_unless_one_is_named(
    tmp_path: Path, environ: Mapping[str, str], expected: str
) -> None:
    (tmp_path / "autocode.lock").write_text("{}")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    assert find(deep, environ) == tmp_path / expected
    assert find(Path("/nowhere/at/all"), {}) == Path("/nowhere/at/all/autocode.lock")


def test_another_environment_is_noticed() -> None:
    entry = Entry(prompt="p", code="x\n", python="3.8.1", packages={"pytest": "0.1"})

    assert "locked with 3.8.1" in drift(entry)
    assert "pytest" in drift(entry)
    assert drift(Entry(prompt="p", code="x\n")) == ""


def test_digests_take_any_text() -> None:
    assert digest("\ud800") != digest("x")


@pytest.mark.parametrize("code", ['x = "a\u2028b"\n', "x = 1\x0c\ny = 2\n", 'x = "\x85"\n', "x = '''a\r\nb'''\n"])
def test_code_comes_back_byte_for_byte_whatever_ends_a_line_in_other_languages(lock: Lock, code: str) -> None:
    lock.put("k", Entry(prompt="p", code=code, digest=digest(code)))

    got = Lock(lock.path).get("k")

    assert got is not None
    assert got.code == code
    assert not got.edited


def test_notebooks_of_one_name_in_two_folders_do_not_touch_each_others_answers(lock: Lock) -> None:
    folder = lock.path.parent
    names = [lock.name_of(str(folder / part / "report.ipynb")) for part in ("a", "b")]
    for name in names:
        lock.put(name, Entry(prompt="p", code="x\n", notebook=name, cell="same id"))

    dropped = lock.prune(names[0], ())

    assert names == ["a/report.ipynb", "b/report.ipynb"]
    assert dropped == 1
    assert list(lock.entries()) == ["b/report.ipynb"]


def test_a_path_that_cannot_be_looked_at_is_one_clear_error() -> None:
    with pytest.raises(LockError, match="cannot be read"):
        Lock(Path("/tmp") / ("x" * 300)).get("k")


def test_an_entry_without_words_has_a_title() -> None:
    assert Entry(prompt="", code="x\n").title == "(no words)"


def test_a_lock_that_is_a_device_or_a_pipe_is_refused_at_once(lock: Lock) -> None:
    lock.path.symlink_to("/dev/full")
    with pytest.raises(LockError, match="cannot be read"):
        lock.get("k")

    lock.path.unlink()
    os.mkfifo(lock.path)
    with pytest.raises(LockError, match="cannot be read"):
        lock.get("k")


def test_a_linked_lock_stays_a_link(lock: Lock) -> None:
    real = lock.path.parent / "shared.lock"
    lock.path.symlink_to(real)

    lock.put("k", Entry(prompt="p", code="x\n"))

    assert lock.path.is_symlink()
    assert Lock(real).get("k") is not None


def test_an_entry_under_a_key_that_was_changed_by_hand_is_told_as_such(lock: Lock) -> None:
    one, two = lock_all(lock, "Load.", "Plot.")
    lock.path.write_text(lock.path.read_text().replace(f'"{two}": {{', '"changed": {'))

    assert "changed by hand" in lock.explain(prompt("Plot."), one)


@pytest.mark.parametrize(
    ("previous", "why"),
    [
        ("", "it was locked after an earlier cell that is not in the lock, which did not run"),
        ("other", "an earlier cell that is not in the lock was edited or answered anew since"),
    ],
)
def test_an_earlier_cell_that_is_not_in_the_lock_is_not_named_by_a_question_mark(
    lock: Lock, previous: str, why: str
) -> None:
    lock.put("k", Entry(prompt="Plot.", code="x\n", previous="gone"))

    assert lock.explain(prompt("Plot."), previous) == f"it is stale: {why}"


HEAD = '"format": "jupyter-autocoder lock", "version": 1'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'{{{HEAD}, "entries": {{}}}}', True),
        ('{"entries": {}, "format": "jupyter-autocoder\\u0020lock"}', True),
        (f"\n<<<<<<< HEAD\n{{{HEAD}}}\n=======\n{{}}\n>>>>>>> other\n", True),
        (f'{{{HEAD}, "entries": {{', True),
        ('{"format": "other"}', False),
        (f"[{{{HEAD}}}]", False),
        (f"# {HEAD}\nx = 1\n", False),
        ("a,b\n1,2\n", False),
        ("", False),
        ("\xff", False),
    ],
)
def test_a_lock_is_known_by_what_is_in_it(tmp_path: Path, content: str, expected: bool) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(content.encode("latin-1"))

    assert is_lock(path) is expected


def test_a_relative_name_counts_from_this_processs_folder_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)

    found = find(tmp_path / "sub", {"AUTOCODER_LOCK": "ci.lock"})

    assert found == tmp_path / "ci.lock"
