"""MIME bundles: an allow-list, each type with its own cleaner; what has none is left out with a note."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_autocoder import text
from jupyter_autocoder.sandbox.clean import figures, images, svg
from jupyter_autocoder.sandbox.clean.html import clean_html
from jupyter_autocoder.sandbox.clean.tree import is_sound

PLOTLY = "application/vnd.plotly.v1+json"
_VEGA_LITE = re.compile(r"application/vnd\.vegalite\.v\d\+json")
# TeX that links, loads or redefines; MathJax keeps definitions for the rest of the page.
_ACTIVE_TEX = re.compile(
    r"\\(?:href|url|html\w*|class|cssId|style|require|unicode|includegraphics|input|def|gdef|edef|let|newcommand|renewcommand"
    r"|providecommand|newenvironment|DeclareMathOperator|data|mmlToken|begingroup|endgroup|bbox)(?![a-zA-Z])"
)
LATEX_LIMIT = 20_000
SIDE = 10_000


@dataclass
class Bundle:
    """Cleaned data by MIME type with the little metadata that is kept, and remarks on what was left out."""

    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def clean_bundle(data: object, metadata: object) -> Bundle:
    """Clean what a display message holds; never raises on what is inside."""
    bundle = Bundle()
    if not isinstance(data, dict):
        return bundle
    told = metadata if isinstance(metadata, dict) else {}
    for kind, value in list(data.items())[:20]:
        cleaner = _CLEANERS.get(kind) or (_vega_lite if _VEGA_LITE.fullmatch(kind) else None)
        if cleaner is None:
            bundle.notes.append(f"an output of type {text.one_line(kind, 80)} was left out")
        else:
            cleaner(bundle, kind, value, told.get(kind))
    return bundle


def _plain(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    said = text.clean(value)
    # A Markdown object has set its source here, which says more than its repr.
    if said and kind not in bundle.data:
        bundle.data[kind] = said


def _markdown(bundle: Bundle, _: str, value: Any, __: Any) -> None:
    """Markdown is shown as its source: rendered, it can load pictures and hide where links lead."""
    said = text.clean(value)
    if said:
        bundle.data["text/plain"] = said


def _html(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    clean = clean_html(value)
    if clean.changed:
        bundle.notes.append("active or linking parts of an HTML output were left out")
    if clean.html:
        bundle.data[kind] = clean.html


def _picture(bundle: Bundle, kind: str, value: Any, metadata: Any) -> None:
    picture = images.clean_picture(kind, value)
    if picture is None:
        bundle.notes.append(f"a picture was left out: it is no valid {kind} or too large")
        return
    bundle.data[kind] = picture.data
    told = metadata if isinstance(metadata, dict) else {}
    sides = [(side, told.get(side)) for side in ("width", "height")]
    kept = {side: size for side, size in sides if isinstance(size, (int, float)) and 0 < size <= SIDE}
    if kept:
        bundle.metadata[kind] = kept


def _svg(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    drawing = svg.clean_svg(value)
    if drawing:
        bundle.data[kind] = drawing
    else:
        bundle.notes.append("an SVG drawing was left out: it could not be made safe")


def _latex(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    said = text.plain(value)
    if not said or len(said) > LATEX_LIMIT or _ACTIVE_TEX.search(said) or "<" in said:
        bundle.notes.append("a LaTeX output was left out: it links, defines or is too long")
    else:
        bundle.data[kind] = said


def _json(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    if is_sound(value):
        bundle.data[kind] = value
    else:
        bundle.notes.append("a JSON output was left out: it is too deep or too large, or no valid JSON")


def _plotly(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    _figure(bundle, kind, figures.clean_plotly(value))


def _vega_lite(bundle: Bundle, kind: str, value: Any, _: Any) -> None:
    _figure(bundle, kind, figures.clean_vega_lite(value))


def _figure(bundle: Bundle, kind: str, figure: dict[str, Any] | None) -> None:
    if figure is None:
        bundle.notes.append(
            "a chart was left out: it loads, links, computes or is nested too deep; save it as a picture instead"
        )
    else:
        bundle.data[kind] = figure


_CLEANERS: dict[str, Callable[[Bundle, str, Any, Any], None]] = {
    "text/plain": _plain,
    "text/markdown": _markdown,
    "text/html": _html,
    "text/latex": _latex,
    "image/png": _picture,
    "image/jpeg": _picture,
    "image/gif": _picture,
    "image/svg+xml": _svg,
    "application/json": _json,
    PLOTLY: _plotly,
}
