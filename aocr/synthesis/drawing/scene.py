"""Draws words as they are photographed: on signs, shops and packages."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.colors import (
    CLUSTERS,
    as_weights,
    color_clusters,
    least_contrast,
    paint,
    random_color,
    text_color,
)
from aocr.synthesis.drawing.effects import photograph
from aocr.synthesis.drawing.lettering import Pen, draw_line, size_for_ink
from aocr.synthesis.drawing.subject import Subject

BACKGROUNDS = {"plain": 0.35, "gradient": 0.25, "noise": 0.1, "texture": 0.3}


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a photographed word: in perspective, sometimes curved, with shadow or outline."""
    mask = _place(_letter(subject, rng), subject, rng)
    strength, spread = subject.strength, 6 + 18 * subject.strength
    canvas = subject.backdrop.paint(mask.size, BACKGROUNDS, spread, rng)
    canvas = _add_edges(canvas, mask, strength, rng)
    canvas = _write(canvas, mask, strength, rng)
    return photograph(canvas, strength, rng)


def _letter(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Draws the word on a straight line, sometimes bold or spaced."""
    file = subject.font(rng)
    size = size_for_ink(subject.text, file, subject.height)
    stroke = round(size * 0.03 * rng.random()) if rng.random() < 0.3 else 0
    spacing = round(size * rng.uniform(0, 0.2)) if rng.random() < 0.25 * subject.strength else 0
    return draw_line(subject.text, Pen(file, size, stroke, spacing))


def _place(mask: Image.Image, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Bends and tilts the word, and leaves margins around it."""
    strength = subject.strength
    if rng.random() < 0.4 * strength and mask.width > 1.5 * mask.height:
        mask = _bend(mask, rng.uniform(-0.5, 0.5) * mask.height * strength)
    tilt = geometry.Tilt(
        degrees=geometry.most_degrees(mask.size, 12 * strength * rng.uniform(-1, 1)),
        shear=0.3 * strength * rng.uniform(-1, 1) if rng.random() < 0.5 else 0,
        perspective=0.3 * strength * rng.random() ** 2,
    )
    margins = tuple(rng.uniform(0.03, 0.08 + 0.08 * strength, 4))
    corners = rng.uniform(-1, 1, (4, 2))
    framed = geometry.frame(mask.size, subject.height, margins, tilt, corners)
    return geometry.warp([mask], framed.size, framed.mapping)[0]


def _bend(mask: Image.Image, bulge: float) -> Image.Image:
    padded = ImageOps.expand(mask, (0, round(abs(bulge) / 2) + 1))
    (bent,) = geometry.warp(
        [padded], padded.size, geometry.bend(padded.size, bulge), geometry.BENT_CELL
    )
    return bent.crop(bent.getbbox() or (0, 0, 1, 1))


def _write(
    canvas: np.ndarray, mask: Image.Image, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Paints the word in a readable colour, sometimes over a shadow or within an outline."""
    contrast = least_contrast(strength)
    kind = rng.random()
    if kind < 0.3 * strength:
        canvas = _shade(canvas, mask, rng)
    color = text_color(_hue(canvas, rng), canvas, contrast, rng)
    if 0.3 * strength < kind < 0.5 * strength and mask.height >= 40:
        outline = text_color(random_color(rng, rng.random()), color, contrast, rng)
        canvas = paint(canvas, as_weights(mask.filter(ImageFilter.MaxFilter(3))), outline)
    return paint(canvas, as_weights(mask) * (1 - 0.1 * strength * rng.random()), color)


def _hue(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a colour for the word: grey, any, or a main colour of the background.

    The last blends with the background, as in Gupta et al. (2016). `text_color` makes it readable.
    """
    kind = rng.random()
    if kind < 0.4:
        return random_color(rng, 0)
    if kind < 0.75:
        return random_color(rng, 1)
    return color_clusters(canvas, rng)[rng.integers(CLUSTERS)]


def _shade(canvas: np.ndarray, mask: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Darkens or lightens the background beside the letters a little."""
    far = max(1, mask.height // 24)
    shadow = Image.new("L", mask.size)
    shadow.paste(mask, tuple(rng.integers(-far, far + 1, 2).tolist()))
    shadow = shadow.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    shade = np.full(3, 0 if rng.random() < 0.7 else 255, np.float32)
    return paint(canvas, as_weights(shadow) * rng.uniform(0.15, 0.4), shade)


def _add_edges(
    canvas: np.ndarray, mask: Image.Image, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Paints the edge of a sign beside the word, in rows and columns that have no ink."""
    box = mask.getbbox()
    if not box or rng.random() > 0.4 * strength:
        return canvas
    free = np.ones(canvas.shape[:2], np.float32)
    part = rng.uniform(0.2, 0.8, 4)
    left, top = round(box[0] * part[0]), round(box[1] * part[1])
    right = mask.width - round((mask.width - box[2]) * part[2])
    bottom = mask.height - round((mask.height - box[3]) * part[3])
    sides = rng.random(4) < 0.5
    free[top if sides[0] else 0 : bottom if sides[1] else None,
         left if sides[2] else 0 : right if sides[3] else None] = 0  # fmt: skip
    return paint(canvas, free, random_color(rng, rng.random()))
