"""Draws the sample images that an export and its model are compared on."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr.util.text.drawing import encode_image


def sample_images() -> list[bytes]:
    """Returns encoded images of words and of noise, in several sizes, modes and file formats."""
    return [
        encode_image(_draw_word("HELLO", "L", (120, 40)), "PNG"),
        encode_image(_draw_word("2026", "RGB", (160, 60)), "JPEG"),
        encode_image(_draw_word("A WIDE ONE", "RGB", (400, 32)), "BMP"),
        encode_image(_draw_noise(), "PNG"),
    ]


def _draw_word(text: str, mode: str, size: tuple[int, int]) -> Image.Image:
    """Draws black text in the middle of a white image of `size`, width and height in pixels."""
    width, height = size
    picture = Image.new(mode, size, "white")
    font = ImageFont.load_default(height * 0.6)
    ImageDraw.Draw(picture).text((width / 2, height / 2), text, "black", font, anchor="mm")
    return picture


def _draw_noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, [40, 100, 3], np.uint8))
