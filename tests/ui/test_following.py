"""Conversations follow their notebook when it is renamed, moved or deleted, whoever has it open."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser
CODE = "Here is code:\n\n```python\nprint(4711)\n```\n"


def renamed_in_its_tab(page, old, new):
    page.locator(".lm-TabBar-tab.lm-mod-current", has_text=old).first.click(button="right")
    page.locator(".lm-Menu-itemLabel", has_text="Rename Notebook").first.click()
    page.locator(".jp-Dialog input").fill(new)
    page.keyboard.press("Enter")
    page.locator(".lm-TabBar-tab.lm-mod-current", has_text=new).first.wait_for()


def renamed_in_the_browser(page, old, new):
    page.locator(".jp-DirListing-item", has_text=old).click()
    page.keyboard.press("F2")
    page.locator(".jp-DirListing-editor").fill(new)
    page.keyboard.press("Enter")
    page.locator(".jp-DirListing-item", has_text=new).wait_for()


def deleted_in_the_browser(page, name):
    page.locator(".jp-DirListing-item", has_text=name).click()
    page.keyboard.press("Delete")
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    page.locator(".jp-DirListing-item", has_text=name).wait_for(state="detached")


def of_notebook(lab, path):
    found = lab.fetch("GET", f"jupyter_autocoder/conversations?notebook={path}")["conversations"]
    return [item["title"] for item in found]


@pytest.mark.kernel
@pytest.mark.sandbox
def test_a_renamed_notebook_keeps_its_conversation_and_its_sandbox(visitor, answers, lab):
    answers(CODE)
    person = visitor(notebook=lab.notebook("old.ipynb", "%load_ext jupyter_autocoder"))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-InputPrompt", has_text="[1]:").wait_for(timeout=60_000)
    # The first sandbox is made in the background; a kernel that imports at the same time answers slowly.
    page.wait_for_timeout(3000)
    person.ask("print a number")
    answer = person.answer()

    renamed_in_its_tab(page, "old.ipynb", "new.ipynb")
    page.wait_for_timeout(500)
    answer.get_by_role("button", name="Run in the sandbox").click()
    run = answer.locator(".jp-ac-run[data-state=done]")
    run.wait_for(timeout=60_000)
    said = run.inner_text()
    person.shot("renamed-notebook")
    page.locator(".jp-ac-choose").click()
    row = page.locator(".jp-ac-row[aria-current]")
    row.wait_for()
    listed = row.inner_text()
    again = visitor(notebook="new.ipynb", fresh=False)
    again.messages("person").filter(has_text="print a number").wait_for()

    assert "4711" in said
    assert "the sandbox of new.ipynb" in said
    assert "new.ipynb" in listed
    assert of_notebook(lab, "old.ipynb") == []


def test_the_conversation_on_the_screen_stays_there_when_its_notebook_is_renamed(visitor, answers, lab):
    answers("Fine.")
    person = visitor(notebook=lab.notebook("stay.ipynb", "x = 1"))
    person.ask("the older one")
    person.answer()
    person.begin()
    person.ask("the newer one")
    person.answer()
    person.page.locator(".jp-ac-choose").click()
    person.page.locator(".jp-ac-row", has_text="the older one").click()
    person.messages("person").filter(has_text="the older one").wait_for()

    renamed_in_its_tab(person.page, "stay.ipynb", "stayed.ipynb")
    person.page.wait_for_timeout(1000)
    shown = person.messages("person").all_inner_texts()

    assert shown == ["the older one"]
    assert sorted(of_notebook(lab, "stayed.ipynb")) == ["the newer one", "the older one"]


def test_a_notebook_that_is_not_open_is_renamed_and_so_is_the_folder_above_it(visitor, answers, lab):
    answers("Fine.")
    (lab.work / "fields").mkdir()
    before = visitor(notebook=lab.notebook("fields/closed.ipynb", "x = 1"))
    before.ask("about a closed notebook")
    before.answer()
    before.page.context.close()
    person = visitor()

    renamed_in_the_browser(person.page, "fields", "meadows")
    person.page.locator(".jp-DirListing-item", has_text="meadows").dblclick()
    renamed_in_the_browser(person.page, "closed.ipynb", "shut.ipynb")
    person.page.locator(".jp-DirListing-item", has_text="shut.ipynb").dblclick()

    person.messages("person").filter(has_text="about a closed notebook").wait_for(timeout=20_000)
    assert of_notebook(lab, "meadows/shut.ipynb") == ["about a closed notebook"]


@pytest.mark.parametrize("opened", [True, False], ids=["open", "closed"])
def test_a_new_notebook_has_no_conversation_of_a_deleted_one_of_its_name(visitor, answers, lab, opened):
    answers("Fine.")
    name = f"again-{opened}.ipynb"
    before = visitor(notebook=lab.notebook(name, "x = 1"))
    before.ask(f"about the old one, {opened}")
    before.answer()
    person = before if opened else visitor()
    page = person.page

    deleted_in_the_browser(page, name)
    lab.notebook(name, "y = 2")
    page.locator(".jp-DirListing-item", has_text=name).wait_for(timeout=20_000)
    page.locator(".jp-DirListing-item", has_text=name).dblclick()
    page.locator(".jp-Notebook .cm-content", has_text="y = 2").wait_for(timeout=20_000)
    page.locator(".jp-ac-title", has_text="New conversation").wait_for()
    page.wait_for_timeout(1000)
    shown = person.messages("person").count()
    person.shot("new-notebook-of-an-old-name")
    page.locator(".jp-ac-choose").click()
    kept = page.locator(".jp-ac-row", has_text=f"about the old one, {opened}")
    kept.wait_for()

    assert shown == 0
    assert name not in kept.inner_text()
