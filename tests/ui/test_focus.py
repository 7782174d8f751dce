"""The keyboard's focus stays where the person works, whatever goes away or is drawn anew around it."""

from __future__ import annotations

import pytest

from jupyter_autocoder.testing import Reply

pytestmark = pytest.mark.browser
CODE = "Here:\n\n```python\nprint('from the sandbox')\n```\n"
FOCUSED = """() => {
  const found = document.activeElement;
  return found.getAttribute('aria-label') || found.textContent.trim() || found.tagName;
}"""


def focused(person):
    person.page.wait_for_timeout(300)
    return person.page.evaluate(FOCUSED)


@pytest.mark.sandbox
def test_running_code_leaves_it_on_the_run_button(visitor, answers):
    answers(CODE)
    person = visitor()
    person.ask("print something")
    answer = person.answer()

    answer.get_by_role("button", name="Run in the sandbox").focus()
    person.page.keyboard.press("Enter")
    early = focused(person)
    answer.locator(".jp-ac-run[data-state=done]").wait_for(timeout=30_000)
    late = focused(person)
    person.page.keyboard.press("Enter")
    answer.locator(".jp-ac-run").nth(1).wait_for(timeout=30_000)

    assert (early, late) == ("Run in the sandbox", "Run in the sandbox")


def test_it_is_not_taken_back_from_a_person_who_left(visitor, answers):
    answers(CODE)
    person = visitor()
    person.ask("print something")
    person.answer().get_by_role("button", name="Copy").focus()

    person.page.evaluate("document.activeElement.blur()")
    person.page.wait_for_timeout(100)
    answers(Reply(text="word " * 20, chunk=5, pause=0.02))
    person.page.locator(".jp-ac-sidebar textarea:not([aria-hidden])").evaluate("input => input.focus()")
    person.page.keyboard.type("more")
    person.page.keyboard.press("Enter")
    person.page.evaluate("document.activeElement.blur()")
    person.answer("done")

    assert person.page.evaluate("document.activeElement.tagName") == "BODY"


def test_stopping_brings_it_back_to_the_input(visitor, answers):
    answers(Reply(text="word " * 500, chunk=5, pause=0.05))
    person = visitor()
    person.ask("something long")
    person.answer("writing")

    person.page.locator(".jp-ac-stop").focus()
    person.page.keyboard.press("Enter")
    person.answer("stopped", timeout=5000)

    assert focused(person) == "Your message"


def test_an_answer_that_ends_while_stop_has_it_brings_it_back_to_the_input(visitor, answers):
    answers(Reply(text="word " * 30, chunk=5, pause=0.05))
    person = visitor()
    person.ask("something short")
    person.answer("writing")

    person.page.locator(".jp-ac-stop").focus()
    person.answer("done")

    assert focused(person) == "Your message"


def test_removing_a_chip_moves_it_to_the_next_and_at_last_to_the_ways(visitor, lab):
    person = visitor(notebook=lab.notebook("chips.ipynb", "x = 1", "y = 2"))
    page = person.page
    for cell in (0, 1):
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(cell).click()
        page.get_by_role("button", name="Attach: cells").click()
        page.locator(".jp-ac-tray-chip", has_text=f"Cell {cell + 1}").wait_for()
    page.get_by_role("button", name="Attach: notebook").click()
    page.locator(".jp-ac-tray-chip").nth(2).wait_for()
    seen = []

    page.get_by_role("button", name="Remove Cell 2").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
        seen.append(focused(person))

    assert seen == ["Remove chips.ipynb", "Remove Cell 1", "Attach: cells"]


@pytest.mark.parametrize("keys", [["Escape"], ["ArrowDown", "Enter", "Escape"]], ids=["the menu", "the rename dialog"])
def test_escape_goes_back_to_what_opened(visitor, answers, keys):
    answers("Fine.")
    person = visitor()
    person.ask("hello")
    person.answer()

    person.page.get_by_role("button", name="More", exact=True).focus()
    person.page.keyboard.press("Enter")
    opened = []
    for key in keys:
        person.page.wait_for_timeout(300)
        opened.append(person.page.locator(".lm-Menu, .jp-Dialog").count())
        person.page.keyboard.press(key)

    assert focused(person) == "More"
    assert opened[0] == opened[-1] == 1
    assert person.page.locator(".lm-Menu, .jp-Dialog").count() == 0


def test_the_last_earlier_messages_bring_it_to_the_input(visitor):
    person = visitor()
    for number in range(15):
        person.ask(f"/nonsense {number}")
        person.messages("note").nth(number).wait_for()
    person.reload()
    person.messages("note").last.wait_for()
    earlier = person.page.get_by_role("button", name="Show earlier messages")

    earlier.focus()
    person.page.keyboard.press("Enter")
    earlier.wait_for(state="hidden")

    assert focused(person) == "Your message"
