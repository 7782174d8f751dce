"""Style declarations that change how a thing looks, and nothing else: no loading, no placing over other things."""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a long list that would take a line each in any other form."""
    return frozenset(text.split())


# How text and boxes look. Left out on purpose: position, z-index, transform, float, display, content, opacity, cursor,
# animation and everything else that moves, hides, covers or loads.
PROPERTIES = words(
    """
    background background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width
    border-collapse border-color border-left border-left-color border-left-style border-left-width border-radius
    border-right border-right-color border-right-style border-right-width border-spacing border-style border-top
    border-top-color border-top-style border-top-width border-width caption-side color font-family font-size
    font-style font-variant font-weight height letter-spacing line-height list-style-type margin margin-bottom
    margin-left margin-right margin-top max-height max-width min-height min-width padding padding-bottom
    padding-left padding-right padding-top text-align text-decoration text-indent text-transform vertical-align
    white-space width word-break
    """
)
SVG_PROPERTIES = words(
    """
    clip-rule color dominant-baseline fill fill-opacity fill-rule font font-family font-size font-stretch
    font-style font-variant font-weight letter-spacing opacity paint-order stop-color stop-opacity stroke
    stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity
    stroke-width text-anchor vector-effect visibility writing-mode
    """
)
DECLARATIONS = 60
# Names, numbers, colours, lengths, quoted font names. No backslash (CSS escapes) and no comment can be written in it.
_PLAIN = re.compile(r"""[\w#%.,+\-!'" ]{1,300}""", re.ASCII)
_FUNCTION = re.compile(r"\b([a-z-]+)\(([^()]*)\)", re.IGNORECASE)
_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "linear-gradient"})
_NEGATIVE = re.compile(r"(?<![\w#])-[\d.]")
# Lengths of a million pixels make a page unusable, and sizes in the view's units can cover it.
_LENGTH = re.compile(r"([\d.]+)(px|em|rem|ex|ch|pt|cm|mm|in|%|v[a-z]+)?", re.IGNORECASE)
_LONGEST = 5000.0


def clean_declarations(style: str, *, allowed: frozenset[str] = PROPERTIES) -> str:
    """Give the declarations of a ``style`` attribute that are allowed, in order; empty when there are none."""
    kept = []
    for declaration in style.split(";")[:DECLARATIONS]:
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip()
        if (
            name in allowed
            and is_harmless(value)
            and not (name.startswith(("margin", "text-indent")) and _is_wild(value))
        ):
            kept.append(f"{name}: {value}")
    return "; ".join(kept)


def is_harmless(value: str) -> bool:
    """Whether a property's value is made of names, numbers, colours and gradients alone."""
    if not value or len(value) > 2000:
        return False
    rest = value
    for _ in range(3):  # colours inside gradients, and nothing deeper
        rest = _FUNCTION.sub(_without_function, rest)
    return _PLAIN.fullmatch(rest) is not None and _lengths_fit(value)


def _without_function(match: re.Match[str]) -> str:
    if match[1].lower() in _FUNCTIONS and _PLAIN.fullmatch(match[2] or " "):
        return "0"
    return "\\"  # which no plain value may hold


def _is_wild(value: str) -> bool:
    return _NEGATIVE.search(value) is not None


def _lengths_fit(value: str) -> bool:
    for number, unit in _LENGTH.findall(value):
        try:
            if unit.lower().startswith("v") or (unit and float(number) > _LONGEST):
                return False
        except ValueError:
            return False
    return True
