"""What the sidebar does to a notebook's cells, and what stands on their toolbar."""

from __future__ import annotations

import json

import nbformat
import pytest

pytestmark = pytest.mark.browser
CODE = "Here:\n\n```python\nprint('from the model')\n```\n"


@pytest.fixture
def with_cells(visitor, answers, lab):
    """Somebody with an answer of code, and a notebook of these cells of which the first is active."""

    def come(name, *cells):
        answers(CODE)
        made = nbformat.v4.new_notebook(cells=list(cells))
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(made, lab.work / name)
        person = visitor(notebook=name)
        person.ask("code, please")
        person.answer()
        person.page.locator(".jp-Notebook .jp-Cell").first.click()
        return person

    return come


def cells(person):
    return person.page.evaluate(
        """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(cell =>
        [cell.classList.contains('jp-CodeCell') ? 'code' : 'words', cell.innerText.split('\\n').pop().trim()])"""
    )


def test_code_in_the_place_of_words_makes_a_code_cell_and_undo_brings_the_words_back(with_cells):
    words = nbformat.v4.new_markdown_cell("Words of mine")
    person = with_cells("words.ipynb", words, nbformat.v4.new_code_cell("last = 2"))
    page = person.page

    page.get_by_role("button", name="Replace the active cell").click()
    page.locator(".jp-Notebook .jp-CodeCell", has_text="from the model").wait_for()
    person.shot("replaced-words")
    replaced = cells(person)
    active = page.locator(".jp-Notebook .jp-Cell").first.get_attribute("class")
    page.locator(".jp-Notebook .jp-InputPrompt").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    page.locator(".jp-Notebook .jp-MarkdownCell", has_text="Words of mine").wait_for()

    assert replaced == [["code", "print('from the model')"], ["code", "last = 2"]]
    assert "jp-mod-active" in active
    assert [kind for kind, _ in cells(person)] == ["words", "code"]


@pytest.mark.parametrize("kind", ["code", "markdown"])
def test_a_read_only_cell_is_not_replaced_and_the_person_is_told(with_cells, kind):
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    person = with_cells(f"kept-{kind}.ipynb", make("keep = 'this'", metadata={"editable": False}))
    before = cells(person)

    person.page.get_by_role("button", name="Replace the active cell").click()
    person.page.locator(".jp-ac-notice", has_text="The active cell is read-only, so it was not replaced.").wait_for()
    person.shot(f"read-only-{kind}")

    assert cells(person) == before
    assert "from the model" not in json.dumps(before)


def test_the_cell_toolbar_asks_explains_and_fixes(with_cells, model):
    person = with_cells("toolbar.ipynb", nbformat.v4.new_code_cell("rows = 12345"))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    toolbar = page.locator(".jp-Notebook .jp-cell-toolbar")
    buttons = [toolbar.locator(f"[data-command='jupyter-autocoder:{name}']") for name in ("ask", "explain", "fix")]

    for made in buttons:
        made.wait_for()
    person.shot("cell-toolbar")
    drawn = [made.locator("svg").count() for made in buttons]
    named = buttons[1].get_attribute("aria-label")
    buttons[1].click()
    page.locator(".jp-ac-tray-chip", has_text="Cell 1").wait_for()
    page.wait_for_function("input => input.value === 'Explain this code.'", arg=person.input.element_handle())
    person.input.press("Enter")
    page.locator(".jp-ac-message[data-role=model][data-state=done]").nth(1).wait_for()
    sent = model.requests[-1]["messages"][-1]["content"]

    assert drawn == [1, 1, 1]
    assert named.startswith("Explain the selected cells")
    assert "rows = 12345" in sent
    assert "Explain this code." in sent
