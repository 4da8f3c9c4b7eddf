"""Draws words as they are photographed: on signs, shops and packages."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.backgrounds import gradient
from aocr.synthesis.drawing.colors import (
    CLUSTERS,
    LARGEST_CONTRAST,
    Color,
    Levels,
    as_rgb,
    color_clusters,
    least_contrast,
    levels_of,
    luminance,
    random_color,
    text_color,
    with_luminance,
)
from aocr.synthesis.drawing.effects import photograph, scaled
from aocr.synthesis.drawing.lettering import Pen, draw_near_height
from aocr.synthesis.drawing.rows import Rows, add_rows
from aocr.synthesis.drawing.subject import Subject

BACKGROUNDS = {"plain": 0.25, "gradient": 0.25, "noise": 0.05, "texture": 0.25, "clutter": 0.2}

SIZE = 1.3
"""Pixels per em of the words, relative to the height of the image: few are enlarged afterwards."""


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a photographed word: in perspective, sometimes curved, with shadow or outline."""
    strength, spread = subject.strength, 8 + 20 * subject.strength
    rows = add_rows(_letter(subject, rng), 0.25 * strength, 2, rng)
    mask = _place(rows, subject, rng)
    canvas = subject.backdrop.paint(mask.size, BACKGROUNDS, spread, rng)
    _add_edges(canvas, mask, strength, rng)
    _write(canvas, mask, strength, rng)
    return photograph(canvas, strength, rng)


def _letter(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Draws the word on a straight line, sometimes bold or spaced."""
    file, size = subject.font(rng), round(SIZE * subject.height)
    stroke = size * 0.03 * rng.random() if rng.random() < 0.2 else 0.0
    widest = 0.25 * subject.strength
    spacing = round(size * rng.uniform(-0.04, widest)) if rng.random() < widest else 0
    return draw_near_height(subject.text, Pen(file, size, stroke, spacing), subject.height)


def _place(rows: Rows, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Bends and tilts the word, and leaves margins around it, none where another row is cut."""
    strength, mask = subject.strength, rows.mask
    stretch = 2 ** (0.8 * strength * rng.uniform(-1, 1)) if rng.random() < 0.4 else 1.0
    tilt = geometry.Tilt(
        degrees=geometry.most_degrees(mask.size, 12 * strength * rng.uniform(-1, 1)),
        shear=0.3 * strength * rng.uniform(-1, 1) if rng.random() < 0.5 else 0,
        perspective=0.3 * strength * rng.random() ** 2,
        stretch=stretch,
    )
    widest = 0.3 if rng.random() < 0.3 * strength else 0.08 + 0.08 * strength
    left, top, right, bottom = rng.uniform(-0.03 * strength, widest, 4)
    margins = (left, 0.0 if rows.above else top, right, 0.0 if rows.below else bottom)
    corners = rng.uniform(-1, 1, (4, 2))
    is_bent = rng.random() < 0.3 * strength and mask.width > 1.5 * mask.height
    bulge = rng.uniform(-0.5, 0.5) * mask.height * strength if is_bent else 0.0
    return _see(mask, bulge, geometry.View(subject.height, margins, tilt, corners))


def _see(mask: Image.Image, bulge: float, view: geometry.View) -> Image.Image:
    """Returns a mask in perspective, its middle `bulge` pixels above its ends."""
    if not bulge:
        return geometry.frame(mask.size, view).see(mask)
    free = round(abs(bulge) / 2) + 1
    padded = Image.new("L", (mask.width, mask.height + 2 * free))
    padded.paste(mask, (0, free))
    framed, bent = geometry.frame(padded.size, view), geometry.bend(padded.size, bulge)
    (seen,) = geometry.warp([padded], framed.size, lambda points: bent(framed.place(points)), 1000)
    return seen


def _write(
    canvas: Image.Image, mask: Image.Image, strength: float, rng: np.random.Generator
) -> None:
    """Paints the word in a readable colour, sometimes with a shadow, an outline or a glow."""
    contrast = least_contrast(strength)
    kind = rng.random() / strength if strength else math.inf
    if kind < 0.3:
        _shade(canvas, mask, rng)
    color = text_color(_hue(canvas, rng), levels_of(canvas), contrast, rng)
    if 0.3 < kind < 0.6 and mask.height >= 36:
        _surround(canvas, mask, color, rng)
    elif 0.6 < kind < 0.8:
        _emboss(canvas, mask, rng)
    is_shaded = 0.8 < kind < 1.1
    canvas.paste(_shaded(canvas.size, color, rng) if is_shaded else as_rgb(color), mask=mask)


def _hue(canvas: Image.Image, rng: np.random.Generator) -> Color:
    """Returns a colour for the word: grey, any, or a main colour of the background.

    The last blends with the background, as in Gupta et al. (2016). `text_color` makes it readable.
    """
    kind = rng.random()
    if kind < 0.4:
        return random_color(rng, 0)
    if kind < 0.85:
        return random_color(rng, 1)
    few = canvas.resize((24, 8), Image.Resampling.NEAREST)
    return color_clusters(few)[rng.integers(CLUSTERS)]


def _shaded(size: tuple[int, int], color: Color, rng: np.random.Generator) -> Image.Image:
    """Returns paint that goes from a colour to another of the same luminance."""
    other = with_luminance(random_color(rng, 1), float(luminance(color)))
    return gradient(size, [color, other], rng)


def _shade(canvas: Image.Image, mask: Image.Image, rng: np.random.Generator) -> None:
    """Darkens or lightens the background beside the letters a little."""
    far = max(1, mask.height // 20)
    shadow = _moved(mask, *rng.integers(-far, far + 1, 2).tolist())
    shadow = shadow.filter(ImageFilter.BoxBlur(rng.uniform(0.2, 2)))
    shade = 0 if rng.random() < 0.7 else 255
    canvas.paste((shade, shade, shade), mask=scaled(shadow, rng.uniform(0.15, 0.45)))


def _surround(
    canvas: Image.Image, mask: Image.Image, color: Color, rng: np.random.Generator
) -> None:
    """Paints an outline or a glow around the letters, which differs from them."""
    inside = Levels(float(luminance(color)), 0)
    around = text_color(random_color(rng, rng.random()), inside, LARGEST_CONTRAST, rng)
    radius, gain = (1.0, 6) if rng.random() < 0.6 else (rng.uniform(1.5, 3), 2.5)
    canvas.paste(as_rgb(around), mask=scaled(mask.filter(ImageFilter.BoxBlur(radius)), gain))


def _emboss(canvas: Image.Image, mask: Image.Image, rng: np.random.Generator) -> None:
    """Paints a light and a dark edge on opposite sides of the letters, as of raised ones."""
    side = 1 if rng.random() < 0.5 else -1
    for shade, far in ((255, -side), (0, side)):
        edge = scaled(_moved(mask, far, far), 0.6)
        canvas.paste((shade, shade, shade), mask=edge)


def _moved(mask: Image.Image, x: int, y: int) -> Image.Image:
    moved = Image.new("L", mask.size)
    moved.paste(mask, (x, y))
    return moved


def _add_edges(
    canvas: Image.Image, mask: Image.Image, strength: float, rng: np.random.Generator
) -> None:
    """Paints the edge of a sign beside the word, in rows and columns that have no ink."""
    box = mask.getbbox()
    if not box or rng.random() > 0.4 * strength:
        return
    part, color = rng.uniform(0.2, 0.8, 4), as_rgb(random_color(rng, rng.random()))
    left, top = round(box[0] * part[0]), round(box[1] * part[1])
    right = mask.width - round((mask.width - box[2]) * part[2])
    bottom = mask.height - round((mask.height - box[3]) * part[3])
    strips = [
        (0, 0, left, mask.height),
        (0, 0, mask.width, top),
        (right, 0, mask.width, mask.height),
        (0, bottom, mask.width, mask.height),
    ]
    for strip, is_there in zip(strips, rng.random(4) < 0.5, strict=True):
        if is_there:
            canvas.paste(color, strip)
