"""Numbers as people write them: ``1,000``, ``1.5k``, ``a hundred and fifty``, ``half a dozen``.

A library for number words would read ``Five Below`` as ``5 Below`` and ``six of Six Flags`` as 12, so this reader only
ever looks at one run of words, names of companies having been taken out before. What has two readings is `None` in
`value`: the caller asks back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

SMALL = {
    name: value
    for value, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
TENS = {
    name: 10 * value
    for value, name in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
} | {"fourty": 40, "ninty": 90}
SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000, "dozen": 12}
FRACTIONS = {
    "half": Decimal("0.5"),
    "halves": Decimal("0.5"),
    "third": Decimal("0.3333"),
    "thirds": Decimal("0.3333"),
    "quarter": Decimal("0.25"),
    "quarters": Decimal("0.25"),
    "fourth": Decimal("0.25"),
    "fourths": Decimal("0.25"),
    "fifth": Decimal("0.2"),
    "fifths": Decimal("0.2"),
    "eighth": Decimal("0.125"),
    "tenth": Decimal("0.1"),
    "tenths": Decimal("0.1"),
}
NUMBER_WORDS = frozenset(SMALL) | frozenset(TENS) | frozenset(SCALES)
_SUFFIXES = {"": 1, "k": 1000, "m": 1_000_000, "mm": 1_000_000, "mil": 1_000_000, "b": 10**9, "bn": 10**9}

# A number as written, with its currency sign, multiplier and percent sign; the value is judged afterwards.
WRITTEN = re.compile(
    r"(?P<sign>\$|usd)?[ ]?(?P<digits>\d[\d.,]*\d|\d|\.\d+)(?P<suffix>k|mm|mil|m|bn|b)?(?P<after>usd)?(?![A-Za-z0-9])"
    r"(?:[ ]?(?P<percent>%))?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\$?\d[\d.,]*k?\s*[-~]\s*\$?\d[\d.,]*k?%?")
_PLAIN = re.compile(r"\d+|\d*\.\d+")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
# "1.000" is a thousand in half the world and one in the other; nobody writes a fraction of a share with a trailing 0.
_TWO_READINGS = re.compile(r"[1-9]\d{0,2}\.\d{2}0")
_ZERO_FIRST = re.compile(r"0\d")  # "010": a lost point, or a slip
_RATIO = re.compile(r"(\d{1,3})/(\d{1,3})(?![\d/])")


@dataclass(frozen=True, slots=True)
class Written:
    """A number found in the text: `value` is None where it has two readings; `end` is past its last character."""

    value: Decimal | None
    end: int
    money: bool = False
    percent: bool = False


def written_at(text: str, start: int) -> Written | None:
    """Read the digits that begin at `start`, or None if none do."""
    span = _RANGE.match(text, start)
    if span:
        return Written(None, span.end())
    ratio = _RATIO.match(text, start)
    if ratio and 0 < int(ratio[1]) < int(ratio[2]):
        above, below = int(ratio[1]), int(ratio[2])
        # "06/20" and "12/31" are days; people say small fractions, and one in many.
        plain = ratio[0] == f"{above}/{below}" and (below <= 10 or above == 1)
        return Written(_part(above, below) if plain else None, ratio.end())
    match = WRITTEN.match(text, start)
    if not match or (match[0][0] == " "):
        return None
    value = _value(match["digits"])
    if value is not None:
        value *= _SUFFIXES[(match["suffix"] or "").lower()]
    return Written(value, match.end(), bool(match["sign"] or match["after"]), bool(match["percent"]))


def _value(digits: str) -> Decimal | None:
    if _TWO_READINGS.fullmatch(digits) or _ZERO_FIRST.match(digits) or len(digits) > 18:
        return None
    if _PLAIN.fullmatch(digits):
        return Decimal(digits)
    if _GROUPED.fullmatch(digits):
        return Decimal(digits.replace(",", ""))
    return None


def _part(above: int, below: int) -> Decimal:
    # Four places, so that a third is 33.33 %.
    return (Decimal(above) / Decimal(below)).quantize(Decimal("0.0001"))


@dataclass(frozen=True, slots=True)
class Spelled:
    """A number in words: `count` words were taken; `part` says that it is a fraction of one."""

    value: Decimal
    count: int
    part: bool = False


def spelled(words: Sequence[str]) -> Spelled | None:
    """Read the number that the words begin with, or None; "a" counts only before a scale, a fraction or a share."""
    fraction = _fraction(words)
    if fraction:
        return fraction
    whole, count = _whole(words)
    if not count:
        return None
    return _with_rest(words, Decimal(whole), count)


def _fraction(words: Sequence[str]) -> Spelled | None:
    if not words:
        return None
    skip = 1 if words[0] in ("a", "an") else 0
    if skip < len(words) and words[skip] in FRACTIONS:
        rest = tuple(words[skip:])
        if rest[:3] == ("half", "a", "dozen") or rest[:2] == ("half", "dozen"):
            return Spelled(Decimal(6), skip + (3 if rest[1] == "a" else 2))
        return Spelled(FRACTIONS[words[skip]], skip + 1, part=True)
    if words[0] in SMALL and len(words) > 1 and words[1] in FRACTIONS:
        names = {"half": 2, "halves": 2, "third": 3, "thirds": 3}
        below = names.get(words[1]) or int(1 / FRACTIONS[words[1]])
        if 0 < SMALL[words[0]] < below:
            return Spelled(_part(SMALL[words[0]], below), 2, part=True)
    return None


def _whole(words: Sequence[str]) -> tuple[int, int]:
    """Return the whole number the words begin with, and how many words it took (0: none)."""
    total = group = at = 0
    last = max(SCALES.values()) + 1
    seen = False
    while at < len(words):
        word = words[at]
        if word in SMALL and (group % 100 == 0 or (group % 100 >= 20 and group % 10 == 0 and 0 < SMALL[word] < 10)):
            group += SMALL[word]
        elif word in TENS and group % 100 == 0:
            group += TENS[word]
        elif word in SCALES and _scales(group, SCALES[word], last):
            last = min(last, SCALES[word]) if SCALES[word] >= 1000 else last
            total, group = _scaled(total, group, SCALES[word])
        elif word in ("a", "an") and not seen and at + 1 < len(words) and words[at + 1] in SCALES:
            group = 1
        elif word == "and" and seen and words[at - 1] in SCALES and _goes_on(words, at + 1):
            at += 1
            continue
        else:
            break
        seen = True
        at += 1
    return total + group, at


def _goes_on(words: Sequence[str], at: int) -> bool:
    return at < len(words) and (words[at] in SMALL or words[at] in TENS)


def _scales(group: int, scale: int, last: int) -> bool:
    """Whether a scale may follow: "two hundred thousand" is a number, "two thousand million" is asked about."""
    return 0 < group < 100 if scale < 1000 else bool(group) and scale < last


def _scaled(total: int, group: int, scale: int) -> tuple[int, int]:
    if scale in (100, 12):
        return total, group * scale
    return total + group * scale, 0


def _with_rest(words: Sequence[str], value: Decimal, count: int) -> Spelled:
    """Add what may follow a whole number: "and a half", "point five"."""
    rest = list(words[count : count + 3])
    if rest[:2] == ["and", "a"] and len(rest) > 2 and rest[2] in FRACTIONS:
        return Spelled(value + FRACTIONS[rest[2]], count + 3)
    if rest[:1] == ["point"]:
        digits = []
        for word in words[count + 1 :]:
            if word not in SMALL or SMALL[word] > 9:
                break
            digits.append(str(SMALL[word]))
        if digits:
            return Spelled(value + Decimal("0." + "".join(digits)), count + 1 + len(digits))
    return Spelled(value, count)
