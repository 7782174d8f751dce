"""A run as a page to look at: one HTML file with its pictures inside, that loads nothing and runs nothing."""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Iterator, Mapping
from typing import Any

import mistune
from nbformat import NotebookNode

from jupyter_autocoder.agent.checks import split
from jupyter_autocoder.app import notebooks
from jupyter_autocoder.app.report import CellReport, RunReport, allowance
from jupyter_autocoder.events import METADATA
from jupyter_autocoder.sandbox.clean.bundle import clean_bundle

_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem}
.quiet{opacity:.75;font-size:.85rem}
section{border:1px solid #8884;border-left:.3rem solid #4c78a8;border-radius:.3rem;padding:.6rem 1rem;margin:1rem 0}
section.failed{border-left-color:#e45756}
section.allowed{border-left-color:#e8a838}
section.idle{border-left-color:#8884;opacity:.7}
pre{overflow-x:auto;background:#8881;padding:.6rem;border-radius:.3rem;font-size:.85rem;margin:.5rem 0}
.prompt{font-weight:600}
img{max-width:100%;background:#fff}
table{border-collapse:collapse;border:0;font-size:.85rem}
td,th{border:0;padding:.15rem .6rem;text-align:right;border-bottom:1px solid #8883}
"""
# Nothing may be loaded or run, whatever an output holds: the browser's own rule behind the cleaning.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render(notebook: NotebookNode, result: RunReport) -> str:
    """Return the page of one run: what was asked, what it became, what it showed and cost."""
    rows = {row.index: row for row in result.cells}
    body = "".join(_cell(cell, rows.get(index)) for index, cell in enumerate(notebook.cells))
    title = html.escape(result.notebook)
    state = "done" if result.ok else "failed"
    cost = f"${result.cost_micro_usd / 1e6:.4f}, {result.tokens} tokens"
    head = f"<p class=quiet>{state} in {result.seconds:.1f} s · {cost}</p>"
    problem = f"<pre>{html.escape(notebooks.uncoloured(result.error))}</pre>" if result.error else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>{head}{problem}{body}</body></html>\n"
    )


def _cell(cell: NotebookNode, row: CellReport | None) -> str:
    if row is None:
        return _markdown(cell.source) if cell.cell_type == "markdown" else ""
    outputs = "".join(_output(output) for output in cell.outputs)
    if not row.prompt:
        why = f"<p class=quiet>{html.escape(allowance(row))}</p>" if row.status == "allowed" else ""
        return f"<section class={_kind(row)}>{why}<pre>{html.escape(cell.source)}</pre>{outputs}</section>"
    code = row.provenance.get("source", "")
    folded = f"<details><summary class=quiet>code</summary><pre>{html.escape(code)}</pre></details>" if code else ""
    facts = " · ".join(_facts(row))
    text, checks = split(row.prompt)
    prompt = f"<div class=prompt>{html.escape(' '.join(text.split()))}</div>"
    prompt += f"<pre>{html.escape(checks.strip())}</pre>" if checks else ""
    return f"<section class={_kind(row)}>{prompt}<p class=quiet>{html.escape(facts)}</p>{folded}{outputs}</section>"


def _markdown(source: str) -> str:
    """A cell of text: its own HTML is only text, and what is left of links and pictures is cleaned like an output."""
    rendered = str(mistune.html(source))
    return str(clean_bundle({"text/html": rendered}, {}).data.get("text/html", ""))


def _kind(row: CellReport) -> str:
    return "idle" if row.status == "not run" else row.status


def _facts(row: CellReport) -> Iterator[str]:
    told = row.provenance
    if row.status == "allowed":
        yield allowance(row)
    else:
        yield {"lock": "from the lock", "model": str(told.get("model", ""))}.get(told.get("origin", ""), row.status)
    if row.status != "not run":
        yield f"{row.seconds:.1f} s"
    checks = told.get("checks", {})
    if checks:
        yield f"{checks['passed']} of {checks['count']} checks passed" if checks["count"] else "unchecked"
    if told.get("origin") != "lock" and "tokens" in told:
        yield f"{sum(told['tokens'].values())} tokens"
    if told.get("cost_micro_usd"):
        yield f"${told['cost_micro_usd'] / 1e6:.4f}"


def _output(output: Mapping[str, Any]) -> str:
    if METADATA in output.get("metadata", {}):
        return ""
    if output["output_type"] == "stream":
        return f"<pre>{html.escape(notebooks.uncoloured(output['text']))}</pre>"
    if output["output_type"] == "error":
        return f"<pre>{html.escape(notebooks.uncoloured(notebooks.error_text(output)))}</pre>"
    # What people's own cells show was never cleaned, and a page travels further than a notebook.
    data = clean_bundle(dict(output["data"]), {}).data
    for mime in ("image/png", "image/jpeg"):
        if mime in data and _is_base64(data[mime]):
            return f'<p><img alt="picture" src="data:{mime};base64,{"".join(data[mime].split())}"></p>'
    if "text/html" in data:
        return f"<div>{data['text/html']}</div>"
    return f"<pre>{html.escape(notebooks.uncoloured(str(data.get('text/plain', ''))))}</pre>"


def _is_base64(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return bool(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        return False
