"""Everybody's habits: themes, narrow and wide windows, the keyboard alone, assistive technology, settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
ANSWER = """Here is a **table** and some code:

| a | b |
|---|---|
| 1 | 2 |

```python
print("hello")
```

See [the documentation](https://example.com/docs).
"""


def _serious(page, where: str = ".jp-ac-sidebar") -> list[str]:
    page.evaluate(AXE.read_text())
    result = page.evaluate(
        "where => axe.run(where, {resultTypes: ['violations']}).then(r => r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))",
        where,
    )
    return list(result)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: jlpm --cwd labextension install")
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_serious(visitor, answers, lab, theme):
    answers(ANSWER)
    person = visitor(notebook=lab.notebook(f"axe-{theme[-4:].strip()}.ipynb", "x = 1"))
    page = person.page
    lab.fetch("PUT", "lab/api/settings/@jupyterlab/apputils-extension:themes", {"raw": json.dumps({"theme": theme})})
    try:
        person.reload()
        page.wait_for_function(f"document.body.dataset.jpThemeName === {theme!r}")
        person.ask("show me everything")
        person.answer()
        page.get_by_role("button", name="Attach: cells").click()
        page.locator(".jp-ac-tray-chip").wait_for()
        page.wait_for_timeout(500)
        person.shot(f"theme-{theme.split()[-1].lower()}")
        quiet = _serious(page)
        page.locator(".jp-ac-choose").click()
        page.locator(".jp-ac-row").first.wait_for()
        with_list = _serious(page)
    finally:
        lab.fetch("PUT", "lab/api/settings/@jupyterlab/apputils-extension:themes", {"raw": "{}"})

    assert quiet == []
    assert with_list == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: jlpm --cwd labextension install")
def test_variables_are_chosen_with_the_keyboard_and_axe_finds_nothing_serious_there(visitor, lab):
    names = "\n".join(f"value_{number} = {number}" for number in range(12))
    person = visitor(notebook=lab.notebook("picker.ipynb", names))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    page.locator(".jp-Notebook .jp-InputPrompt", has_text="[1]:").wait_for(timeout=60_000)

    page.get_by_role("button", name="Attach: variables").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Search variables").wait_for()
    serious = _serious(page, ".jp-ac-picker")
    page.get_by_label("Search variables").focus()
    page.keyboard.type("value_7")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    person.shot("picker")
    page.keyboard.press("Enter")
    page.locator(".jp-ac-tray-chip", has_text="value_7").wait_for()

    assert serious == []
    assert page.locator(".jp-ac-tray-chip").count() == 1


@pytest.mark.parametrize("width", [700, 2200])
def test_narrow_and_wide_windows_lose_nothing(visitor, answers, width):
    answers(ANSWER)
    person = visitor(viewport={"width": width, "height": 700})
    person.ask("show me everything")
    person.answer()
    person.shot(f"width-{width}")

    beyond = person.page.evaluate(
        "[...document.querySelectorAll('.jp-ac-sidebar button, .jp-ac-sidebar textarea:not([aria-hidden])')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().right >"
        " document.querySelector('.jp-ac-sidebar').getBoundingClientRect().right + 1).map(e => e.outerHTML)"
    )

    assert beyond == []
    assert person.input.is_visible()


def test_everything_can_be_done_with_the_keyboard_alone(visitor, answers, lab):
    answers("```python\nx = 41 + 1\n```")
    person = visitor(notebook=lab.notebook("keys.ipynb", "a = 1"))
    page = person.page
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()

    page.keyboard.press("Control+Shift+Y")
    page.keyboard.type("give me code")
    page.keyboard.press("Enter")
    person.answer()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Insert below the active cell":
            break
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 2")

    assert "x = 41 + 1" in page.locator(".jp-Notebook .jp-CodeCell").nth(1).inner_text()


def test_a_setting_turns_enter_and_shift_enter_round(visitor, answers, lab):
    answers("Sent.")
    person = visitor()
    lab.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": '{"sendWithShiftEnter": true}'})
    try:
        person.reload()
        person.page.wait_for_timeout(1000)
        person.begin()
        person.input.click()
        person.page.keyboard.type("one")
        person.page.keyboard.press("Enter")
        person.page.keyboard.type("two")
        typed = person.input.input_value()
        person.page.keyboard.press("Shift+Enter")
        person.shot("shift-enter")
        person.answer()
    finally:
        lab.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": "{}"})

    assert typed == "one\ntwo"


def test_the_sidebar_can_stand_on_the_left(visitor, lab):
    person = visitor()
    lab.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": '{"area": "left"}'})
    try:
        person.page.reload()
        person.page.wait_for_selector("#jp-left-stack .jp-ac-sidebar, #jp-left-stack", state="attached")
        person.page.wait_for_function("document.querySelector('#jp-left-stack .jp-ac-sidebar') !== null")
    finally:
        lab.fetch("PUT", "lab/api/settings/jupyter-autocoder:sidebar", {"raw": "{}"})

    assert person.page.locator("#jp-right-stack .jp-ac-sidebar").count() == 0


def test_what_happens_is_announced_to_a_screen_reader(visitor, answers):
    answers("Done.")
    person = visitor()
    person.ask("hello")
    person.answer()

    said = person.page.locator(".jp-ac-told [role=status].jp-ac-sr")

    assert said.inner_text() == "The answer is complete."
    assert person.page.get_by_role("log", name="Messages").count() == 1
    assert person.page.get_by_label("Your message").count() == 1
