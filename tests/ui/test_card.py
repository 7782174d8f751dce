"""The card of a trade in a notebook: drawn, confirmed once, followed, and honest when nothing is behind it any more."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest

from jupyter_autocoder.store import Store

TimeoutError = pytest.importorskip("playwright.sync_api").TimeoutError

pytestmark = pytest.mark.browser

SETUP = """
%load_ext jupyter_autocoder
from jupyter_autocoder.desk import Desk
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.widgets import show_ticket
def soon(words, seconds):
    desk = Desk(settings=Settings(trade=TradeSettings(limit_ttl=seconds, market_ttl=seconds)))
    show_ticket(desk, desk.take(words).entry)
"""


class Trader:
    """Somebody with a notebook whose cells are run one after the other."""

    def __init__(self, person, notebook: str) -> None:
        self.person = person
        self.page = person.page
        self.notebook = notebook
        self.done = 0

    def run(self) -> Trader:
        """Run the next cell, as a person does, to its end."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").nth(self.done)
        prompt = cell.locator(".jp-InputPrompt")
        begun = prompt.filter(has_text=re.compile(r"\[[*\d]+\]"))
        for _ in range(10):
            # A page that comes while kernels go may ask which kernel to take: the one it proposes.
            for accept in self.page.locator(".jp-Dialog .jp-mod-accept").all():
                accept.click()
            # A notebook that is still being put together takes no keys.
            with contextlib.suppress(TimeoutError):
                cell.locator(".cm-content").click(timeout=3_000)
            self.page.keyboard.press("Shift+Enter")
            with contextlib.suppress(TimeoutError):
                begun.wait_for(timeout=3_000)
                break
        prompt.filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=60_000)
        self.done += 1
        return self

    @property
    def card(self):
        return self.page.locator(".jp-Notebook .jac-card").last

    @property
    def record(self):
        return self.page.locator(".jp-Notebook [aria-label^='Trade ticket']").last

    def drawn(self):
        try:
            self.card.locator(".jac-confirm").wait_for(timeout=20_000)
        except Exception:
            self.shot("failure")
            raise
        self.card.scroll_into_view_if_needed()
        return self.card

    def ready(self):
        """Do what the card asks for before it lets anybody confirm."""
        card = self.drawn()
        for box in card.locator(".jac-warning input").all():
            box.check()
        if card.locator(".jac-typing input").count():
            card.locator(".jac-typing input").fill("AAPL")
        button = card.locator(".jac-confirm[aria-disabled=false]")
        button.wait_for(timeout=5_000)
        return button

    def shot(self, name: str) -> None:
        folder = os.environ.get("SIDEBAR_SHOTS")
        if folder:
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=str(Path(folder) / f"card-{name}.png"))


@pytest.fixture
def trader(visitor, lab):
    """Open a notebook of these cells, below one that sets up, which has been run."""

    def come(name: str, *cells: str, fresh: bool = False, **options) -> Trader:
        view = {"viewport": {"width": 1500, "height": 1000}, **options}
        person = visitor(notebook=lab.notebook(f"{name}.ipynb", SETUP, *cells), fresh=fresh, **view)
        return Trader(person, f"{name}.ipynb").run()

    return come


def orders(lab) -> list[str]:
    """The ids of what was ever sent to the paper broker."""
    store = Store(str(lab.home / "data" / "autocoder" / "store.sqlite"))
    try:
        with store.read() as tx:
            return [row["client_order_id"] for row in tx.rows("SELECT client_order_id FROM paper_orders")]
    finally:
        store.close()


@pytest.fixture
def dark(lab):
    """The dark theme, for as long as the test lasts."""
    path = "lab/api/settings/@jupyterlab/apputils-extension:themes"
    lab.fetch("PUT", path, {"raw": '{"theme": "JupyterLab Dark"}'})
    yield
    lab.fetch("PUT", path, {"raw": '{"theme": "JupyterLab Light"}'})


def test_it_stands_alone_until_the_order_is_sent_and_leaves_a_receipt(trader, lab):
    before = set(orders(lab)) if (lab.home / "data/autocoder/store.sqlite").exists() else set()
    one = trader("draw", "%trade Buy 10 shares of AAPL").run()

    one.drawn()
    hidden = not one.record.is_visible()
    one.shot("drawn")
    one.ready().click()
    one.card.wait_for(state="detached", timeout=10_000)
    one.record.scroll_into_view_if_needed()
    one.shot("receipt")

    assert hidden, "the record says the same as the card and waits below it"
    assert "Filled" in one.record.inner_text()
    assert one.page.locator(".jp-OutputArea button").count() == 0
    assert len(set(orders(lab)) - before) == 1


def test_in_the_dark_it_looks_the_same_and_a_sale_differs(trader, dark):
    one = trader("dark", "%trade sell 5 AAPL").run()

    one.drawn()
    one.shot("dark")

    assert "SELL" in one.card.inner_text()


def test_the_keyboard_meets_dismiss_first_and_the_notebooks_keys_stay_outside(trader, lab):
    one = trader("keys", "%trade buy 3 AAPL at 100").run()
    card = one.drawn()
    cells = one.page.locator(".jp-Notebook .jp-Cell").count()

    card.locator(".jac-dismiss").focus()
    order = []
    for _ in range(4):
        order.append(one.page.evaluate("document.activeElement.textContent || document.activeElement.type"))
        one.page.keyboard.press("Tab")
    card.locator(".jac-edit").focus()
    for key in ("d", "d", "b", "a"):
        one.page.keyboard.press(key)
    after = one.page.locator(".jp-Notebook .jp-Cell").count()
    one.page.wait_for_timeout(500)  # a key within 0.4 s of the card's change is not taken for an answer to it
    one.page.keyboard.press("Escape")
    one.card.wait_for(state="detached", timeout=10_000)

    assert order[:2] == ["Dismiss", "Edit (new ticket)"]
    assert order[-1] != "Dismiss"
    assert cells == after, "two d would have deleted the cell"
    assert "Dismissed: not executed" in one.record.inner_text()


def test_a_double_click_sends_one_order(trader, lab):
    before = len(orders(lab))
    one = trader("double", "%trade buy 4 AAPL at 100").run()

    one.ready().dblclick()
    one.card.locator(".jac-cancel").wait_for(timeout=10_000)
    one.shot("accepted")
    state = one.card.locator(".jac-state").inner_text()

    assert "Accepted" in state
    assert len(orders(lab)) == before + 1


def test_an_expired_card_cannot_be_clicked_and_says_so(trader, lab):
    before = len(orders(lab))
    one = trader("expiry", "soon('buy 5 AAPL at 100', 4)").run()

    one.drawn()
    one.card.wait_for(state="detached", timeout=10_000)
    one.shot("expired")

    assert "Expired" in one.record.inner_text()
    assert one.page.locator(".jp-OutputArea button").count() == 0
    assert len(orders(lab)) == before


def test_after_a_reload_the_same_card_goes_on(trader, lab):
    before = len(orders(lab))
    one = trader("reload", "%trade buy 6 AAPL at 100").run()
    one.drawn()
    one.page.keyboard.press("Control+s")
    one.page.wait_for_timeout(1500)

    one.page.reload()
    one.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    one.page.wait_for_timeout(3000)
    one.shot("reloaded")
    one.ready().click()
    one.card.locator(".jac-cancel").wait_for(timeout=10_000)

    assert len(orders(lab)) == before + 1


def end_kernel(lab, notebook: str) -> None:
    (session,) = [each for each in lab.fetch("GET", "api/sessions") if each["path"] == notebook]
    lab.fetch("DELETE", f"api/sessions/{session['id']}")


def test_a_dead_kernel_leaves_a_card_that_cannot_be_clicked(trader, lab):
    before = len(orders(lab))
    one = trader("dead", "%trade buy 7 AAPL at 100").run()
    button = one.ready()

    end_kernel(lab, one.notebook)
    one.page.wait_for_timeout(14_000)
    one.shot("dead")
    told = one.card.inner_text()
    alive = [each for each in one.page.locator(".jp-OutputArea .jac-card button").all() if each.is_enabled()]

    assert alive == []
    assert "kernel" in told
    assert "Buy 7 AAPL" not in told, "nothing looks as if it could be clicked"
    assert one.record.is_visible()
    assert "Preview only: not executed" in one.record.inner_text()
    if button.count():
        button.click(force=True)
    assert len(orders(lab)) == before


def test_a_saved_notebook_without_its_kernel_shows_the_record_alone(trader, lab):
    one = trader("saved", "%trade buy 8 AAPL at 100").run()
    one.drawn()
    one.page.keyboard.press("Control+s")
    one.page.wait_for_timeout(1500)
    end_kernel(lab, one.notebook)

    one.page.reload()
    one.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    one.page.wait_for_timeout(5000)
    one.shot("saved")

    assert one.record.is_visible()
    assert "Preview only: not executed" in one.record.inner_text()
    assert one.page.locator(".jp-OutputArea button, .jp-OutputArea input").count() == 0


def test_the_chats_cards_and_the_notebooks_agree_within_a_second(trader, visitor, lab):
    one = trader("agree", "x = 1", fresh=True)
    one.person.ask("buy 9 AAPL at 100")
    chat = one.page.locator(".jp-ac-sidebar .jac-card").last
    chat.locator(".jac-confirm").wait_for(timeout=30_000)
    ticket = chat.locator(".jac-details dd").last.inner_text().split(",")[0]
    other = visitor(notebook="agree.ipynb", fresh=False).page.locator(".jp-ac-sidebar .jac-card").last
    other.locator(".jac-confirm").wait_for(timeout=30_000)
    one.page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    one.page.keyboard.press("Control+a")
    one.page.keyboard.type(f"desk = Desk(); show_ticket(desk, desk.book.get('{ticket}'));")
    one.done = one.page.locator(".jp-Notebook .jp-CodeCell").count() - 1
    one.run()

    one.ready().click()
    accepted = "Accepted by the broker"
    one.card.locator(".jac-state", has_text=accepted).wait_for(timeout=10_000)
    for card in (chat, other):
        card.locator(".jac-state", has_text=accepted).wait_for(timeout=3_000)
    one.shot("agree")
    other.locator(".jac-cancel").click()
    other.locator(".jac-state", has_text="Cancelled").wait_for(timeout=10_000)
    chat.locator(".jac-state", has_text="Cancelled").wait_for(timeout=3_000)
    one.card.wait_for(state="detached", timeout=3_000)

    assert "Cancelled" in one.record.inner_text()
