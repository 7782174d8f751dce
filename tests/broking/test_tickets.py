"""The ticket book: moves, claims, the audit's rows, one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.audit import SYSTEM, Who
from jupyter_autocoder.broking.entries import Claim, Entry, Fill
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import IllegalStep, StoreError, TicketConflict, TradeRefused
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement, Switch
from jupyter_autocoder.trade.states import State, Step
from jupyter_autocoder.trade.tickets import Leg, Remark, Ticket

ADA = Who(actor="human", person="ada", session="kernel-1")
EVE = Who(actor="human", person="eve", session="kernel-9")
MakeTicket = Callable[..., Ticket]
MakeClaim = Callable[..., Claim]
Gate = Callable[..., Judgement]


@pytest.fixture
def entry(book: TicketBook, ticket: MakeTicket) -> Entry:
    return book.propose(ticket(), ADA)


def test_a_proposed_ticket_waits_with_its_order_id_on_disk(entry: Entry) -> None:
    assert entry.state is State.PENDING
    assert [leg.state for leg in entry.legs] == [State.PENDING]
    assert entry.legs[0].client_order_id == f"jac-{entry.id}-0"
    assert entry.hash == entry.ticket.hash


def test_a_click_confirms_once(book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate) -> None:
    said = claim(entry)

    verdict = book.confirm(said, passing)

    assert verdict.state is State.CONFIRMED
    assert book.get(entry.id).state is State.CONFIRMED
    with pytest.raises(TicketConflict, match="confirmed"):
        book.confirm(said, passing)


def test_a_second_control_of_the_same_ticket_does_not_confirm_it_again(
    book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate
) -> None:
    first, second = claim(entry), claim(entry)
    book.confirm(first, passing)

    with pytest.raises(TicketConflict):
        book.confirm(second, passing)


@pytest.mark.parametrize(
    ("forgery", "reason"),
    [
        ({"hash": "0" * 64}, "hash"),
        ({"hash": ""}, "hash"),
        ({"nonce": "guessed"}, "nonce"),
        ({"who": EVE}, "owner"),  # with a nonce of her own
        # Another window of the same person, with a nonce of its own, is the person.
        ({"who": Who(actor="human", person="ada", session="kernel-2")}, ""),
        ({"who": Who(actor="model", person="ada", session="kernel-1")}, "actor"),
        ({"who": SYSTEM}, "actor"),
    ],
    ids=str,
)
def test_a_forged_claim_confirms_nothing(
    book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate, forgery: dict[str, Any], reason: str
) -> None:
    said = claim(entry, **forgery)

    if not reason:
        assert book.confirm(said, passing).state is State.CONFIRMED
        return
    with pytest.raises(TradeRefused) as caught:
        book.confirm(said, passing)

    assert caught.value.reasons == (reason,)
    assert book.get(entry.id).state is State.PENDING


def test_a_nonce_belongs_to_one_ticket_one_person_and_one_session(
    book: TicketBook, entry: Entry, ticket: MakeTicket, claim: MakeClaim, passing: Gate
) -> None:
    other = book.propose(ticket(), ADA)
    foreign = book.nonce(other.id, ADA)
    elsewhere = book.nonce(entry.id, Who(actor="human", person="ada", session="browser-3"))

    for nonce in (foreign, elsewhere):
        with pytest.raises(TradeRefused) as caught:
            book.confirm(claim(entry, nonce=nonce), passing)
        assert caught.value.reasons == ("nonce",)


def test_a_nonce_grows_too_old(
    book: TicketBook, ticket: MakeTicket, claim: MakeClaim, passing: Gate, clock: Any
) -> None:
    long = book.propose(ticket(expires=int(clock() * 1000) + 10_000_000), ADA)
    said = claim(long)
    clock.sleep(901)

    with pytest.raises(TradeRefused, match="too old"):
        book.confirm(said, passing)


def test_the_store_holds_no_nonce_that_could_be_used(store: Store, book: TicketBook, entry: Entry) -> None:
    nonce = book.nonce(entry.id, ADA)

    with store.read() as tx:
        rows = tx.rows("SELECT * FROM trade_nonces")

    assert nonce not in str(rows)


@pytest.mark.parametrize(("later", "clicked"), [(60.0, -30.0), (0.0, 60.0)], ids=["processed late", "clicked late"])
def test_expiry_is_judged_by_both_clocks_when_the_click_is_processed(
    book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate, clock: Any, later: float, clicked: float
) -> None:
    clock.sleep(later)
    said = claim(entry, clicked=clock() + clicked)

    verdict = book.confirm(said, passing)

    assert verdict.state is State.EXPIRED
    assert book.get(entry.id).state is State.EXPIRED


def test_what_the_gate_refuses_at_confirm_is_blocked(book: TicketBook, entry: Entry, claim: MakeClaim) -> None:
    refusal = Remark(rule="halted", message="trading is halted")

    verdict = book.confirm(claim(entry), lambda *_: Judgement(refusals=(refusal,)))

    assert (verdict.state, verdict.reasons) == (State.BLOCKED, (refusal,))
    assert book.get(entry.id).message == "trading is halted"


def test_every_warning_wants_its_own_tick(
    book: TicketBook, ticket: MakeTicket, claim: MakeClaim, passing: Gate
) -> None:
    seen = (Remark(rule="duplicate", message="again", leg=0), Remark(rule="model_read", message="by a model"))
    entry = book.propose(ticket(warnings=seen), ADA)
    nonce = book.nonce(entry.id, ADA)

    for ticks in (set(), {"duplicate:0"}, {"duplicate", "model_read"}):
        with pytest.raises(TradeRefused):
            book.confirm(claim(entry, nonce=nonce, ticks=frozenset(ticks)), passing)

    said = claim(entry, nonce=nonce, ticks=frozenset({"duplicate:0", "model_read"}))
    assert book.confirm(said, passing).state is State.CONFIRMED


def test_a_warning_that_was_not_shown_cannot_have_been_answered(
    book: TicketBook, entry: Entry, claim: MakeClaim
) -> None:
    new = Judgement(warnings=(Remark(rule="market_closed", message="closed"),))

    with pytest.raises(TradeRefused) as caught:
        book.confirm(claim(entry, ticks=frozenset({"market_closed"})), lambda *_: new)

    assert caught.value.reasons == ("new_warning",)


def test_above_a_notional_two_different_persons_confirm(
    book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate
) -> None:
    bob = Who(actor="human", person="bob", session="browser-2")
    approvers = frozenset({"bob"})

    first = book.confirm(claim(entry), passing, approvers=approvers, needed=2)
    again = book.confirm(claim(entry), passing, approvers=approvers, needed=2)
    with pytest.raises(TradeRefused, match="somebody else"):
        book.confirm(claim(entry, who=EVE), passing, approvers=approvers, needed=2)
    last = book.confirm(claim(entry, who=bob), passing, approvers=approvers, needed=2)

    assert (first.state, first.waits) == (State.PENDING, True)
    assert again.waits, "one person twice is still one person"
    assert last.state is State.CONFIRMED


def test_a_shown_ticket_cannot_be_changed_in_the_database(store: Store, entry: Entry) -> None:
    for column in ("body", "hash", "owner", "account", "mode", "broker"):
        with pytest.raises(StoreError), store.write() as tx:
            tx.run(f"UPDATE trade_tickets SET {column} = 'x' WHERE id = ?", entry.id)


def test_a_ticket_that_was_changed_all_the_same_is_not_sent(
    store: Store, book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate
) -> None:
    said = claim(entry)
    with store.write() as tx:
        tx.run("DROP TRIGGER trade_tickets_guard_update")
        tx.run("UPDATE trade_tickets SET body = replace(body, '\"10\"', '\"9999\"')")

    with pytest.raises(TradeRefused, match="changed in the database"):
        book.confirm(said, passing)
    with store.write() as tx:
        tx.run("UPDATE trade_legs SET status = 'confirmed'")
    with pytest.raises(TradeRefused, match="changed in the database"):
        book.begin_send(entry.id, 0)


def confirmed(book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate) -> Entry:
    book.confirm(claim(entry), passing)
    return book.get(entry.id)


def test_the_leave_to_send_is_given_once(book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate) -> None:
    confirmed(book, entry, claim, passing)

    sending = book.begin_send(entry.id, 0)

    assert sending is not None
    assert (sending.client_order_id, sending.order) == (f"jac-{entry.id}-0", entry.ticket.legs[0])
    assert book.get(entry.id).state is State.SUBMITTING
    with pytest.raises(TicketConflict):
        book.begin_send(entry.id, 0)


def test_a_pending_ticket_cannot_be_sent(book: TicketBook, entry: Entry) -> None:
    with pytest.raises(TicketConflict):
        book.begin_send(entry.id, 0)


@pytest.mark.parametrize(("switch", "reducing", "goes"), [
    (Switch.ACTIVE, False, True), (Switch.REDUCING, False, False), (Switch.REDUCING, True, True),
    (Switch.HALTED, True, False),
])  # fmt: skip
def test_the_kill_switch_is_read_in_the_transaction_that_sends(
    book: TicketBook, ticket: MakeTicket, leg: Callable[..., Leg], claim: MakeClaim, passing: Gate,
    switch: Switch, reducing: bool, goes: bool,
) -> None:  # fmt: skip
    entry = confirmed(book, book.propose(ticket(leg(reducing=reducing)), ADA), claim, passing)
    book.set_switch(switch, ADA)

    sending = book.begin_send(entry.id, 0)

    assert (sending is not None) is goes
    assert book.get(entry.id).state is (State.SUBMITTING if goes else State.BLOCKED)


def test_a_basket_moves_leg_by_leg_and_stands_where_its_legs_stand(
    book: TicketBook, ticket: MakeTicket, leg: Callable[..., Leg], claim: MakeClaim, passing: Gate
) -> None:
    entry = confirmed(book, book.propose(ticket(leg(), leg(symbol="MSFT")), ADA), claim, passing)

    book.begin_send(entry.id, 0)
    book.record(entry.id, 0, Step.FILL, Fill(filled_qty=D(10), filled_price=D(150), broker_order_id="b1"))
    half = book.get(entry.id)
    book.begin_send(entry.id, 1)
    book.record(entry.id, 1, Step.REJECT, Fill(message="no"))
    end = book.get(entry.id)

    assert (half.state, half.done) == (State.PARTIALLY_FILLED, False)
    assert [one.state for one in end.legs] == [State.FILLED, State.REJECTED]
    assert (end.state, end.done) == (State.PARTIALLY_FILLED, True)
    assert end.legs[0].filled_price == D(150)


def test_an_impossible_step_changes_nothing(book: TicketBook, entry: Entry) -> None:
    before = book.get(entry.id)

    with pytest.raises(IllegalStep):
        book.record(entry.id, 0, Step.FILL)

    assert book.get(entry.id) == before


def test_an_origin_makes_one_ticket_only(book: TicketBook, ticket: MakeTicket) -> None:
    book.propose(ticket(), ADA, origin="follow:t0:0")

    with pytest.raises(TicketConflict):
        book.propose(ticket(), ADA, origin="follow:t0:0")

    assert book.made_of("follow:t0:0") == "t1"
    assert len(book.recall()) == 1


def test_a_superseded_ticket_names_its_successor_and_cannot_be_confirmed(
    book: TicketBook, entry: Entry, ticket: MakeTicket, claim: MakeClaim, passing: Gate
) -> None:
    said = claim(entry)

    successor = book.supersede(claim(entry), ticket(parent=entry.id))

    assert successor.state is State.PENDING
    assert (book.get(entry.id).state, book.get(entry.id).successor) == (State.SUPERSEDED, successor.id)
    with pytest.raises(TicketConflict, match=successor.id):
        book.confirm(said, passing)


def test_expiring_moves_only_what_is_late(book: TicketBook, ticket: MakeTicket, clock: Any) -> None:
    book.propose(ticket(), ADA)
    fresh = book.propose(ticket(expires=int(clock() * 1000) + 61_000), ADA)
    clock.sleep(60)

    assert book.expire() == 1
    assert book.get(fresh.id).state is State.PENDING


def test_a_list_holds_one_persons_newest_tickets_first(book: TicketBook, ticket: MakeTicket, clock: Any) -> None:
    for _ in range(3):
        book.propose(ticket(), ADA)
        clock.sleep(1)
    book.propose(ticket(owner="eve"), EVE)

    mine = book.recall(owner="ada", limit=2)

    assert [one.id for one in mine] == ["t3", "t2"]
    assert len(book.recall(states=(State.PENDING,))) == 4
    assert book.recall(states=(State.FILLED,)) == ()


def test_orders_that_limits_count_are_those_that_were_confirmed(
    book: TicketBook, ticket: MakeTicket, claim: MakeClaim, passing: Gate
) -> None:
    book.propose(ticket(), ADA)
    sent = confirmed(book, book.propose(ticket(), ADA), claim, passing)
    standing = book.standing("PAPER-ada")

    assert [(one.ticket, one.notional, one.size) for one in standing.recent] == [(sent.id, D(1500), "10")]
    assert book.standing("PAPER-eve").recent == ()


# -- the audit ---------------------------------------------------------------------------------------------------------
def test_every_move_leaves_a_row_that_says_who(
    store: Store, book: TicketBook, entry: Entry, claim: MakeClaim, passing: Gate
) -> None:
    confirmed(book, entry, claim, passing)
    book.begin_send(entry.id, 0)
    book.record(entry.id, 0, Step.ACCEPT, Fill(broker_order_id="b1", detail={"raw": {"Authorization": "secret!"}}))

    rows = book.events(entry.id)

    legs = [(row["step"], row["before"], row["after"], row["actor"]) for row in rows if row["step"] != "whole"]
    assert legs == [
        ("draft", "", "draft", "human"),
        ("propose", "draft", "pending", "human"),
        ("confirm", "pending", "confirmed", "human"),
        ("submit", "confirmed", "submitting", "system"),
        ("accept", "submitting", "accepted", "broker"),
    ]
    assert "secret!" not in str(rows)
    assert audit.verify(store).ok


def test_the_audit_refuses_changes(store: Store, entry: Entry) -> None:
    for sql in ("UPDATE trade_events SET person = 'eve'", "DELETE FROM trade_events", "DELETE FROM trade_cuts"):
        with store.write() as tx:
            tx.run("INSERT INTO trade_cuts (upto, chain, removed, person, at) SELECT 0, 'x', 0, '', 0 "
                   "WHERE NOT EXISTS (SELECT 1 FROM trade_cuts)")  # fmt: skip
        with pytest.raises(StoreError), store.write() as tx:
            tx.run(sql)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE trade_events SET person = 'eve' WHERE seq = 2", "row 2 was changed"),
        ("DELETE FROM trade_events WHERE seq = 2", "rows 2 to 2 are missing"),
        ("DELETE FROM trade_events WHERE seq = 1", "rows 1 to 1 are missing"),
        ("DELETE FROM trade_events", "the audit does not know it"),
        ("UPDATE trade_tickets SET status = 'confirmed'", "the audit says pending"),
        ("UPDATE trade_events SET detail = '{}', chain = 'forged' WHERE seq = 2", "row 2 was changed"),
    ],
)
def test_the_verifier_shows_what_somebody_with_the_file_did(
    store: Store, book: TicketBook, ticket: MakeTicket, sql: str, words: str
) -> None:
    book.propose(ticket(), ADA)
    book.propose(ticket(), ADA)
    with store.write() as tx:
        for trigger in tx.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'trade%'"):
            tx.run(f"DROP TRIGGER {trigger['name']}")
        tx.run(sql)

    report = audit.verify(store)

    assert not report.ok
    assert words in "\n".join(report.problems)


def test_retention_ends_the_old_part_and_the_rest_still_verifies(
    store: Store, book: TicketBook, ticket: MakeTicket, clock: Any
) -> None:
    old = book.propose(ticket(), ADA)
    book.dismiss(old.id, ADA)
    waiting = book.propose(ticket(), ADA)
    clock.sleep(100_000)
    book.propose(ticket(), ADA)

    removed = audit.cut(store, before=clock() - 50_000, who=ADA)

    assert removed == 3, "the rows of the dismissed ticket, up to the first that a waiting one needs"
    assert book.events(old.id) == []
    assert [row["step"] for row in book.events(waiting.id)] == ["draft", "propose"]
    assert audit.verify(store).ok
    lines = list(audit.export(store))
    assert '"cut"' in lines[0]
    assert len(lines) == 1 + audit.verify(store).rows
