"""A tidy copy of an HTML document, made in one pass whose time grows with the text and with nothing else.

Parsers that follow the standard can be made to take minutes (a tag of a million attributes) and Python's own is no
better. Here every tag is written anew with the few attributes that may count; comments and the insides of raw elements
go. Whether that is how a browser would have read it does not matter: a sanitiser reads the copy, and a browser never
sees anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape

from jupyter_autocoder.sandbox.clean.css import clean_declarations, words

TAGS = 150_000
DEPTH = 200
REFERENCES = 100_000
RULES = 50_000
SELECTORS = 20

_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(
    r"""[\s/]*([^\s"'<>/=]{1,100})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""",
)
_KEPT = words(
    "align alt border cellpadding cellspacing class colspan height id rowspan scope span src start style valign width"
)
_VOID = words("br col dd dt hr img li p td th tr")
_BY_ID = re.compile(r"#([\w-]{1,100})")
# `#T_x td`, `#T_x th.col_heading`, `#T_x .data`: what Styler.set_table_styles writes.
_WITHIN = re.compile(r"#([\w-]{1,100})\s+([a-z]{1,10})?((?:\.[\w-]{1,50}){0,5})")


@dataclass(frozen=True)
class Tidy:
    """The copy, and whether something was left out that a person should hear of."""

    html: str
    dropped: bool


@dataclass
class _Sheet:
    """Style rules by what they are for: one element's id, or kinds of elements within one table."""

    by_id: dict[str, list[str]] = field(default_factory=dict)
    within: dict[str, list[tuple[str, frozenset[str], str]]] = field(default_factory=dict)

    def add(self, css: str) -> None:
        for rule in _without_comments(css).split("}")[:RULES]:
            selectors, brace, declarations = rule.partition("{")
            clean = clean_declarations(declarations) if brace else ""
            for selector in selectors.split(",") if clean else ():
                self._add_one(selector.strip(), clean)

    def _add_one(self, selector: str, declarations: str) -> None:
        if match := _BY_ID.fullmatch(selector):
            self.by_id.setdefault(match[1], []).append(declarations)
        elif (match := _WITHIN.fullmatch(selector)) and (match[2] or match[3]):
            rules = self.within.setdefault(match[1], [])
            if len(rules) < SELECTORS:
                rules.append((match[2] or "", frozenset(filter(None, match[3].split("."))), declarations))

    def rules(self, tag: str, table: str, attributes: dict[str, str]) -> Iterator[str]:
        if table in self.within:
            classes = frozenset(attributes.get("class", "").split())
            for kind, wanted, declarations in self.within[table]:
                if kind in ("", tag) and wanted <= classes:
                    yield declarations
        yield from self.by_id.get(attributes.get("id", ""), ())


def tidy(source: str, *, known: frozenset[str], raw: frozenset[str]) -> Tidy:
    """The copy of `source` with the `known` elements; those in `raw` go with all that is in them."""
    writer = _Writer(source, known, raw)
    writer.run()
    return Tidy("".join(writer.pieces), writer.dropped)


class _Writer:
    def __init__(self, source: str, known: frozenset[str], raw: frozenset[str]) -> None:
        self._source, self._lower = source, source.lower()
        self._known, self._raw = known, raw
        self._sheet = _Sheet()
        self._tables: list[str] = []
        self._depth = 0
        self._references = 0
        self.pieces: list[str] = []
        self.dropped = False

    def run(self) -> None:
        place, tags = 0, 0
        while (start := self._source.find("<", place)) >= 0:
            self._text(place, start)
            tags += 1
            if tags > TAGS or self._depth > DEPTH:
                self.dropped = True
                return
            place = self._tag(start)
        self._text(place, len(self._source))

    def _text(self, start: int, end: int) -> None:
        """Write text with no more character references than it needs: html5ever's time grows with their square."""
        said = unescape(self._source[start:end])
        self._references += said.count("&") + said.count("\xa0")
        if self._references > REFERENCES:
            said = said.replace("&", "+").replace("\xa0", " ")
            self.dropped = True
        self.pieces.append(escape(said, quote=False))

    def _tag(self, start: int) -> int:
        """Deal with what begins with the ``<`` at `start`; the place after it."""
        if self._source.startswith("<!--", start):
            return self._after("-->", start)
        if self._source.startswith(("<!", "<?"), start):
            return self._after(">", start)
        match = _NAME.match(self._source, start + 1)
        if match is None:
            self.pieces.append("&lt;")
            return start + 1
        tag = match[2].lower()
        if match[1]:
            self._close(tag)
            return self._after(">", start)
        attributes, place = self._attributes(match.end())
        if tag in self._raw:
            return self._skip(tag, place)
        self._open(tag, attributes)
        return place

    def _attributes(self, place: int) -> tuple[dict[str, str], int]:
        kept: dict[str, str] = {}
        while match := _ATTRIBUTE.match(self._source, place):
            place = match.end()
            name = match[1].lower()
            if name in _KEPT and name not in kept:
                kept[name] = unescape(next((value for value in match.groups()[1:] if value is not None), ""))
            elif name.startswith("on") or name in ("href", "srcset", "action", "background"):
                self.dropped = True
        return kept, self._after(">", place)

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in self._known:
            self.dropped = self.dropped or tag not in _PLAIN_WRAPPERS
            return
        if tag not in _VOID:
            self._depth += 1
        identity = attributes.get("id", "")
        if tag == "table":
            self._tables.append(identity)
        found = [*self._sheet.rules(tag, self._tables[-1] if self._tables else "", attributes)]
        if found:
            attributes["style"] = "; ".join(filter(None, [*found, attributes.get("style", "")]))
        self._note(tag, attributes)
        told = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items() if name != "id")
        self.pieces.append(f"<{tag}{told}>")

    def _note(self, tag: str, attributes: dict[str, str]) -> None:
        loads = tag == "img" and not attributes.get("src", "").startswith("data:image/")
        self.dropped = self.dropped or loads or "url(" in attributes.get("style", "").lower()

    def _close(self, tag: str) -> None:
        if tag not in self._known:
            return
        if tag not in _VOID:
            self._depth = max(0, self._depth - 1)
        if tag == "table" and self._tables:
            self._tables.pop()
        self.pieces.append(f"</{tag}>")

    def _skip(self, tag: str, place: int) -> int:
        end = self._lower.find(f"</{tag}", place)
        if tag == "style":
            self._sheet.add(self._source[place : end if end >= 0 else len(self._source)])
        else:
            self.dropped = True
        return self._after(">", end) if end >= 0 else len(self._source)

    def _after(self, mark: str, place: int) -> int:
        end = self._source.find(mark, place)
        return end + len(mark) if end >= 0 else len(self._source)


# Elements that only hold others: their loss is not worth a word.
_PLAIN_WRAPPERS = words(
    "html head body main section article header footer nav center font abbr time data label wbr title"
)


def _without_comments(css: str) -> str:
    kept, place = [], 0
    while (start := css.find("/*", place)) >= 0:
        kept.append(css[place:start])
        end = css.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        place = end + 2
    return "".join([*kept, css[place:]])
