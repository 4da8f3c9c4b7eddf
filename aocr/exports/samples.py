"""Draws or reads the images that an export and its model are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aocr.data.records import files
from aocr.data.records.schema import text_of
from aocr.util.errors import UserError
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


class Samples(NamedTuple):
    """Holds images, and what is known of them.

    Attributes:
        images: encoded images.
        labels: their texts; None if they are drawn images, which a model need not be able to read.
        name: the name of their dataset; "sample images" for drawn ones.
    """

    images: list[bytes]
    labels: list[str] | None = None
    name: str = "sample images"


def drawn_samples() -> Samples:
    """Returns a few images of words and of noise."""
    return Samples(sample_images())


def dataset_samples(paths: Sequence[str], limit: int | None = None) -> Samples:
    """Returns the images of a dataset with their labels.

    Args:
        paths: TFRecord files, folders or globs.
        limit: number of images after which to stop; None reads all.

    Raises:
        UserError: a file cannot be read, or there is no image.
    """
    images: list[bytes] = []
    labels: list[str] = []
    for record in files.read(files.expand(paths)):
        if limit is not None and len(images) == limit:
            break
        images.append(record.image)
        labels.append(text_of(record.label))
    if not images:
        raise UserError(f"{', '.join(paths)} holds no images: name another dataset")
    return Samples(images, labels, ", ".join(paths))
