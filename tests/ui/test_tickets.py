"""Trades in the sidebar: words become a card, a person's click confirms it once, and every tab agrees."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

# Notes when a card first says so, in milliseconds of the clock that both tabs share.
NOTE_FILLED = """
new MutationObserver(() => {
  const state = document.querySelector('.jac-state')?.textContent ?? '';
  if (!window.filled && /Filled/.test(state)) window.filled = Date.now();
}).observe(document.body, {subtree: true, childList: true, characterData: true})
"""


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

    for person in (one, two):
        person.page.evaluate(NOTE_FILLED)
    _confirm(one)
    one.page.locator(".jac-card .jac-state", has_text="Filled").wait_for(timeout=15_000)
    two.page.locator(".jac-card .jac-state", has_text="Filled").wait_for(timeout=2_000)
    filled = [person.page.evaluate("window.filled") for person in (one, two)]
    one.shot("filled")

    assert abs(filled[0] - filled[1]) < 1000
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


def test_an_expired_card_cannot_be_clicked_in_any_tab(visitor, lab_class, model, tmp_path):
    with lab_class(tmp_path, model.base_url, AUTOCODER_TRADE_MARKET_TTL="6") as server:
        notebook = server.notebook("expires.ipynb", "x = 1")
        one = visitor(server=server, notebook=notebook)
        one.ask("Buy 4 shares of AAPL")
        one.page.locator(".jac-card .jac-confirm").wait_for(timeout=30_000)
        two = visitor(server=server, notebook=notebook, fresh=False)
        cards = [person.page.locator(".jac-card").last for person in (one, two)]
        for card in cards:
            card.locator(".jac-state", has_text="Expired").wait_for(timeout=30_000)
        one.shot("expired")

        for person in (one, two):
            person.page.evaluate("document.querySelectorAll('.jac-confirm').forEach(button => button.click())")
        one.page.wait_for_timeout(1000)

        for card in cards:
            assert card.locator(".jac-confirm:not([aria-disabled=true])").count() == 0
            assert "Filled" not in card.inner_text()


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
