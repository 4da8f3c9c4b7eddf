"""Draws one image: chooses text, font and size, and leaves the rest to a style."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from aocr.synthesis.drawing import captcha, document, plate, scene
from aocr.synthesis.drawing.backgrounds import backdrop_of
from aocr.synthesis.drawing.subject import Subject
from aocr.synthesis.fonts.choice import FontSet
from aocr.synthesis.options import DEFAULT_HEIGHTS, LookOptions, Span
from aocr.synthesis.texts.sources import TextSource
from aocr.synthesis.weighted import Likeness, Size
from aocr.util.errors import UserError
from aocr.util.text.drawing import encode_image

DRAWERS: dict[str, Callable[[Subject, np.random.Generator], Image.Image]] = {
    "scene": scene.draw,
    "captcha": captcha.draw,
    "plate": plate.draw,
    "document": document.draw,
}
"""The function that draws each of `options.STYLES`."""

ATTEMPTS = 1000
"""Texts that are proposed for one image until a font can draw one."""

LEAST_SQUEEZE, MOST_STRETCH = 0.6, 1.7
"""Factors that an image's width is changed by at most to reach that of a real one."""

MAX_WIDTH = 16_384
"""Largest width of an image in pixels."""

PNG_COMPRESSION = 3
"""Level of zlib: twice as fast as the usual 6, for files a few percent larger."""


class Plan(NamedTuple):
    """Says what to draw; the same plan gives the same images in every process.

    Attributes:
        source: the source of the texts.
        fonts: draw them.
        looks: what the images look like.
        background_files: images to draw on, perhaps none.
        likeness: sizes that the images get; None for those of `looks`.
        seed: the source of everything random, together with the index of an image.
    """

    source: TextSource
    fonts: FontSet
    looks: LookOptions
    background_files: tuple[str, ...]
    likeness: Likeness | None
    seed: int


class Drawn(NamedTuple):
    """Holds an image file and the text on it.

    Attributes:
        encoded: the image file.
        text: the text.
        replaced: number of texts that were proposed before it and that no font can draw.
        problems: what is wrong with background files that were passed over for it.
    """

    encoded: bytes
    text: str
    replaced: int
    problems: tuple[str, ...]


def draw_image(plan: Plan, index: int) -> Drawn:
    """Draws the image of an index. Depends on the plan and the index alone.

    Raises:
        UserError: no font can draw any of `ATTEMPTS` texts, or no background can be decoded.
    """
    rng = np.random.default_rng((plan.seed, index))
    text, replaced = _choose_text(plan, index, rng)
    fonts = plan.fonts.having(text)
    size = _choose_size(plan, text, rng)
    looks = plan.looks
    backdrop, problems = backdrop_of(looks.background, plan.background_files, (plan.seed, index))
    subject = Subject(text, fonts, size.height, looks.strength, backdrop)
    image = DRAWERS[looks.style](subject, rng)
    image = _fit_width(image, size.width)
    return Drawn(_encode(image, looks, rng), text, replaced, problems)


def _choose_text(plan: Plan, index: int, rng: np.random.Generator) -> tuple[str, int]:
    """Returns a text that a font can draw, and how many were proposed before it."""
    for replaced in range(ATTEMPTS):
        text = plan.source.propose(index, rng)
        if text and plan.fonts.holders_of(text):
            return text, replaced
    raise UserError(
        f"no font has all characters of any of {ATTEMPTS} texts: give other texts, or other fonts "
        "with --fonts"
    )


def _choose_size(plan: Plan, text: str, rng: np.random.Generator) -> Size:
    span = plan.looks.heights or (None if plan.likeness else Span(*DEFAULT_HEIGHTS))
    height = int(rng.integers(span.least, span.most + 1)) if span else None
    if plan.likeness:
        return plan.likeness.size(len(text), height, rng)
    assert height
    return Size(height)


def _fit_width(image: Image.Image, width: int | None) -> Image.Image:
    """Stretches or squeezes an image towards a width."""
    wanted = image.width if width is None else width
    least, most = image.width * LEAST_SQUEEZE, image.width * MOST_STRETCH
    fitting = round(min(max(wanted, least), most, MAX_WIDTH))
    if fitting == image.width:
        return image
    return image.resize((max(1, fitting), image.height), Image.Resampling.BICUBIC)


def _encode(image: Image.Image, looks: LookOptions, rng: np.random.Generator) -> bytes:
    if looks.image_format == "png":
        return encode_image(image, "PNG", compress_level=PNG_COMPRESSION)
    worst = round(95 - 60 * looks.strength)
    return encode_image(image, "JPEG", quality=int(rng.integers(worst, 96)))
