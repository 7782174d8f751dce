"""The card's own document in a real browser, with a desk that the test plays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder.desk import Desk

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SOURCE = Path(__file__).parents[2] / "jupyter_autocoder" / "widgets"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
START = """
async ([source, style]) => {
  const sheet = document.createElement("style");
  sheet.textContent = style;
  document.head.append(sheet);
  const { mount } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  window.sent = [];
  window.page_keys = 0;
  document.addEventListener("keydown", () => (window.page_keys += 1));
  const port = {
    send: (message) => window.sent.push(message),
    listen: (act) => { window.tell = act; return () => {}; },
  };
  window.away = mount(document.querySelector("main"), port);
}
"""
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 900, "height": 900})
    page.set_content("<!doctype html><title>card</title><button id=before>before</button><main></main>")
    page.evaluate(START, [(SOURCE / "card.js").read_text(), (SOURCE / "card.css").read_text()])
    yield page
    page.close()


@pytest.fixture
def card(desk: Desk) -> dict[str, Any]:
    """A card without warnings, so that one click is enough."""
    return {**desk.take("buy 10 AAPL").data, "warnings": [], "needs_hold": False}


@pytest.fixture
def show(page: Any, card: dict[str, Any]) -> Callable[..., None]:
    def tell(*, wait: float = 0.45, nonce: str = "n1", reply: dict[str, Any] | None = None, **changes: Any) -> None:
        message = {"kind": "card", "card": {**card, **changes}, "nonce": nonce, **(reply or {})}
        page.evaluate("(message) => window.tell(JSON.parse(message))", json.dumps(message))
        page.wait_for_timeout(wait * 1000)

    return tell


def confirms(page: Any) -> list[dict[str, Any]]:
    return [message for message in page.evaluate("window.sent") if message["kind"] == "confirm"]


def test_it_asks_for_the_card_and_shows_nothing_that_could_be_clicked_before_the_answer(page: Any) -> None:
    assert page.evaluate("window.sent") == [{"kind": "draw"}]
    assert page.locator("button.jac-confirm").count() == 0
    assert "waiting for the kernel" in page.locator(".jac-said").inner_text()


def test_a_double_click_confirms_once(page: Any, show: Callable[..., None], card: dict[str, Any]) -> None:
    show()

    page.locator(".jac-confirm").dblclick()

    (sent,) = confirms(page)
    assert (sent["hash"], sent["nonce"], sent["ticks"]) == (card["hash"], "n1", [])
    assert isinstance(sent["clicked"], (int, float))


def test_a_script_does_not_click(page: Any, show: Callable[..., None]) -> None:
    show()

    page.evaluate("document.querySelector('.jac-confirm').click()")
    page.evaluate("document.querySelector('.jac-dismiss').click()")
    page.evaluate("document.querySelector('.jac-confirm').dispatchEvent(new PointerEvent('click', {bubbles: true}))")

    assert [message["kind"] for message in page.evaluate("window.sent")] == ["draw"]


def test_a_click_meant_for_what_stood_there_before_does_not_land(page: Any, show: Callable[..., None]) -> None:
    show(wait=0)
    page.locator(".jac-confirm").click(force=True)
    early = confirms(page)
    show(wait=0.45, headline="BUY 11 AAPL", hash="other")
    page.locator(".jac-confirm").click()

    assert early == []
    assert [sent["hash"] for sent in confirms(page)] == ["other"]


def test_what_is_sent_names_the_ticket_that_stands_on_the_card(page: Any, show: Callable[..., None]) -> None:
    accepted = {"state": "accepted", "confirmable": False, "cancellable": True}
    show(id="sale", **accepted)
    page.locator(".jac-cancel").click()
    show(wait=0, id="follow-up", hash="other")
    page.locator(".jac-dismiss").click()
    early = page.evaluate("window.sent").pop()
    page.wait_for_timeout(450)
    page.locator(".jac-dismiss").click()

    assert early == {"kind": "cancel", "ticket": "sale"}
    assert page.evaluate("window.sent").pop() == {"kind": "dismiss", "ticket": "follow-up"}


def test_every_warning_has_to_be_ticked_and_the_button_held(page: Any, show: Callable[..., None]) -> None:
    show(warnings=[{"key": "duplicate:0", "message": "again"}], needs_hold=True)
    button = page.locator(".jac-confirm")

    button.click(delay=1000, force=True)
    unticked = confirms(page)
    page.locator(".jac-warning input").check()
    button.click()
    tapped = confirms(page)
    button.click(delay=1000)

    assert (unticked, tapped) == ([], [])
    assert [sent["ticks"] for sent in confirms(page)] == [["duplicate:0"]]


def test_the_symbol_can_be_typed_instead_of_holding(page: Any, show: Callable[..., None]) -> None:
    show(needs_hold=True)

    page.locator(".jac-typing input").fill("aapl")
    page.locator(".jac-confirm").click()

    assert len(confirms(page)) == 1


def test_one_enter_never_confirms_what_has_to_be_held(page: Any, show: Callable[..., None]) -> None:
    show(needs_hold=True)
    page.locator(".jac-confirm").focus()

    page.keyboard.press("Enter")
    page.keyboard.press("Space")

    assert confirms(page) == []


def test_the_keyboard_meets_dismiss_first_and_no_key_leaves_the_card(
    page: Any, show: Callable[..., None], card: dict[str, Any]
) -> None:
    show()
    page.locator("#before").focus()
    page.evaluate("window.page_keys = 0")

    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.textContent"))
    page.keyboard.press("d")
    page.keyboard.press("Escape")

    assert order == ["Dismiss", "Edit (new ticket)", "Buy 10 AAPL"]
    assert page.evaluate("window.page_keys") == 1, "the first Tab, from outside"
    assert page.evaluate("window.sent").pop() == {"kind": "dismiss", "ticket": card["id"]}
    assert page.locator(".jac-card").get_attribute("data-lm-suppress-shortcuts") == "true"


def test_escape_outside_the_card_dismisses_nothing(page: Any, show: Callable[..., None]) -> None:
    show()
    page.locator("#before").focus()

    page.keyboard.press("Escape")

    assert [message["kind"] for message in page.evaluate("window.sent")] == ["draw"]


def test_hostile_words_stay_words(page: Any, show: Callable[..., None]) -> None:
    show(text=HOSTILE, headline=HOSTILE, note=HOSTILE, banner=HOSTILE, act=HOSTILE, message=HOSTILE,
         changed=[HOSTILE], timeline=[HOSTILE], warnings=[{"key": HOSTILE, "message": HOSTILE}])  # fmt: skip

    assert page.evaluate("window.hacked") is None
    assert page.locator(".jac-card img, .jac-card script").count() == 0
    assert page.locator(".jac-text").inner_text() == HOSTILE


def test_paper_and_live_buy_and_sell_differ_in_words_colour_and_shape(
    page: Any, show: Callable[..., None], tmp_path: Path
) -> None:
    seen = []
    for name, changes in {
        "paper-buy": {},
        "live-sell": {"mode": "live", "side": "sell", "banner": "LIVE - REAL MONEY - account …1234 at alpaca",
                      "headline": "SELL 10 AAPL (Apple Inc.)", "act": "Sell 10 AAPL", "needs_hold": True},
    }.items():  # fmt: skip
        show(**changes)
        look = page.evaluate(
            """() => {
              const of = (query, names) => {
                const style = getComputedStyle(document.querySelector(query));
                return names.map((name) => style[name]);
              };
              return [of(".jac-card", ["borderTopStyle", "borderTopColor", "borderTopWidth"]),
                      of(".jac-banner", ["backgroundColor", "fontSize"]),
                      of(".jac-mark", ["backgroundColor", "borderTopLeftRadius"]),
                      document.querySelector(".jac-mark").textContent,
                      document.querySelector(".jac-banner").textContent];
            }"""
        )
        page.screenshot(path=str(tmp_path / f"{name}.png"))
        assert (tmp_path / f"{name}.png").stat().st_size > 5_000
        seen.append(look)

    paper, live = seen
    assert all(one != other for one, other in zip(paper, live, strict=True))
    assert (paper[3], live[3]) == ("▲ BUY", "▼ SELL")
    assert "REAL MONEY" in live[4]


def test_an_expired_card_asks_anew_and_a_finished_one_is_a_receipt(page: Any, show: Callable[..., None]) -> None:
    show(seconds_left=0.5)
    page.wait_for_timeout(1200)
    asked = [message["kind"] for message in page.evaluate("window.sent")].count("draw")
    show(state="filled", state_words="Filled", confirmable=False, done=True, timeline=["12:00 filled (10 at $150.00)"])

    assert asked == 2
    assert page.locator("button").count() == 1, "the page's own button"
    assert "Filled" in page.locator(".jac-state").inner_text()
    assert "filled (10 at $150.00)" in page.locator(".jac-details").inner_text()


def test_a_kernel_that_does_not_answer_disables_the_card(
    page: Any, show: Callable[..., None], card: dict[str, Any]
) -> None:
    show(seconds_left=600)
    page.wait_for_timeout(13_500)

    page.locator(".jac-confirm").click(force=True)

    assert {"kind": "alive", "ticket": card["id"]} in page.evaluate("window.sent")
    assert "does not answer" in page.locator(".jac-said").inner_text()
    assert page.locator(".jac-confirm").is_disabled()
    assert confirms(page) == []


def test_a_problem_is_announced_and_the_status_is_polite(page: Any, show: Callable[..., None]) -> None:
    show()
    show(reply={"problem": "this control was used already", "do": "look again"})

    assert page.locator("[role=alert]").inner_text() == "this control was used already look again"
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"
    group = page.locator("section[role=group]")
    assert page.locator(f"#{group.get_attribute('aria-labelledby')}").inner_text().endswith("regular hours only")
    assert page.locator(f"#{group.get_attribute('aria-describedby')}").inner_text() == "Preview only: not executed"


def test_an_order_in_doubt_can_be_sent_again_or_let_go_but_not_by_a_click_on_what_stood_there(
    page: Any, show: Callable[..., None], card: dict[str, Any]
) -> None:
    show(state="submitting", confirmable=False, warnings=[])
    doubt = {"state": "unknown", "confirmable": False, "warnings": [], "retry": [0]}
    show(**doubt, wait=0)
    page.evaluate("window.sent.length = 0")
    page.locator(".jac-retry").click()
    early = page.evaluate("window.sent.slice()")
    page.wait_for_timeout(450)
    page.locator(".jac-retry").click()
    again = page.evaluate("window.sent.pop()")
    show(**doubt)

    page.get_by_role("button", name="Let it go").click()

    assert early == []
    assert (again["kind"], again["leg"], again["ticket"]) == ("retry", 0, card["id"])
    assert page.evaluate("window.sent").pop() == {"kind": "dismiss", "ticket": card["id"]}


def test_a_desk_whose_store_is_away_gives_the_card_back_and_is_asked_again(
    page: Any, show: Callable[..., None], card: dict[str, Any]
) -> None:
    show(warnings=[], needs_hold=False)
    page.locator(".jac-confirm").click()
    page.evaluate("window.tell({kind: 'away', problem: 'the database is locked', do: 'wait'})")
    alarm = page.locator(".jac-alarm").inner_text()
    page.evaluate("window.sent.length = 0")
    page.wait_for_timeout(4300)
    asked = [message["kind"] for message in page.evaluate("window.sent")]
    show(warnings=[], needs_hold=False, nonce="n2")

    page.locator(".jac-confirm").click()

    assert alarm == "the database is locked wait"
    assert "draw" in asked
    assert confirms(page)[-1]["nonce"] == "n2"


def test_a_card_that_goes_on_to_a_new_ticket_carries_no_tick_and_no_click_over(
    page: Any, show: Callable[..., None]
) -> None:
    asked = {"needs_hold": False, "warnings": [{"key": "far", "message": "far from the market"}]}
    show(**asked)
    for box in page.locator(".jac-warning input").all():
        box.check()
    show(**asked, wait=0, nonce="n2", id="newer", hash="1" * 64, changed=["the price moved"])
    page.locator(".jac-confirm").click(force=True)
    page.wait_for_timeout(450)

    page.locator(".jac-confirm").click(force=True)

    assert confirms(page) == []
    assert "the price moved" in page.locator(".jac-changed").inner_text()
