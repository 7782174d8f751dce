"""The sidebar in a real JupyterLab, in front of a real Chromium, with a fake model behind."""

from __future__ import annotations

import json
import re

import pytest

from jupyter_autocoder.testing import Reply, fault

pytestmark = pytest.mark.browser
CODE = "Here:\n\n```python\nprint('from the sandbox')\n```\n"


def test_an_answer_streams_with_an_indicator_and_ends_with_its_footer(visitor, answers):
    answers(Reply(text="word " * 60, chunk=5, pause=0.05))
    person = visitor()

    person.ask("count for me")
    writing = person.answer("writing")
    person.page.wait_for_function("document.querySelector('.jp-chat-writers')?.textContent.includes('typing')")
    partial = len(writing.inner_text())
    person.shot("streaming")
    done = person.answer("done")

    assert 0 < partial < len(done.inner_text())
    assert done.locator(".jp-ac-markdown").inner_text().count("word") == 60
    assert re.search(r"gpt-4o · \d+ in, \d+ out", done.locator(".jp-ac-footer").inner_text())
    assert not done.locator(".jp-ac-dots").is_visible()


@pytest.mark.parametrize(
    ("reply", "moment"),
    [(Reply(text="late", stall=60), "waiting"), (Reply(text="word " * 500, chunk=5, pause=0.05), "writing")],
    ids=["before the first token", "in the middle"],
)
def test_stop_ends_an_answer_and_closes_the_providers_stream(visitor, answers, model, reply, moment):
    answers(reply)
    person = visitor()
    before, asked = model.disconnects, len(model.requests)

    person.ask("something long")
    person.answer(moment)
    if moment == "writing":
        person.shot("stop")
    # There is no stream to close before the question has left.
    person.until(lambda: len(model.requests) > asked)
    person.page.locator(".jp-ac-stop").click()
    person.answer("stopped", timeout=5000)

    assert not person.page.locator(".jp-ac-stop").is_visible()
    person.until(lambda: model.disconnects > before)


@pytest.mark.sandbox
def test_code_runs_in_the_sandbox_and_its_result_stands_under_the_message(visitor, answers):
    answers(CODE)
    person = visitor()

    person.ask("print something")
    answer = person.answer()
    answer.get_by_role("button", name="Run in the sandbox").click()
    result = answer.locator(".jp-ac-run[data-state=done]")
    result.wait_for(timeout=30_000)
    person.shot("run")

    assert "from the sandbox" in result.inner_text()
    assert "Ran in this conversation's sandbox" in result.inner_text()


def test_refused_code_says_which_line_and_why(visitor, answers):
    answers("```python\nimport os\nos.system('id')\n```")
    person = visitor()

    person.ask("do evil")
    answer = person.answer()
    answer.get_by_role("button", name="Run in the sandbox").click()
    result = answer.locator(".jp-ac-run[data-state=refused]")
    result.wait_for()
    person.shot("refused")

    assert "Line 2" in result.inner_text()


def test_code_goes_below_the_active_cell_or_in_its_place(visitor, answers, lab):
    answers(CODE)
    person = visitor(notebook=lab.notebook("insert.ipynb", "first = 1", "last = 2"))

    person.ask("print something")
    answer = person.answer()
    answer.get_by_role("button", name="Insert below the active cell").click()
    cells = person.page.locator(".jp-Notebook .jp-CodeCell")
    person.page.wait_for_function("document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 3")
    inserted = cells.nth(1).locator(".cm-content").inner_text()
    answer.get_by_role("button", name="Replace the active cell").click()
    person.shot("insert")

    assert inserted.strip() == "print('from the sandbox')"
    assert cells.nth(0).locator(".cm-content").inner_text().strip() == "first = 1"


def test_a_reload_brings_the_conversation_and_the_draft_back(visitor, answers):
    answers("An answer to keep.")
    person = visitor()
    person.ask("remember this")
    person.answer()
    person.input.fill("half a thou")

    person.reload()
    person.answer()

    assert "remember this" in person.messages("person").last.inner_text()
    assert "An answer to keep." in person.messages("model").last.inner_text()
    assert person.input.input_value() == "half a thou"


def test_a_reload_in_the_middle_of_an_answer_loses_and_doubles_nothing(visitor, answers):
    text = " ".join(f"w{number}" for number in range(150))
    answers(Reply(text=text, chunk=8, pause=0.03))
    person = visitor()
    person.ask("go on")
    person.answer("writing")

    person.reload()
    done = person.answer("done")

    assert done.locator(".jp-ac-markdown").inner_text() == text
    assert person.messages("person").count() == 1


def test_a_second_tab_follows_live(visitor, answers, lab):
    answers(Reply(text="word " * 300, chunk=5, pause=0.04))
    notebook = lab.notebook("two-tabs.ipynb", "x = 1")
    one, two = visitor(notebook=notebook, fresh=False), None
    one.ask("first question")
    one.answer("writing")

    two = visitor(notebook=notebook, fresh=False)
    two.answer("writing")
    one.answer("done")
    two.answer("done", timeout=10_000)
    answers("Quick.")
    two.ask("second question")
    one.page.get_by_text("second question").wait_for(timeout=5000)

    assert two.messages("model").first.inner_text() == one.messages("model").first.inner_text()


def test_conversations_are_begun_renamed_found_and_deleted(visitor, answers):
    answers("Fine.")
    person = visitor()
    page = person.page
    person.ask("about zebras")
    person.answer()

    person.begin()
    person.ask("about okapis")
    person.answer()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Rename Conversation…").click()
    page.locator(".jp-Dialog input").fill("Forest giraffes")
    page.keyboard.press("Enter")
    page.locator(".jp-ac-title", has_text="Forest giraffes").wait_for()
    page.locator(".jp-ac-choose").click()
    page.get_by_label("Search conversations").fill("ZEBRA")
    row = page.locator(".jp-ac-row", has_text="about zebras")
    row.wait_for()
    page.wait_for_function("document.querySelectorAll('.jp-ac-row').length === 1")
    person.shot("search")
    row.click()
    person.messages("person").filter(has_text="about zebras").wait_for()
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete Conversation…").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Delete").click()
    page.locator(".jp-ac-title", has_text="New conversation").wait_for()
    page.locator(".jp-ac-choose").click()
    page.locator(".jp-ac-row", has_text="Forest giraffes").wait_for()

    assert page.locator(".jp-ac-row", has_text="about zebras").count() == 0


def test_what_is_attached_is_seen_removable_and_sent_without_secrets(visitor, answers, model, lab):
    answers("I see.")
    secret = "sk-" + "abcdefghijklmnopqrstuvwx"
    person = visitor(notebook=lab.notebook("attach.ipynb", f"key = '{secret}'\nrows = 12345"))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()

    page.get_by_role("button", name="Attach: cells").click()
    page.get_by_role("button", name="Attach: notebook").click()
    chips = page.locator(".jp-ac-tray-chip")
    page.wait_for_function("document.querySelectorAll('.jp-ac-tray-chip').length === 2")
    person.shot("chips")
    page.get_by_role("button", name="Remove attach.ipynb").click()
    label = chips.inner_text()
    person.ask("what is this?")
    person.answer()
    sent = json.dumps(model.requests[-1])

    assert re.search(r"Cell 1 · \d+ tokens", label)
    assert "rows = 12345" in sent
    assert secret not in sent
    assert chips.count() == 0


def test_chosen_variables_are_shown_by_their_columns_and_never_by_their_values(visitor, answers, model, lab):
    answers("I see.")
    cell = "import pandas as pd\nprices = pd.DataFrame({'close': [123.456], 'volume': [7]})\npassword = 'hunter2'"
    person = visitor(notebook=lab.notebook("variables.ipynb", cell))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-Notebook .jp-InputPrompt", has_text="[1]:").wait_for(timeout=60_000)

    page.get_by_role("button", name="Attach: variables").click()
    picker = page.locator(".jp-Dialog .jp-ac-picker")
    picker.get_by_label("prices").check()
    person.shot("variables")
    page.locator(".jp-Dialog").get_by_role("button", name="Attach").click()
    chip = page.locator(".jp-ac-tray-chip")
    chip.wait_for()
    page.wait_for_timeout(300)
    label = chip.inner_text()
    person.ask("what are the columns?")
    person.answer()
    sent = model.requests[-1]["messages"][-1]["content"]

    assert re.search(r"prices · \d+ tokens", label)
    assert "prices: DataFrame[close: float64, volume: int64] (1 row)" in sent
    assert "123.456" not in sent
    assert "hunter2" not in sent


def test_fix_attaches_the_error_under_the_cursor(visitor, answers, model, lab):
    answers("Divide by something else.")
    person = visitor(notebook=lab.notebook("fix.ipynb", "1/0"))
    page = person.page
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    cell.click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-Notebook .jp-OutputArea-output", has_text="ZeroDivisionError").wait_for(timeout=60_000)

    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Alt+f")
    page.locator(".jp-ac-tray-chip", has_text="ZeroDivisionError").wait_for()
    page.wait_for_function("input => input.value === 'Fix this error.'", arg=person.input.element_handle())
    person.input.press("Enter")
    person.answer()

    assert "division by zero" in json.dumps(model.requests[-1])


@pytest.mark.parametrize(
    ("answer", "words"),
    [(fault("unauthorized"), "OPENAI_API_KEY"), (fault("insufficient_quota"), "quota")],
    ids=["key", "quota"],
)
def test_an_error_is_a_message_with_what_to_do(visitor, answers, answer, words):
    answers(answer)
    person = visitor()

    person.ask("hello")
    failed = person.answer("failed", timeout=60_000)
    person.shot("error")

    assert words in failed.inner_text()
    assert not failed.locator(".jp-ac-dots").is_visible()


def test_slash_commands_are_completed_and_answered(visitor):
    person = visitor()

    person.input.click()
    person.page.keyboard.type("/he")
    person.page.locator(".jp-chat-command-name", has_text="/help").wait_for()
    person.shot("commands")
    person.page.keyboard.press("Enter")
    completed = person.input.input_value()
    person.page.keyboard.press("Enter")
    note = person.messages("note").last
    note.wait_for()

    assert completed == "/help "
    assert "/limits" in note.inner_text()


def test_a_server_that_ends_in_the_middle_of_an_answer_leaves_what_came_and_says_so(
    visitor, answers, model, tmp_path, lab_class
):
    answers(Reply(text="word " * 2000, chunk=5, pause=0.05))
    with lab_class(tmp_path, model.base_url) as server:
        person = visitor(server=server)
        person.ask("go on and on")
        person.answer("writing")
        person.page.wait_for_timeout(3_000)

        server.process.kill()
        server.stop()
        person.page.locator(".jp-ac-offline", has_text="lost").wait_for(timeout=20_000)
        server.start()
        stopped = person.answer("stopped", timeout=60_000)
        person.shot("interrupted")
        answers("Again.")
        person.ask("once more")
        person.answer("done", timeout=30_000)

    assert "The server ended" in stopped.inner_text()
    assert "word word word" in stopped.inner_text()
    assert person.messages("person").count() == 2


def test_what_is_sent_while_the_server_is_away_waits_and_is_sent_once(visitor, answers, model, tmp_path, lab_class):
    answers("Back again.")
    with lab_class(tmp_path, model.base_url) as server:
        person = visitor(server=server)
        person.ask("first")
        person.answer()

        server.stop()
        person.page.locator(".jp-ac-offline", has_text="lost").wait_for(timeout=20_000)
        person.ask("second")
        person.shot("offline")
        server.start()
        person.messages("person").filter(has_text="second").wait_for(timeout=60_000)
        person.page.wait_for_function(
            "document.querySelectorAll('.jp-ac-message[data-role=model][data-state=done]').length === 2"
        )

        assert person.messages("person").filter(has_text="first").count() == 1
        assert person.messages("person").filter(has_text="second").count() == 1


def test_a_long_conversation_is_drawn_from_its_end_and_the_rest_on_demand(visitor, answers):
    person = visitor()
    answers("Fine.")
    for number in range(24):
        person.ask(f"/nonsense {number}")
        person.messages("person").filter(has_text=f"/nonsense {number}").first.wait_for()
        person.messages("note").last.wait_for()
        person.page.wait_for_timeout(150)
    drawn = person.page.locator(".jp-ac-message").count()

    earlier = person.page.get_by_role("button", name="Show earlier messages")
    while earlier.is_visible():
        earlier.click()
        person.page.wait_for_timeout(500)

    assert drawn < 48
    assert person.page.locator(".jp-ac-message").count() == 48
    assert "/nonsense 0" in person.messages("person").first.inner_text()
