"""Pictures from a stranger: their format, size and structure are read before a browser decodes them."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass

PIXELS = 50_000_000
SIDE = 16_384
SIZE = 16 * 2**20
# Chunks or segments: a large PNG has some thousands.
PIECES = 100_000

_PNG = b"\x89PNG\r\n\x1a\n"
# What makes up a picture (and an animated one); texts, times and private chunks are left out.
_PNG_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs"}
    | {b"acTL", b"fcTL", b"fdAT"}
)
# JPEG frames (SOF): all but DHT, JPG and DAC, which lie in the same range.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Metadata: everything an application may add but JFIF itself (E0) and Adobe's colour marker (EE), and comments.
_JPEG_EXTRAS = (frozenset(range(0xE0, 0xF0)) - {0xE0, 0xEE}) | {0xFE}


@dataclass(frozen=True)
class Picture:
    """A checked picture as base64, with its size in pixels."""

    data: str
    width: int
    height: int


def clean_picture(kind: str, data: object) -> Picture | None:
    """Check the base64 text of a picture of MIME type `kind`; None when it is not what it says or too large."""
    reader = _READERS.get(kind)
    if reader is None or not isinstance(data, str) or len(data) > SIZE * 4 // 3 + 4:
        return None
    try:
        raw, width, height = reader(base64.b64decode("".join(data.split()), validate=True))
    except (binascii.Error, ValueError, IndexError, struct.error):
        return None
    if not (0 < width <= SIDE and 0 < height <= SIDE and width * height <= PIXELS):
        return None
    return Picture(base64.b64encode(raw).decode(), width, height)


def _png(raw: bytes) -> tuple[bytes, int, int]:
    if not raw.startswith(_PNG):
        raise ValueError
    kept, place, width, height = [_PNG], len(_PNG), 0, 0
    for _ in range(PIECES):
        length, kind = struct.unpack_from(">I4s", raw, place)
        end = place + 12 + length
        if end > len(raw):
            raise ValueError
        if (kind == b"IHDR") != (place == len(_PNG)):
            raise ValueError
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", raw, place + 8)
        if kind in _PNG_CHUNKS:
            kept.append(raw[place:end])
        if kind == b"IEND":
            return b"".join(kept), width, height
        place = end
    raise ValueError


def _jpeg(raw: bytes) -> tuple[bytes, int, int]:
    if not raw.startswith(b"\xff\xd8\xff") or not raw.endswith(b"\xff\xd9"):
        raise ValueError
    kept, place, width, height = [raw[:2]], 2, 0, 0
    for _ in range(PIECES):
        if raw[place] != 0xFF:
            raise ValueError
        marker = raw[place + 1]
        length = struct.unpack_from(">H", raw, place + 2)[0]
        end = place + 2 + length
        if length < 2 or end > len(raw):
            raise ValueError
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", raw, place + 5)
        if marker not in _JPEG_EXTRAS:
            kept.append(raw[place:end])
        if marker == 0xDA:  # the scan: compressed data until the end
            kept.append(raw[end:])
            return b"".join(kept), width, height
        place = end
    raise ValueError


def _gif(raw: bytes) -> tuple[bytes, int, int]:
    if raw[:6] not in (b"GIF87a", b"GIF89a") or not raw.endswith(b";"):
        raise ValueError
    width, height = struct.unpack_from("<HH", raw, 6)
    return raw, width, height


_READERS: dict[str, Callable[[bytes], tuple[bytes, int, int]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
}
