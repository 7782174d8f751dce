"""PIL images as raw pixels: no picture format is parsed on either side."""

from __future__ import annotations

from typing import Any

from jupyter_autocoder.sandbox.codec.parts import PartReader, PartWriter, Uncrossable, expect

PIXELS = 64 * 2**20
# Bits per pixel of the modes that are nothing but their pixels (P has a palette).
BITS = {"1": 1, "L": 8, "P": 8, "LA": 16, "RGB": 24, "RGBA": 32, "CMYK": 32, "YCbCr": 24, "HSV": 24, "I": 32, "F": 32}
BITS |= {"I;16": 16, "LAB": 24}


def is_picture(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)


def refuse(value: Any) -> None:
    """Raise Uncrossable where a picture is of no mode or size that can cross."""
    if value.mode not in BITS:
        raise Uncrossable(f"picture of mode {value.mode}", 'its .convert("RGB") can cross')
    if value.width * value.height > PIXELS:
        raise Uncrossable("picture", f"it has more than {PIXELS:,} pixels; a smaller .resize(...) can cross")


def write(value: Any, parts: PartWriter) -> Any:
    """Mode, size, palette and the part with the pixels; EXIF and other extras stay behind."""
    refuse(value)
    number, path = parts.new()
    with open(path, "wb") as file:
        file.write(value.tobytes())
    palette = list(value.getpalette("RGB") or []) if value.mode == "P" else []
    return [value.mode, value.width, value.height, number, palette]


def read(data: Any, parts: PartReader) -> Any:
    from PIL import Image

    expect(isinstance(data, list) and len(data) == 5, "a picture")
    mode, width, height, number, palette = data
    expect(isinstance(mode, str) and mode in BITS, "a mode")
    expect(type(width) is int and type(height) is int and width >= 0 and height >= 0, "a size")
    expect(width * height <= PIXELS and max(width, height) <= 2**20, "a picture of a bearable size")
    pixels = parts.read(number)
    expect(len(pixels) == (width * BITS[mode] + 7) // 8 * height, "as many pixels as the picture says")
    picture = (
        Image.frombytes(mode, (width, height), bytes(pixels)) if width * height else Image.new(mode, (width, height))
    )
    if palette:
        expect(mode == "P" and isinstance(palette, list) and len(palette) <= 768, "a palette")
        expect(all(type(n) is int and 0 <= n < 256 for n in palette), "a palette of bytes")
        picture.putpalette(palette)
    return picture
