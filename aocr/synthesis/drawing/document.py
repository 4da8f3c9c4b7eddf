"""Draws lines of print as they are scanned: dark on paper, almost straight."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.backgrounds import smooth_noise
from aocr.synthesis.drawing.colors import as_weights, paint
from aocr.synthesis.drawing.effects import add_noise, blur, to_image
from aocr.synthesis.drawing.lettering import Pen, draw_line, size_for_ink
from aocr.synthesis.drawing.subject import Subject

PAPER = {"plain": 1.0}
DARKEST_PAPER = 190.0
"""Grey level; the ink stays `colors.LARGEST_CONTRAST` below it."""


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a scanned line, grey: worn ink on unevenly lit paper, sometimes black and white."""
    strength = subject.strength
    mask = _place(_letter(subject, rng), subject, rng)
    ink = _wear(as_weights(mask), strength, rng)
    paper = _paper(mask.size, subject, rng)
    grey = float(rng.uniform(0, 70))
    image = to_image(paint(paper, ink, np.full(3, grey, np.float32))).convert("L")
    image = add_noise(blur(image, 0.8 * strength, rng), 0.6 * strength, rng)
    return _threshold(image, rng) if rng.random() < 0.6 * strength else image


def _letter(subject: Subject, rng: np.random.Generator) -> Image.Image:
    file = subject.font(rng)
    size = size_for_ink(subject.text, file, subject.height * 0.8)
    words = round(size * rng.uniform(0, 0.5)) if rng.random() < 0.5 else 0  # justified lines
    return draw_line(subject.text, Pen(file, size, word_spacing=words))


def _place(mask: Image.Image, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Turns the line a little, and leaves margins around it."""
    strength = subject.strength
    degrees = 2 * strength * rng.uniform(-1, 1)
    tilt = geometry.Tilt(geometry.most_degrees(mask.size, degrees), 0, 0)
    margins = tuple(rng.uniform(0.06, 0.12 + 0.12 * strength, 4))
    framed = geometry.frame(mask.size, subject.height, margins, tilt, np.zeros((4, 2)))
    return geometry.warp([mask], framed.size, framed.mapping)[0]


def _wear(ink: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns ink that is thin in some places, spread or eroded."""
    height, width = ink.shape
    faint = smooth_noise((width, height), height / 4, height / 4, rng)
    ink = ink * np.clip(1 - 0.25 * strength * np.abs(faint), 0.4, 1)
    gain = 1 + 0.6 * strength * rng.uniform(-0.5, 1)  # above 1 the edges of the ink spread
    return np.clip(ink * gain, 0, 1)


def _paper(size: tuple[int, int], subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """Returns paper, float32 `[H, W, 3]`: light, with stains and uneven light."""
    strength, backdrop = subject.strength, subject.backdrop
    if backdrop.file or backdrop.kind:
        canvas = backdrop.paint(size, PAPER, 4 + 16 * strength, rng)
        return np.clip(canvas + (230 - canvas.mean()), DARKEST_PAPER, 255)
    level = rng.uniform(250 - 35 * strength, 255)
    stains = smooth_noise(size, size[1] * 2, size[1] * 2, rng) * 10 * strength * rng.random()
    grain = rng.standard_normal((size[1], size[0]), np.float32) * 4 * strength * rng.random()
    paper = np.clip(level + stains + grain, DARKEST_PAPER, 255)
    return np.repeat(paper[..., np.newaxis], 3, axis=2).astype(np.float32)


def _threshold(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Returns the line in black and white, as fax machines send it, with slightly soft edges."""
    level = rng.uniform(120, 160)
    return image.point(lambda grey: 255 if grey > level else 0).filter(
        ImageFilter.GaussianBlur(0.4)
    )
