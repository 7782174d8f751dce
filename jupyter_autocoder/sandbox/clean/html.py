"""HTML from a stranger: tables, lists and text as they looked; nothing that runs, loads, links or covers.

nh3 (ammonia) does the sanitising, on html5ever's parse, and has the last word: nothing rests on `markup`, which only
hands it a tidy document in which each element carries the style rules that a pandas Styler wrote for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import nh3

from jupyter_autocoder import text
from jupyter_autocoder.sandbox.clean import images, markup
from jupyter_autocoder.sandbox.clean.css import clean_declarations, words

LIMIT = 4 * 2**20

_TAGS = words(
    """
    b big blockquote br caption center cite code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i
    img ins kbd li mark ol p pre s samp small span strike strong sub summary sup table tbody td tfoot th thead
    tr tt u ul var
    """
)
_WITH_CONTENT = words(
    """
    applet audio button canvas frameset iframe math noembed noframes noscript object script select
    style svg template textarea title video xmp
    """
)
_CELL = frozenset({"align", "colspan", "rowspan", "scope", "valign"})
_ATTRIBUTES = {
    "*": {"class", "style"},
    "td": set(_CELL),
    "th": set(_CELL),
    "table": {"border", "cellpadding", "cellspacing"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start"},
    "img": {"alt", "height", "src", "width"},
}
# The classes pandas gives its cells: JupyterLab styles `dataframe`, and no other class of any page can be borrowed.
_CLASS = re.compile(r"dataframe|(?:row|col)_heading|(?:level|row|col)\d{1,6}|data|blank|index_name|col_trim|row_trim")
_NUMBER = re.compile(r"\d{1,4}")
_WORD = re.compile(r"[a-z]{1,12}")
_DATA_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif));base64,(.+)", re.DOTALL)
_NOTHING_SHOWN = re.compile(r"<(?!img src)[^<>]*>|\s|&nbsp;")


@dataclass(frozen=True)
class CleanHtml:
    """What is left (empty when there is nothing to be seen), and whether active parts were taken out."""

    html: str
    changed: bool = False


def clean_html(source: object) -> CleanHtml:
    """Sanitise `source`; never raises on what is inside."""
    if not isinstance(source, str) or len(source) > LIMIT:
        return CleanHtml("", changed=True)
    tidy = markup.tidy(text.plain(source), known=_TAGS, raw=_WITH_CONTENT)
    html = _CLEANER.clean(tidy.html)
    return CleanHtml(html if _NOTHING_SHOWN.sub("", html) else "", changed=tidy.dropped)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """nh3's filter: the value to keep, None to drop the attribute."""
    if name == "style":
        return clean_declarations(value) or None
    if name == "class":
        return " ".join(part for part in value.split() if _CLASS.fullmatch(part)) or None
    if name == "src":
        match = _DATA_IMAGE.fullmatch(value.strip())
        picture = images.clean_picture(match[1], match[2]) if match else None
        return f"data:{match[1]};base64,{picture.data}" if match and picture else None
    if name == "alt":
        return text.one_line(value, 200)
    pattern = _WORD if name in ("align", "valign", "scope") else _NUMBER
    return value if pattern.fullmatch(value) else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    strip_comments=True,
    link_rel=None,
    generic_attribute_prefixes=set(),
    url_schemes={"data"},
    url_relative="deny",
)
