"""SVG from a stranger, written again from an allow-list: shapes, text and gradients; no scripts, links or loading."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from jupyter_autocoder import text
from jupyter_autocoder.sandbox.clean import images
from jupyter_autocoder.sandbox.clean.css import SVG_PROPERTIES, clean_declarations, is_harmless, words

LIMIT = 8 * 2**20
ELEMENTS = 200_000
DEPTH = 100

_ELEMENTS = words(
    """
    circle clipPath defs desc ellipse g image line linearGradient marker path pattern polygon polyline
    radialGradient rect stop svg symbol text title tspan use
    """
)
_ATTRIBUTES = words(
    """
    clipPathUnits clip-rule cx cy d dx dy fill-opacity fill-rule font-family font-size font-style font-weight fr
    fx fy gradientTransform gradientUnits height markerHeight markerUnits markerWidth offset opacity orient
    patternTransform patternUnits points preserveAspectRatio r refX refY rotate rx ry spreadMethod stop-color
    stop-opacity stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit
    stroke-opacity stroke-width text-anchor textLength transform version viewBox width x x1 x2 y y1 y2
    """
)
# Attributes that may name another element of the same drawing.
_PAINT = frozenset({"clip-path", "fill", "marker-end", "marker-mid", "marker-start", "stroke"})
_LOCAL = re.compile(r"url\(\s*['\"]?#([\w.:-]{1,100})['\"]?\s*\)")
_VALUE = re.compile(r"[\w\s.,%#()+\-/:']*", re.ASCII)
_ID = re.compile(r"[\w.:-]{1,100}")
_DATA_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif));base64,(.+)", re.DOTALL)
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


class _Refused(Exception):
    """This drawing is not one that is cleaned: it declares entities, is too big, or multiplies itself."""


def clean_svg(source: object) -> str:
    """The drawing as safe SVG; empty when it is none or cannot be made safe."""
    if not isinstance(source, str) or not 0 < len(source) <= LIMIT:
        return ""
    writer = _Writer(prefix="s" + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:8] + "-")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.data
    parser.EntityDeclHandler = writer.refuse
    parser.buffer_text = True
    try:
        # A text is no longer in the encoding that its first line may name.
        parser.Parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", source).encode("utf-8", "replace"), True)
        return writer.finish()
    except (_Refused, expat.ExpatError, ValueError):
        return ""


class _Writer:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._pieces: list[str] = []
        self._skipping = 0
        self._open: list[str] = []
        self._count = 0
        self._ids: list[str | None] = []
        self._uses: dict[str, int] = {}
        self._using_ids: set[str] = set()

    def refuse(self, *_: Any) -> None:
        raise _Refused

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        space, _, tag = name.rpartition(" ")
        if self._count > ELEMENTS or len(self._open) > DEPTH or (not self._open and tag != "svg"):
            raise _Refused
        if self._skipping or space not in (_SVG, "") or tag not in _ELEMENTS:
            self._skipping += 1
            return
        told = self._attributes(tag, attributes)
        identity = attributes.get("id")
        self._ids.append(identity)
        root = f' xmlns="{_SVG}"' if not self._open else ""
        self._open.append(tag)
        self._pieces.append(f"<{tag}{root}{''.join(f' {key}={quoteattr(value)}' for key, value in told.items())}>")

    def end(self, name: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        self._ids.pop()
        self._pieces.append(f"</{self._open.pop()}>")

    def data(self, data: str) -> None:
        if not self._skipping and self._open and self._open[-1] in ("text", "tspan", "title", "desc"):
            self._pieces.append(escape(text.plain(data)))

    def finish(self) -> str:
        # A drawing of drawings of drawings takes a browser for ever: what is used may not use in turn.
        if self._using_ids & self._uses.keys() or sum(self._uses.values()) > ELEMENTS:
            raise _Refused
        return "".join(self._pieces)

    def _attributes(self, tag: str, attributes: dict[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for full, value in attributes.items():
            space, _, name = full.rpartition(" ")
            if name == "href" and space in ("", _XLINK):
                kept |= self._reference(tag, value)
            elif space == "":
                clean = self._attribute(name, value)
                if clean:
                    kept[name] = clean
        return kept

    def _attribute(self, name: str, value: str) -> str:
        if name == "id":
            return self._prefix + value if _ID.fullmatch(value) else ""
        if name == "style":
            return self._style(value)
        if name in _PAINT:
            return self._paint(value)
        return value if name in _ATTRIBUTES and _VALUE.fullmatch(value) else ""

    def _style(self, value: str) -> str:
        kept = [clean_declarations(value, allowed=SVG_PROPERTIES)]
        for declaration in value.split(";"):
            name, _, paint = declaration.partition(":")
            if name.strip() in _PAINT and (local := self._local(paint.strip())):
                kept.append(f"{name.strip()}: {local}")
        return "; ".join(filter(None, kept))

    def _paint(self, value: str) -> str:
        return self._local(value.strip()) or (value if is_harmless(value) else "")

    def _local(self, value: str) -> str:
        match = _LOCAL.fullmatch(value)
        return f"url(#{self._prefix}{match[1]})" if match else ""

    def _reference(self, tag: str, value: str) -> dict[str, str]:
        if tag == "image":
            match = _DATA_IMAGE.fullmatch(value.strip())
            picture = images.clean_picture(match[1], match[2]) if match else None
            return {"href": f"data:{match[1]};base64,{picture.data}"} if match and picture else {}
        if not value.startswith("#") or not _ID.fullmatch(value[1:]):
            return {}
        if tag in ("use", "pattern", "linearGradient", "radialGradient"):
            self._uses[value[1:]] = self._uses.get(value[1:], 0) + (tag == "use")
            self._using_ids |= {identity for identity in self._ids if identity} if tag == "use" else set()
            return {"href": f"#{self._prefix}{value[1:]}"}
        return {}
