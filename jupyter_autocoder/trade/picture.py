"""A small picture of a portfolio as SVG: one bar per holding, gain or loss told by word, sign, colour and pattern."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from jupyter_autocoder.trade.market import ZERO, Account, Position
from jupyter_autocoder.trade.record import as_html
from jupyter_autocoder.trade.terms import canonical
from jupyter_autocoder.trade.words import usd

WIDTH, ROW, LABEL, BAR = 560, 24, 150, 220
_TEXT = 'font-family="sans-serif" font-size="12" fill="currentColor"'


def portfolio_svg(account: Account, positions: Sequence[Position], *, note: str = "") -> str:
    """Draw holdings by size with what each has gained; no scripts, links or fonts that are fetched."""
    held = sorted(positions, key=lambda one: (-abs(one.value), one.symbol))
    largest = max((abs(one.value) for one in held), default=ZERO) or Decimal(1)
    gain = sum((one.gain for one in held), ZERO)
    mode = "LIVE, real money" if account.mode == "live" else "PAPER, play money"
    title = f"{mode}: equity {usd(account.equity)}, cash {usd(account.cash)}, open gain {_signed(gain)}"
    rows = [_row(one, largest, number) for number, one in enumerate(held, start=1)]
    height = (len(rows) + 2) * ROW
    foot = f'<text x="4" y="{height - 8}" {_TEXT} opacity="0.75">{_typed(note)}</text>' if note else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><title>{escape(title.replace("$", "USD "))}</title>'
        '<defs><pattern id="jac-loss" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<rect width="6" height="6" fill="#b45f06"/><path d="M0 6 6 0" stroke="#fff"/></pattern></defs>'
        f'<text x="4" y="16" {_TEXT} font-weight="bold">{_typed(title)}</text>{"".join(rows)}{foot}</svg>'
    )


def _row(position: Position, largest: Decimal, number: int) -> str:
    top = number * ROW
    width = float(abs(position.value) / largest) * BAR
    fill = "#0b5394" if position.gain >= 0 else "url(#jac-loss)"
    label = f"{position.symbol} {canonical(position.qty)}" + (" short" if position.qty < 0 else "")
    value = f"{usd(position.value)}  {_signed(position.gain)}"
    return (
        f'<text x="4" y="{top + 16}" {_TEXT}>{_typed(label)}</text>'
        f'<rect x="{LABEL}" y="{top + 4}" width="{max(width, 1):.1f}" height="{ROW - 8}" fill="{fill}"/>'
        f'<text x="{LABEL + BAR + 8}" y="{top + 16}" {_TEXT}>{_typed(value)}</text>'
    )


def _typed(text: str) -> str:
    return as_html(text, within="tspan")


def _signed(gain: Decimal) -> str:
    return f"+{usd(gain)}" if gain > 0 else usd(gain)
