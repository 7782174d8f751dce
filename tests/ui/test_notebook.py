"""The sidebar in Notebook 7, which has no dock, no status bar, and areas of its own on both sides."""

from __future__ import annotations

import importlib.util
import json

import pytest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="Notebook 7 is not installed"),
]
CODE = "Here is code:\n\n```python\nprint('from the sandbox')\n```\n"


@pytest.fixture(scope="module")
def notebook7(tmp_path_factory, model, browser, lab_class):
    with lab_class(tmp_path_factory.mktemp("notebook7"), model.base_url, program="notebook") as running:
        yield running


@pytest.fixture
def reader(notebook7, browser, person_class):
    """Somebody with a notebook open in Notebook 7."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    person = person_class(page, notebook7)
    person.errors = errors

    def come(name: str) -> None:
        page.goto(f"{notebook7.url}/notebooks/{notebook7.notebook(name, 'x = 1')}?token=ui-token")
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click(timeout=60_000)
        page.keyboard.press("Control+Shift+Y")
        person.input.wait_for(timeout=30_000)

    person.come = come
    yield person
    context.close()


def test_a_conversation_streams_runs_and_goes_into_the_notebook(reader, answers):
    answers(CODE)
    page = reader.page

    reader.come("seven.ipynb")
    reader.ask("print something")
    answer = reader.answer()
    answer.get_by_role("button", name="Run in the sandbox").click()
    result = page.locator(".jp-ac-run[data-state=done]")
    result.wait_for(timeout=60_000)
    answer.get_by_role("button", name="Insert below the active cell").click()
    page.wait_for_function("document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 2")
    reader.shot("notebook-7")

    assert "from the sandbox" in result.inner_text()
    assert page.locator(".jp-ac-sidebar").bounding_box()["width"] >= 320
    assert page.evaluate("document.querySelector('.jp-ac-sidebar').getBoundingClientRect().right <= innerWidth")
    assert [error for error in reader.errors if "autocoder" in error] == []


def test_the_menu_opens_and_closes_it(reader):
    reader.come("menu.ipynb")
    page = reader.page

    page.locator(".lm-MenuBar-itemLabel", has_text="View").click()
    page.locator(".lm-Menu-itemLabel", has_text="Right Sidebar").hover()
    page.locator(".lm-Menu-itemLabel", has_text="Show Autocoder chat").click()

    page.locator(".jp-ac-sidebar").wait_for(state="hidden")


def test_it_can_stand_on_the_left(reader, notebook7):
    notebook7.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": json.dumps({"area": "left"})})
    try:
        reader.come("left.ipynb")
        reader.shot("notebook-7-left")
        box = reader.page.locator(".jp-ac-sidebar").bounding_box()
    finally:
        notebook7.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": "{}"})

    assert box["x"] < 100
