"""A file that is attached: its words go to the model, its secrets do not, and what is no text is refused."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.browser
SECRET = "sk-" + "abcdefghijklmnopqrstuvwx"


@pytest.fixture
def attaching(visitor, lab):
    """Somebody who attaches a file of the server's by its name."""
    person = visitor()
    page = person.page

    def attach(name: str, content: bytes) -> None:
        (lab.work / name).write_bytes(content)
        page.get_by_role("button", name="Attach: file").click()
        dialog = page.locator(".jp-Dialog")
        dialog.locator(".jp-DirListing-item", has_text=name).click()
        dialog.locator("button.jp-mod-accept").click()
        dialog.wait_for(state="detached")

    person.attach = attach
    return person


def test_the_model_reads_the_files_words_and_the_person_is_told_what_was_hidden(attaching, answers, model):
    answers("I see.")

    attaching.attach("notes.txt", f"the harvest was 4711 crates\nkey={SECRET}\n".encode())
    attaching.page.locator(".jp-ac-tray-chip", has_text="notes.txt").wait_for()
    attaching.ask("how much?")
    answer = attaching.answer()
    attaching.shot("file")
    sent = json.dumps(model.requests[-1])

    assert "the harvest was 4711 crates" in sent
    assert SECRET not in sent
    assert "secret" in answer.locator(".jp-ac-footer").inner_text().lower()
    assert SECRET not in attaching.page.content()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("bytes.dat", bytes(range(256)), "bytes.dat is no text."),
        ("zeros.dat", b"words\x00words", "zeros.dat is no text."),
        ("huge.csv", b"a,b\n" * (3 * 1024 * 1024), "huge.csv is too big to attach: 12 MB."),
    ],
    ids=["not UTF-8", "zero bytes", "too big"],
)
def test_what_cannot_be_shown_to_a_model_is_refused_with_what_to_do(attaching, lab, name, content, told):
    attaching.attach(name, content)

    notice = attaching.page.locator(".jp-ac-notice", has_text=told)
    notice.wait_for(timeout=10_000)
    attaching.shot("file-refused")
    (lab.work / name).unlink()

    assert "Attach a" in notice.inner_text()
    assert attaching.page.locator(".jp-ac-tray-chip").count() == 0
