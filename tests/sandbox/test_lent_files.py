"""Files lent to the sandbox stand in its working directory, read-only, whoever runs the host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.sandbox import Sandbox

pytestmark = pytest.mark.sandbox


def test_a_lent_file_is_read_by_its_name_and_cannot_be_changed(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a,b\n")

    async def work() -> list[str | None]:
        async with Sandbox() as box:
            await box.add_file(tmp_path / "in.csv")
            await box.add_file(tmp_path / "in.csv", name="data/deep/other.csv")
            read = await box.run("open('in.csv').read() + open('data/deep/other.csv').read()")
            written = await box.run("open('in.csv', 'w')")
            made = await box.run("open('data/mine.txt', 'w').write('x')")
            return [read.value, written.error.name if written.error else None, made.value]

    assert asyncio.run(work()) == ["'a,b\\na,b\\n'", "OSError", "1"]
    assert (tmp_path / "in.csv").read_text() == "a,b\n"


def test_a_file_lent_again_is_the_new_one_and_the_codes_own_file_is_not_replaced(tmp_path: Path) -> None:
    async def work() -> tuple[str | None, str]:
        async with Sandbox() as box:
            for text in ("old", "new"):
                (tmp_path / "in.txt").write_text(text)
                await box.add_file(tmp_path / "in.txt")
            read = await box.run("open('in.txt').read()")
            await box.run("open('mine.txt', 'w').write('made by the code')")
            with pytest.raises(UsageError, match=r"mine\.txt cannot be shown") as caught:
                await box.add_file(tmp_path / "in.txt", name="mine.txt")
            return read.value, caught.value.do

    assert asyncio.run(work()) == ("'new'", "name the file otherwise, or start with --fresh")


@pytest.mark.parametrize("trap", ["way", "way/deeper"])
def test_a_link_that_the_code_planted_is_not_followed(tmp_path: Path, trap: str) -> None:
    (tmp_path / "in.txt").write_text("x")

    async def work() -> None:
        async with Sandbox() as box:
            await box.run(f"open({trap.split('/')[0]!r}, 'w').close()")
            with pytest.raises(UsageError):
                await box.add_file(tmp_path / "in.txt", name=f"{trap}/in.txt")

    asyncio.run(work())


@pytest.mark.parametrize("name", ["../in.txt", "/in.txt", "a/../in.txt", ".", ""])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.txt").write_text("x")

    async def work() -> None:
        async with Sandbox() as box:
            with pytest.raises(UsageError):
                await box.add_file(tmp_path / "in.txt", name=name)

    asyncio.run(work())


def test_files_whose_names_differ_only_in_a_folder_stay_apart(tmp_path: Path) -> None:
    async def work() -> str | None:
        async with Sandbox() as box:
            for name in ("data/p.csv", "data--p.csv", "data%2Fp.csv"):
                (tmp_path / "lent").write_text(name)
                await box.add_file(tmp_path / "lent", name=name)
            return (await box.run("[open(n).read() for n in ('data/p.csv', 'data--p.csv', 'data%2Fp.csv')]")).value

    assert asyncio.run(work()) == "['data/p.csv', 'data--p.csv', 'data%2Fp.csv']"


def test_a_lent_file_that_is_gone_does_not_keep_the_session_from_its_next_kernel(tmp_path: Path) -> None:
    (tmp_path / "gone.csv").write_text("a\n")
    (tmp_path / "stays.csv").write_text("b\n")

    async def work() -> list[tuple[str | None, tuple[str, ...]]]:
        async with Sandbox() as box:
            for name in ("gone.csv", "stays.csv"):
                await box.add_file(tmp_path / name)
            (tmp_path / "gone.csv").unlink()
            await box.run("import os; os._exit(1)")
            runs = [await box.run("import os; sorted(os.listdir('.'))") for _ in range(2)]
            return [(run.value, run.notes) for run in runs]

    first, second = asyncio.run(work())

    assert first[0] == second[0] == "['stays.csv']"
    assert any("gone.csv is not lent any more" in note and "does not exist" in note for note in first[1])
    assert any("started anew" in note for note in first[1])
    assert second[1] == ()


def test_a_lent_file_that_has_come_back_can_be_lent_again(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("old")

    async def work() -> str | None:
        async with Sandbox() as box:
            await box.add_file(tmp_path / "in.csv")
            (tmp_path / "in.csv").unlink()
            await box.run("import os; os._exit(1)")
            await box.run("1")
            (tmp_path / "in.csv").write_text("new")
            await box.add_file(tmp_path / "in.csv")
            return (await box.run("open('in.csv').read()")).value

    assert asyncio.run(work()) == "'new'"
