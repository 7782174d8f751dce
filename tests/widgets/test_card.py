"""The card in a kernel: what a browser's message can do, and what code in a cell cannot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_autocoder.desk import Claim, Desk
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

pytestmark = pytest.mark.kernel


@pytest.fixture
def store_of(at_desk: Callable[[], Store]) -> Iterator[Store]:
    store = at_desk()
    yield store
    store.close()


def orders(store: Store) -> int:
    with store.read() as tx:
        return len(tx.rows("SELECT * FROM paper_orders"))


def state(store: Store) -> str:
    with store.read() as tx:
        return str(tx.rows("SELECT status FROM trade_tickets ORDER BY created DESC")[0]["status"])


def shown(browser: Any, words: str = "buy 10 AAPL at 200", control: str = "card") -> str:
    """Show a ticket; returns the comm of its card."""
    browser.run("desk.take('buy 1 F')")  # so that warnings of a first trade are not the point here
    browser.comms.clear()
    browser.run(f"shown = show_ticket(desk, desk.take({words!r}).entry, control={control!r})")
    return str(browser.comms[-1])


def confirming(browser: Any, comm: str, **changes: Any) -> dict[str, Any]:
    drawn = browser.ask(comm, {"kind": "draw"})
    ticks = [warning["key"] for warning in drawn["card"]["warnings"]]
    known = {"kind": "confirm", "hash": drawn["card"]["hash"], "nonce": drawn["nonce"], "ticks": ticks}
    return {**known, "clicked": time.time(), **changes}


WORDS = "buy 10 AAPL at 145"


def test_a_browsers_click_confirms_once_and_the_record_follows(browser: Any, store_of: Store) -> None:
    comm = shown(browser, WORDS)
    click = confirming(browser, comm)

    first = browser.ask(comm, click)
    second = browser.ask(comm, click)

    assert first["card"]["state"] == "accepted"
    assert "problem" in second
    assert orders(store_of) == 1
    records = [data["text/html"] for data in browser.displays if "Trade ticket" in data.get("text/html", "")]
    assert "Preview only: not executed" in records[0]
    assert "Accepted by the broker" in records[-1]


def test_the_live_control_holds_nothing_of_the_ticket_in_its_saved_state(browser: Any, store_of: Store) -> None:
    shown(browser, WORDS)

    browser.run("state = shown.control.get_state(); del state['_esm'], state['_css']")
    browser.run("assert 'AAPL' not in str(state)")
    browser.run("assert desk.tickets()[0].id not in str(state)")


FORGERIES = [
    "shown.port.handle({'kind': 'confirm'})",
    # As the widget's own handler would be called.
    "shown.control._handle_custom_msg({'kind': 'confirm', 'hash': e.hash, 'nonce': nonce, 'ticks': ticks}, [])",
    "import threading; t = threading.Thread(target=lambda: shown.control._handle_custom_msg("
    "{'kind': 'confirm', 'hash': e.hash, 'nonce': nonce, 'ticks': ticks}, [])); t.start(); t.join()",
    "shown.control.set_trait('comm', shown.control.comm) if False else None; shown.control.add_traits()",
    # A whole comm message handed to the widget, as if it had come from the front-end.
    "shown.control._handle_msg({'content': {'comm_id': shown.control.comm.comm_id, 'data': {'method': 'custom', "
    "'content': {'kind': 'confirm', 'hash': e.hash, 'nonce': nonce, 'ticks': ticks}}}, 'buffers': []})",
    # A synced trait that says what one would like it to say.
    "shown.control._handle_msg({'content': {'data': {'method': 'update', 'state': {'state': 'confirmed'}}}, "
    "'buffers': []})",
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=range(len(FORGERIES)))
def test_code_in_a_cell_does_not_click(browser: Any, store_of: Store, forgery: str) -> None:
    shown(browser, WORDS)
    browser.run("e = desk.book.get(shown.ticket); nonce = desk.control(e.id, desk.me); "
                "ticks = [one.key for one in e.ticket.warnings]")  # fmt: skip

    browser.run(forgery)

    assert orders(store_of) == 0
    assert state(store_of) == "pending"


def test_a_stock_buttons_click_from_a_cell_does_not_count_and_a_browsers_does(browser: Any, store_of: Store) -> None:
    shown(browser, WORDS, control="plain")
    browser.run("import time; time.sleep(0.5); c = shown.control\n"
                "for box in c._ticks.values(): box.value = True\n"
                "c._typed.value = 'aapl'\n"
                "button = next(b for b in c.children[-2].children if 'Buy' in b.description)\n"
                "button.click()")  # fmt: skip
    by_cell = orders(store_of)
    browser.run("import sys; sys.stdout.write(button.comm.comm_id)")
    browser.run("from IPython.display import display; display({'application/x-id': button.comm.comm_id}, raw=True)")
    comm = next(data["application/x-id"] for data in reversed(browser.displays) if "application/x-id" in data)

    browser.until_idle(browser.message(comm, {"event": "click"}))

    assert by_cell == 0
    assert orders(store_of) == 1


def test_a_click_that_waited_behind_a_busy_cell_is_judged_when_it_is_processed(browser: Any, store_of: Store) -> None:
    browser.run("import dataclasses; desk.settings = dataclasses.replace(desk.settings, "
                "trade=dataclasses.replace(desk.settings.trade, limit_ttl=2.0))")  # fmt: skip
    comm = shown(browser, WORDS)
    click = confirming(browser, comm)

    busy = browser.run("import time; time.sleep(2.5)", wait=False)
    sent = browser.message(comm, click)
    browser.until_idle(busy)
    browser.until_idle(sent)

    assert state(store_of) == "expired"
    assert orders(store_of) == 0


def test_a_click_on_a_subshell_works_while_a_cell_is_busy(browser: Any, store_of: Store) -> None:
    comm = shown(browser, WORDS)
    click = confirming(browser, comm)
    control = browser.client.session.msg("create_subshell_request", {})
    browser.client.control_channel.send(control)
    subshell = browser.client.control_channel.get_msg(timeout=20)["content"]["subshell_id"]
    busy = browser.run("import time; time.sleep(5); import sys; sys.stdout.write('woken')", wait=False)

    reply = browser.ask(comm, click, subshell=subshell)
    before = browser.streams.copy()
    browser.until_idle(busy)

    assert reply["card"]["state"] == "accepted"
    assert (before, browser.streams) == ([], ["woken"]), "it was answered while the cell was busy"
    assert orders(store_of) == 1


def test_a_runner_without_a_person_gets_the_record_alone_and_is_not_blocked(browser: Any, store_of: Store) -> None:
    browser.comms.clear()

    browser.run(f"shown = show_ticket(desk, desk.take({WORDS!r}).entry)", stdin=False)

    html = browser.displays[-1]["text/html"]
    assert browser.comms == []
    assert "Preview only: not executed" in html
    assert "<button" not in html
    assert orders(store_of) == 0


def test_the_control_goes_when_the_ticket_is_done(browser: Any, store_of: Store) -> None:
    comm = shown(browser, WORDS)

    browser.until_idle(browser.message(comm, {"kind": "dismiss"}))
    browser.run("assert shown.control is None")

    records = [data for data in browser.displays if "Trade ticket" in data.get("text/html", "")]
    assert "Dismissed: not executed" in records[-1]["text/html"]
    assert browser.displays[-1] == {"text/html": "", "text/plain": ""}, "nothing of the control stays in the notebook"


def outside(store: Store) -> Desk:
    """The same person's desk in another program: the sidebar's server, a terminal."""
    return Desk(store, settings=Settings(), owner="ada", session="elsewhere")


def heard_state(browser: Any, seconds: float) -> str:
    """The state on the newest card that the browser was sent of its own accord."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        browser.listen(0.1)
        if browser.heard:
            return str(browser.heard[-1]["content"]["card"]["state"])
    return ""


def recorded(browser: Any, words: str, seconds: float) -> bool:
    """Whether the record comes to say these words in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        browser.listen(0.1)
        if any(words in data.get("text/html", "") for data in browser.displays):
            return True
    return False


def test_what_another_face_does_shows_on_the_card_at_once(browser: Any, store_of: Store) -> None:
    desk = outside(store_of)
    comm = shown(browser, WORDS)
    drawn = browser.ask(comm, {"kind": "draw"})
    browser.heard.clear()
    quiet = heard_state(browser, 1.5)
    entry = desk.book.get(drawn["card"]["id"])

    nonce = desk.control(entry.id, desk.me)
    ticks = frozenset(one.key for one in entry.ticket.warnings)
    desk.confirm(Claim(ticket=entry.id, hash=entry.hash, nonce=nonce, who=desk.me, ticks=ticks))
    # A look comes every half second; the rest is slack for a loaded machine.
    confirmed = heard_state(browser, 3.0)
    browser.heard.clear()
    desk.cancel(entry.id, desk.me)
    cancelled = recorded(browser, "Cancelled", 3.0)

    assert quiet == "", "nothing is sent while nothing happens"
    assert (confirmed, cancelled) == ("accepted", True)
    browser.run("assert shown.control is None")
    assert orders(store_of) == 1


def test_the_receipt_of_a_sale_stays_when_its_proceeds_want_a_click(browser: Any, store_of: Store) -> None:
    comm = shown(browser, "buy 10 AAPL")
    browser.until_idle(browser.message(comm, confirming(browser, comm)))
    comm = shown(browser, "sell 10 AAPL and buy MSFT with the proceeds")
    browser.displays.clear()

    reply = browser.ask(comm, confirming(browser, comm))

    assert reply["card"]["state"] == "pending"
    assert "MSFT" in reply["card"]["headline"]
    texts = [data["text/plain"] for data in browser.displays]
    assert any("SELL 10 AAPL" in text and "State: Filled" in text for text in texts)
    assert "MSFT" in texts[-1]
    browser.run("assert shown.control is not None")


def test_the_receipt_of_every_follow_up_stays_when_the_next_wants_a_click(browser: Any, store_of: Store) -> None:
    comm = shown(browser, "buy 10 AAPL")
    browser.until_idle(browser.message(comm, confirming(browser, comm)))
    browser.displays.clear()
    comm = shown(browser, "sell 10 AAPL and put half of the proceeds into MSFT and half into GOOG")
    places = [data for data in browser.displays if data == {"text/html": "", "text/plain": ""}]
    browser.displays.clear()

    headlines = [browser.ask(comm, confirming(browser, comm))["card"]["headline"] for _ in range(2)]
    browser.until_idle(browser.message(comm, confirming(browser, comm)))

    assert len(places) == 2, "one receipt for each move"
    assert ["MSFT" in headlines[0], "GOOG" in headlines[1]] == [True, True]
    filled = {data["text/plain"] for data in browser.displays if "State: Filled" in data["text/plain"]}
    named = [sum(words in text for text in filled) > 0 for words in ("SELL 10 AAPL", "of MSFT", "of GOOG")]
    assert named == [True, True, True]
    browser.run("assert shown.control is None")
    assert orders(store_of) == 4


def test_a_card_that_nobody_touches_expires_by_itself(browser: Any, store_of: Store) -> None:
    browser.run("import dataclasses; desk.settings = dataclasses.replace(desk.settings, "
                "trade=dataclasses.replace(desk.settings.trade, limit_ttl=1.5))")  # fmt: skip
    comm = shown(browser, WORDS)
    browser.ask(comm, {"kind": "draw"})
    browser.heard.clear()

    told = recorded(browser, "Expired", 4.0)

    assert told
    assert state(store_of) == "expired"
