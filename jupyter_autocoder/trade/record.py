"""The static record of a ticket, from a card's texts: plain text and HTML that hold no control and need no kernel.

It stays readable and honest in a saved notebook, in an export, and beside a dead kernel: times are absolute, and
nothing in it looks as if it could be clicked. Every text is escaped here; none of it is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Card = Mapping[str, Any]
_MARKS = {"buy": "▲", "sell": "▼", "both": "◆"}
_FRAME = (
    "border:{border};border-radius:3px;padding:0.6em 0.9em;margin:0.4em 0;max-width:46em;"
    "font-family:var(--jp-ui-font-family,sans-serif);font-size:13px;line-height:1.45;"
    "color:var(--jp-ui-font-color0,#111);background:var(--jp-layout-color1,#fff)"
)
_PAPER = "background:#e6e6e6;color:#333;border:2px dashed #555;padding:0.15em 0.6em;font-weight:600"
_LIVE = "background:#9b0000;color:#fff;border:4px double #fff;padding:0.3em 0.6em;font-weight:700"


def record_text(card: Card) -> str:
    """The record as lines of text, for terminals, logs and the text form of an output."""
    # A text of several lines must not look like lines of the record.
    lines = ((name, " / ".join(value.splitlines())) for name, value in _lines(card))
    return "\n".join(f"{name + ': ' if name else ''}{value}" for name, value in lines)


def as_html(text: str, *, within: str = "span") -> str:
    """Escape a text for a notebook's page, which would typeset what stands between two dollar signs as mathematics.

    An element of its own around each sign that could begin a formula keeps any two of them from pairing.
    """
    safe = escape(text)
    for sign in ("$", "\\"):
        safe = safe.replace(sign, f"<{within}>{sign}</{within}>")
    return safe


def record_html(card: Card) -> str:
    """The record as one piece of HTML without scripts, links, controls or anything that is fetched."""
    live = card["mode"] == "live"
    frame = _FRAME.format(border="4px solid #9b0000" if live else "2px dashed #777")
    rows = "".join(_row(name, value) for name, value in _body(card))
    mark = _MARKS.get(card["side"], "")
    return (
        f'<div style="{frame}" class="jac-record mathjax_ignore tex2jax_ignore" role="group" '
        f'aria-label="Trade ticket {escape(card["id"])}">'
        f'<div style="{_LIVE if live else _PAPER}">{as_html(card["banner"])}</div>'
        f"<p><b>{mark} {as_html(card['headline'])}</b></p>"
        f"<p><b>{as_html(card['state_words'])}</b></p>"
        f'<table style="border-collapse:collapse;text-align:left">{rows}</table>'
        "</div>"
    )


def _lines(card: Card) -> Iterator[tuple[str, str]]:
    yield "", f"[{card['banner']}]"
    yield "", card["headline"]
    yield "State", card["state_words"]
    yield from _body(card)


def _body(card: Card) -> Iterator[tuple[str, str]]:
    """Name and value of every line below the headline; empty ones are left out."""
    yield "Your words", card["text"]
    yield "Read", card["read_by"]
    for change in card["changed"]:
        yield "Changed", change
    many = len(card["legs"]) > 1
    for number, leg in enumerate(card["legs"], start=1):
        name = f"Order {number}" if many else ""
        yield from _leg(leg, name)
    for follow_up in card["follow_ups"]:
        yield "Afterwards", follow_up
    for line in card["left_out"]:
        yield "Left alone", line
    for quote in card["quotes"]:
        yield f"Price of {quote['symbol']}", f"{quote['prices']} ({quote['age']}; {quote['source']})"
    if money := card["money"]:
        yield "Cash", money["cash"]
        yield "Buying power", money["buying_power"]
    if card["market"]:
        yield "Market", card["market"]
    for warning in card["warnings"]:
        yield "Warning", warning["message"]
    yield from _end(card)


def _leg(leg: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    if name:
        yield name, leg["sentence"]
    yield "Quantity", leg["quantity"]
    yield "Cost", f"{leg['cost']}; {leg['worst']}"
    yield "Holding", leg["position"]
    receipt = leg["receipt"]
    if receipt.get("sent"):
        filled = f", {receipt['filled']} filled" + (f" at {receipt['average']}" if receipt["average"] else "")
        yield "Receipt", f"{receipt['state_words']}{filled}, fees {receipt['fees']}"
        order = f", broker's id {receipt['broker_order_id']}" if receipt["broker_order_id"] else ""
        yield "Order", f"{receipt['client_order_id']}{order}"
    if receipt.get("message"):
        yield "Remark", receipt["message"]


def _end(card: Card) -> Iterator[tuple[str, str]]:
    if card["note"]:
        yield "Note", card["note"]
    if card["message"]:
        yield "Why", card["message"]
    if card["successor"]:
        yield "Replaced by", f"ticket {card['successor']}"
    for line in card["timeline"]:
        yield "History", line
    until = f", valid until {card['expires']}" if card["state"] in ("pending", "draft") else ""
    yield "Ticket", f"{card['id']}, {card['short_hash']}, made {card['created']}{until}"


def _row(name: str, value: str) -> str:
    cell = "padding:0 1em 0 0;vertical-align:top;text-align:left"
    return (
        f'<tr><th scope="row" style="{cell};font-weight:500;white-space:nowrap">{as_html(name)}</th>'
        f'<td style="{cell}">{as_html(value)}</td></tr>'
    )
