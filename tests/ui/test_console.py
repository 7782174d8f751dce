"""The browser's console stays free of complaints about the sidebar."""

from __future__ import annotations

import importlib.util

import pytest

pytestmark = pytest.mark.browser
WITHOUT_NOTEBOOK = pytest.mark.skipif(
    importlib.util.find_spec("notebook") is None, reason="Notebook 7 is not installed"
)


@pytest.mark.parametrize(
    ("program", "path"),
    [("jupyterlab", "lab/tree"), pytest.param("notebook", "notebooks", marks=WITHOUT_NOTEBOOK)],
)
def test_the_sidebar_shares_the_hosts_packages_without_a_complaint(
    tmp_path, model, browser, lab_class, person_class, program, path
):
    with lab_class(tmp_path, model.base_url, program=program) as lab:
        context = browser.new_context()
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))

        page.goto(f"{lab.url}/{path}/{lab.notebook('a.ipynb', 'x = 1')}?token=ui-token")
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click(timeout=60_000)
        page.keyboard.press("Control+Shift+Y")
        person_class(page, lab).input.wait_for(timeout=30_000)
        page.wait_for_timeout(500)
        context.close()

    assert [line for line in said if "shared" in line or "autocoder" in line] == []
