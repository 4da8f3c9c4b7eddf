"""Draws images and characters for people."""

from __future__ import annotations

import functools
import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr.util.errors import UserError

MIN_HEIGHT, MAX_HEIGHT, MAX_WIDTH, MIN_SIDE = 80, 256, 1000, 16  # of an image as drawn, pixels
FONT_SIZE, SMALL_FONT_SIZE = 28, 14  # pixels
UNASSIGNED = "\U0010ffff"  # a noncharacter: every font draws its "no such glyph" for it
BACKGROUND, ACCENT, READ, UNREAD = (27, 28, 34), (255, 176, 0), (255, 255, 255), (105, 107, 116)


def decode(encoded: bytes, index: int) -> Image.Image:
    """Encoded file --> RGB as an image viewer shows it, what is transparent over white.

    An orientation noted in its EXIF data is not followed: the model does not follow it either.

    Raises:
        UserError: not an image; the message has the `index`.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(encoded))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"image {index} cannot be drawn: {error}") from error
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def fit(picture: Image.Image) -> Image.Image:
    """Enlarges what is too small to see, shrinks what is too large for a page."""
    width, height = picture.size
    scale = min(max(1, MIN_HEIGHT / height), MAX_HEIGHT / height, MAX_WIDTH / width)
    size = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    return picture.resize(size, Image.Resampling.BICUBIC)


@functools.cache
def glyph(character: str) -> Image.Image:
    """One character as a mask (mode `L`): a space as an open box, no glyph as its code point."""
    ink = _ink(character, FONT_SIZE)
    if character == " ":
        return _open_box(ink.height)
    if ink.getbbox() is not None and ink != _ink(UNASSIGNED, FONT_SIZE):
        return ink
    code = _ink(f" U+{ord(character):04X} ", SMALL_FONT_SIZE)
    mask = Image.new("L", (code.width, ink.height))
    mask.paste(code, (0, (ink.height - code.height) // 2))
    return mask


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Image --> the bytes of a file; the options are those of Pillow's `save`."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey --> `L`, or `LA` where the file names a transparent level."""
    levels = np.asarray(image).astype(np.int64)
    grey = Image.fromarray(np.clip((levels + 128) // 257, 0, 255).astype(np.uint8))
    if "transparency" in image.info:
        opaque = levels != image.info["transparency"]
        grey.putalpha(Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8)))
    return grey


def _ink(text: str, size: int) -> Image.Image:
    """Text as a mask (mode `L`), as wide as its advance, as high as a line: 5/4 of the font."""
    font = ImageFont.load_default(size)
    mask = Image.new("L", (math.ceil(font.getlength(text)), size * 5 // 4))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    return mask


def _open_box(height: int) -> Image.Image:
    """The mark of a space, as U+2423 has it."""
    mask = Image.new("L", (height // 2, height))
    left, right, top, bottom = 3, mask.width - 4, round(0.7 * height), round(0.85 * height)
    corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
    ImageDraw.Draw(mask).line(corners, fill=255, width=2)
    return mask
