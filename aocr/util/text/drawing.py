"""Draws images and characters for people to look at."""

from __future__ import annotations

import functools
import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr.util.errors import UserError, first_line

MIN_HEIGHT, MAX_HEIGHT, MAX_WIDTH = 80, 256, 1000
"""Limits, in pixels, that an image is scaled to for display."""

MIN_SIDE = 16
"""Smallest width and height, in pixels, of an image scaled for display."""

FONT_SIZE, SMALL_FONT_SIZE = 28, 14  # pixels
BACKGROUND, ACCENT = (27, 28, 34), (255, 176, 0)  # RGB
FOREGROUND, MUTED = (255, 255, 255), (105, 107, 116)  # RGB

UNASSIGNED = "\U0010ffff"
"""A noncharacter. Every font draws its "missing glyph" sign for it."""


def decode_for_display(encoded: bytes, index: int) -> Image.Image:
    """Decodes an image file to the RGB image that an image viewer shows.

    Transparent pixels are blended with white, and 16-bit grey levels are scaled to 8 bits. An
    orientation in the EXIF data is ignored.

    Args:
        encoded: the content of the image file.
        index: number of the image, for the error message.

    Raises:
        UserError: Pillow cannot decode the image.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(encoded))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"image {index} cannot be drawn: {first_line(error)}") from error
    if image.mode.startswith("I"):
        image = _to_8_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def scale_for_display(image: Image.Image) -> Image.Image:
    """Enlarges an image that is too small to see, and shrinks one that is too large for a page."""
    width, height = image.size
    scale = min(max(1, MIN_HEIGHT / height), MAX_HEIGHT / height, MAX_WIDTH / width)
    size = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    return image.resize(size, Image.Resampling.BICUBIC)


def encode_image(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Returns an image as the content of an image file.

    Args:
        image: the image.
        file_format: a format of Pillow, such as "PNG".
        options: keyword arguments of Pillow's `Image.save` for this format.
    """
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@functools.cache
def glyph(character: str) -> Image.Image:
    """Returns one character as a mask, an image of mode `L`.

    A space is drawn as an open box, and a character that the font lacks as its code point.
    """
    mask = _ink(character, FONT_SIZE)
    if character == " ":
        return _open_box(mask.height)
    if mask.getbbox() is not None and mask != _ink(UNASSIGNED, FONT_SIZE):
        return mask
    code = _ink(f" U+{ord(character):04X} ", SMALL_FONT_SIZE)
    centred = Image.new("L", (code.width, mask.height))
    centred.paste(code, (0, (mask.height - code.height) // 2))
    return centred


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Converts 16-bit grey to mode `L`, or to `LA` if the file defines a transparent level."""
    levels = np.asarray(image).astype(np.int64)
    grey = Image.fromarray(np.clip((levels + 128) // 257, 0, 255).astype(np.uint8))
    if "transparency" in image.info:
        is_opaque = levels != image.info["transparency"]
        grey.putalpha(Image.fromarray(np.where(is_opaque, 255, 0).astype(np.uint8)))
    return grey


def _ink(text: str, size: int) -> Image.Image:
    """Draws text as a mask of mode `L`.

    The mask is as wide as the text's advance and as high as a line, 5/4 of the font size.
    """
    font = ImageFont.load_default(size)
    mask = Image.new("L", (math.ceil(font.getlength(text)), size * 5 // 4))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    return mask


def _open_box(height: int) -> Image.Image:
    """Draws the sign for a space, like U+2423, as a mask of mode `L`."""
    mask = Image.new("L", (height // 2, height))
    left, right, top, bottom = 3, mask.width - 4, round(0.7 * height), round(0.85 * height)
    corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
    ImageDraw.Draw(mask).line(corners, fill=255, width=2)
    return mask
