"""``%usage``: a small picture of what was spent, and of what is left of each limit."""

from __future__ import annotations

import html
from collections.abc import Sequence

from jupyter_autocoder.llm.reservation import Left
from jupyter_autocoder.llm.usage import UsageRow, as_lines, as_table, limit_name, used_of
from jupyter_autocoder.magics.status import money

_WIDTH, _HEIGHT, _GAP = 360, 90, 2
_BAR = 160
# The text takes the page's own colour, so that the picture reads in light and dark themes.
_STYLE = "font:12px sans-serif;fill:currentColor"


def bundle(days: Sequence[UsageRow], models: Sequence[UsageRow], left: Sequence[Left]) -> dict[str, str]:
    """Return the picture as HTML with a plain-text twin."""
    plain = "\n".join([as_table(days, by="day"), "", as_table(models, by="model"), "", as_lines(left)])
    parts = ["<div>", _days(days), _models(models), _limits(left), "</div>"]
    return {"text/html": "".join(parts), "text/plain": plain.rstrip()}


def _days(rows: Sequence[UsageRow]) -> str:
    if not rows:
        return "<p>Nothing was used in this time.</p>"
    # Where nothing costs money (a local model), requests are what there is to see.
    priced = any(row.cost for row in rows)
    values = [row.cost if priced else row.requests for row in rows]
    labels = [f"{row.name}: {money(row.cost)}, {row.requests} requests" for row in rows]
    most = max(values) or 1
    step = _WIDTH / len(rows)
    bars = []
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        height = max(value / most * _HEIGHT, 1)
        x, y = index * step, _HEIGHT - height
        bars.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(step - _GAP, 1):.1f}" height="{height:.1f}" fill="#4c78a8">'
            f"<title>{html.escape(label)}</title></rect>"
        )
    total = money(sum(row.cost for row in rows)) if priced else f"{sum(values)} requests"
    caption = f"{total} from {rows[0].name} to {rows[-1].name}"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT + 20}" role="img" aria-label="{html.escape(caption)}">'
        f'{"".join(bars)}<text x="0" y="{_HEIGHT + 15}" style="{_STYLE}">{html.escape(caption)}</text></svg>'
    )


def _models(rows: Sequence[UsageRow]) -> str:
    if not rows:
        return ""
    head = "<tr><th>model</th><th>requests</th><th>tokens in</th><th>tokens out</th><th>cost</th></tr>"
    body = "".join(
        f"<tr><td>{html.escape(row.name)}</td><td>{row.requests:,}</td><td>{row.input_tokens:,}</td>"
        f"<td>{row.output_tokens:,}</td><td>{money(row.cost)}{' and unknown' if row.unpriced else ''}</td></tr>"
        for row in rows
    )
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _limits(left: Sequence[Left]) -> str:
    rows = []
    for one in left:
        share = min(one.used / one.size, 1) if one.size else 1
        colour = "#e45756" if share >= 0.9 else "#4c78a8"
        rows.append(
            f"<tr><td>{html.escape(limit_name(one))}</td><td>"
            f'<svg width="{_BAR}" height="10" role="img" aria-label="{share:.0%} used">'
            f'<rect width="{_BAR}" height="10" fill="currentColor" opacity="0.15"/>'
            f'<rect width="{share * _BAR:.1f}" height="10" fill="{colour}"/></svg></td>'
            f"<td>{html.escape(used_of(one))}</td></tr>"
        )
    return f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else "<p>No limits: a local model.</p>"
