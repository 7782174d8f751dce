"""Code from an answer, run by the notebook's kernel: watched, stopped, and outlived."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.sandbox]
CODE = "Here is code:\n\n```python\nimport time\nfor i in range(5):\n    print(i)\n    time.sleep(1)\n```\n"


@pytest.fixture
def running(visitor, lab, answers, request):
    """Somebody whose notebook has the magics, with a run of which the first output is shown."""
    answers(CODE)
    notebook = lab.notebook(f"{request.node.name}.ipynb", "%load_ext jupyter_autocoder", "x = 1")
    person = visitor(notebook=notebook)
    page = person.page
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached", timeout=60_000)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-InputPrompt", has_text="[1]").wait_for(timeout=30_000)
    # The first sandbox is made in the background; a kernel that imports at the same time answers slowly.
    page.wait_for_timeout(3000)
    person.ask("count")
    person.answer().get_by_role("button", name="Run in the sandbox").click()
    person.run = page.locator(".jp-ac-run")
    page.locator(".jp-ac-run[data-state=running]", has_text="the sandbox of").wait_for(timeout=30_000)
    page.locator(".jp-ac-run[data-state=running] .jp-ac-output").first.wait_for(timeout=30_000)
    person.path = notebook
    return person


def test_a_run_in_the_notebooks_kernel_is_watched_and_leaves_no_trace_there(running):
    page = running.page
    early = running.run.inner_text()
    running.shot("running-in-the-notebook")

    page.locator(".jp-ac-run[data-state=done]").wait_for(timeout=30_000)

    assert "4" not in early.splitlines()
    assert "".join(running.run.locator(".jp-ac-output").all_inner_texts()).split() == ["0", "1", "2", "3", "4"]
    assert "The model is shown no output of this run" in running.run.inner_text()
    assert page.locator(".jp-Notebook .jp-OutputArea-output").count() == 0
    assert [text.strip() for text in page.locator(".jp-InputPrompt").all_inner_texts()][:2] == ["[1]:", "[ ]:"]


def test_a_run_is_not_called_typing_and_stops_at_once(running):
    page = running.page
    typing = page.locator(".jp-chat-writers").all_inner_texts()

    page.locator(".jp-ac-sidebar").get_by_role("button", name="Stop").click()
    page.locator(".jp-ac-run[data-state=stopped]").wait_for(timeout=3000)

    assert "typing" not in " ".join(typing)
    assert "0" in running.run.inner_text().splitlines()
    assert "4" not in running.run.inner_text().splitlines()


def test_a_kernel_that_is_shut_down_ends_the_run_and_what_to_do_is_said(running, lab):
    session = next(item for item in lab.fetch("GET", "api/sessions") if item["path"] == running.path)

    lab.fetch("DELETE", f"api/sessions/{session['id']}")
    running.page.locator(".jp-ac-run[data-state=failed]").wait_for(timeout=15_000)

    said = running.run.inner_text()
    assert "0" in said.splitlines()
    assert "Run the notebook's cells again" in said or "Run it again" in said
