"""The looks of the images: one file a style."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from aocr.synthesis.drawing import captcha, document, plate, scene
from aocr.synthesis.drawing.subject import Subject

DRAWERS: dict[str, Callable[[Subject, np.random.Generator], Image.Image]] = {
    "scene": scene.draw,
    "captcha": captcha.draw,
    "plate": plate.draw,
    "document": document.draw,
}
"""The function that draws each of `options.STYLES`."""


def draw(style: str, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns an image of a text in a style, of the subject's height."""
    return DRAWERS[style](subject, rng)
