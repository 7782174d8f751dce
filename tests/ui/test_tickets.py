"""Trades in the sidebar: words become a card, a person's click confirms it once, and every tab agrees."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


def _confirm(person) -> None:
    card = person.page.locator(".jac-card").last
    card.locator(".jac-confirm").wait_for(timeout=30_000)
    for box in card.locator(".jac-warning input").all():
        box.check()
    if card.locator(".jac-typing input").count():
        card.locator(".jac-typing input").fill("AAPL")
    person.page.wait_for_function("document.querySelector('.jac-confirm')?.getAttribute('aria-disabled') === 'false'")
    card.locator(".jac-confirm").click()


@pytest.mark.parametrize("words", ["Buy 10 shares of AAPL", "/trade Buy 10 shares of AAPL"])
def test_a_trade_sentence_becomes_a_card_and_nothing_is_sent_to_the_model(visitor, answers, model, words):
    answers("The model should not see this.")
    person = visitor()
    before = len(model.requests)

    person.ask(words)
    card = person.page.locator(".jac-card").last
    card.locator(".jac-confirm").wait_for(timeout=30_000)
    person.shot("ticket")

    assert "Preview only: not executed" in card.inner_text()
    assert "PAPER" in card.inner_text()
    assert len(model.requests) == before


def test_a_click_confirms_once_and_another_tab_agrees_within_a_second(visitor, lab):
    notebook = lab.notebook("trade.ipynb", "x = 1")
    one = visitor(notebook=notebook)
    one.ask("Buy 1 share of AAPL")
    one.page.locator(".jac-card .jac-confirm").wait_for(timeout=30_000)
    two = visitor(notebook=notebook, fresh=False)
    two.page.locator(".jac-card .jac-confirm").wait_for(timeout=30_000)

    _confirm(one)
    one.page.locator(".jac-card .jac-state", has_text="Filled").wait_for(timeout=15_000)
    two.page.locator(".jac-card .jac-state", has_text="Filled").wait_for(timeout=2_000)
    one.shot("filled")

    assert one.page.locator(".jac-confirm").count() == 0
    assert two.page.locator(".jac-confirm").count() == 0
    ordered = lab.fetch("GET", "jupyter_autocoder/conversations")["conversations"]
    assert any(item["title"] == "Buy 1 share of AAPL" for item in ordered)


def test_a_scripts_click_and_an_api_token_confirm_nothing(visitor, lab):
    person = visitor()
    person.ask("Buy 2 shares of AAPL")
    card = person.page.locator(".jac-card").last
    card.locator(".jac-confirm").wait_for(timeout=30_000)
    person.page.wait_for_timeout(600)

    person.page.evaluate(
        "for (const box of document.querySelectorAll('.jac-warning input'))"
        " { box.checked = true; box.dispatchEvent(new Event('change')) }"
        "document.querySelectorAll('.jac-confirm').forEach(button => button.click())"
    )
    person.page.wait_for_timeout(1500)

    assert "Preview only: not executed" in card.inner_text()


def test_the_halt_button_stops_all_trading(visitor, lab_class, model, tmp_path):
    with lab_class(tmp_path, model.base_url) as server:
        person = visitor(server=server)
        person.ask("Buy 3 shares of AAPL")
        person.page.locator(".jac-card .jac-confirm").wait_for(timeout=30_000)

        person.page.get_by_role("button", name="Halt all trading").click()
        person.page.locator(".jp-ac-notice", has_text="halted").wait_for()
        _confirm(person)
        person.page.locator(".jac-card .jac-confirm").wait_for(state="detached", timeout=15_000)
        person.shot("halted")

        assert "Filled" not in person.page.locator(".jac-card").last.inner_text()
        assert server.fetch("GET", "jupyter_autocoder/trading") == {"state": "halted"}
