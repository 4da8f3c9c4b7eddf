"""Draws captchas: characters that are turned, overlap and are crossed by lines, seen in waves."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.colors import (
    Color,
    as_rgb,
    least_contrast,
    levels_of,
    luminance,
    random_color,
    text_color,
)
from aocr.synthesis.drawing.effects import add_noise, blur
from aocr.synthesis.drawing.lettering import (
    Pen,
    Scatter,
    draw_near_height,
    draw_scattered,
)
from aocr.synthesis.drawing.subject import Subject
from aocr.synthesis.fonts.shaping import needs_shaping

BACKGROUNDS = {"plain": 0.4, "gradient": 0.35, "noise": 0.15, "texture": 0.1}

SIZE = 1.25
"""Pixels per em of the characters, relative to the height of the image."""


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a captcha."""
    strength = subject.strength
    ink = _place(_letter(subject, rng), subject, rng)
    canvas = subject.backdrop.paint(ink.size, BACKGROUNDS, 4 + 12 * strength, rng)
    colors = _colors(canvas, len(ink.getbands()), strength, rng)
    for band, color in zip(ink.split(), colors, strict=True):
        canvas.paste(as_rgb(color), mask=band)
    _cross(canvas, colors[0], strength, rng)
    _speckle(canvas, colors[0], strength, rng)
    return add_noise(blur(canvas, 0.4 * strength, rng), 0.6 * strength, rng)


def _letter(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns the characters as one mask, or as three, the bands of an image of mode `RGB`."""
    file, strength = subject.font(rng), subject.strength
    size = round(SIZE * subject.height)
    pen = Pen(file, size, size * 0.025 * rng.random())
    if needs_shaping(subject.text):
        return draw_near_height(subject.text, pen, subject.height)
    scatter = Scatter(
        degrees=4 + 24 * strength * rng.random(),
        scale=0.25 * strength * rng.random(),
        lift=0.15 * strength * rng.random(),
        overlap=0.03 + 0.1 * strength * rng.random(),
        layers=3 if rng.random() < 0.3 else 1,
    )
    fonts = subject.fonts if rng.random() < 0.5 * strength else (file,)
    masks = draw_scattered(subject.text, fonts, pen, scatter, rng)
    return Image.merge("RGB", masks) if len(masks) == 3 else masks[0]


def _place(ink: Image.Image, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Moves the characters in waves, tilts them, and leaves margins around them."""
    strength, size = subject.strength, ink.size
    amplitude = 0.12 * strength * size[1] * rng.random()
    padded = ImageOps.expand(ink, math.ceil(amplitude) + 1)
    waves = [
        geometry.Wave(amplitude * part, size[1] * rng.uniform(1.2, 3.5), rng.uniform(0, 6.3))
        for part in (1.0, 0.6)
    ]
    tilt = geometry.Tilt(
        geometry.most_degrees(size, 8 * strength * rng.uniform(-1, 1)),
        0.3 * strength * rng.uniform(-1, 1),
        0.1 * strength * rng.random(),
    )
    beside, above = rng.uniform(0.05, 0.15 + 0.5 * strength, 2), rng.uniform(0.03, 0.12, 2)
    margins = (beside[0], above[0], beside[1], above[1])
    corners = rng.uniform(-1, 1, (4, 2))
    framed = geometry.frame(padded.size, geometry.View(subject.height, margins, tilt, corners))
    moved = geometry.ripple(*waves)
    (seen,) = geometry.warp([padded], framed.size, lambda points: moved(framed.place(points)))
    is_frayed = rng.random() < 0.4 * strength and subject.height >= 36
    return _fray(seen, rng) if is_frayed else seen


def _fray(ink: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Frays edges: each pixel shows one that is up to 2 % of the height away."""
    width, height = ink.size
    far = max(1, round(0.02 * height))
    rows = np.clip(np.arange(height)[:, None] + _steps((height, width), far, rng), 0, height - 1)
    columns = np.clip(np.arange(width) + _steps((height, width), far, rng), 0, width - 1)
    return Image.fromarray(np.asarray(ink)[rows, columns])


def _steps(shape: tuple[int, int], far: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-far, far + 1, shape)


def _colors(
    canvas: Image.Image, count: int, strength: float, rng: np.random.Generator
) -> list[Color]:
    """Returns readable colours, all of them darker than the background, or all lighter."""
    contrast, saturation = least_contrast(strength), rng.random() if rng.random() < 0.6 else 0
    behind = levels_of(canvas)
    colors = [text_color(random_color(rng, saturation), behind, contrast, rng)]
    is_darker = luminance(colors[0]) < behind.mean
    while len(colors) < count:
        other = text_color(random_color(rng, 1), behind, contrast, rng)
        colors.append(other if (luminance(other) < behind.mean) == is_darker else colors[0])
    return colors


def _cross(canvas: Image.Image, color: Color, strength: float, rng: np.random.Generator) -> None:
    """Draws thin lines across: bent ones, mostly in the colour of the characters."""
    width, height = canvas.size
    for _ in range(rng.integers(0, 3 + round(strength))):
        mask = Image.new("L", (2 * width, 2 * height))  # drawn at twice the size: smooth edges
        thickness = max(2, round(2 * height * rng.uniform(0.015, 0.025 + 0.015 * strength)))
        ImageDraw.Draw(mask).line(_curve(width, height, rng), 255, thickness, joint="curve")
        own = color if rng.random() < 0.7 else random_color(rng, 1)
        canvas.paste(as_rgb(own), mask=mask.reduce(2))


def _curve(width: int, height: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Returns points of a line across an image, at twice its size: straight pieces or a wave."""
    first, last = sorted(rng.uniform(0, 2 * width, 2).tolist())
    first, last = min(first, 0.4 * width), max(last, 1.6 * width)
    if rng.random() < 0.5:
        corners = int(rng.integers(2, 5))
        xs = np.sort(np.concatenate([[first, last], rng.uniform(first, last, corners - 2)]))
        ys = rng.uniform(0.1, 1.9, corners) * height
    else:
        xs = np.linspace(first, last, 24)
        waves, phase = rng.uniform(0.5, 2.5), rng.uniform(0, 6.3)
        middle, amplitude = rng.uniform(0.6, 1.4), rng.uniform(0.1, 0.5)
        ys = (middle + amplitude * np.sin(xs / width * math.pi * waves + phase)) * height
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _speckle(canvas: Image.Image, color: Color, strength: float, rng: np.random.Generator) -> None:
    """Draws dots of one or two pixels."""
    if rng.random() > 0.8 * strength:
        return
    side = 1 if canvas.height < 40 else 2
    size = canvas.height // side + 1, canvas.width // side + 1
    least = 256 * (1 - 0.03 * strength * rng.random())
    dots = Image.fromarray(rng.integers(0, 256, size, np.uint8)).point(lambda v: 255 * (v >= least))
    whole = dots.resize((side * dots.width, side * dots.height), Image.Resampling.NEAREST)
    canvas.paste(as_rgb(color), mask=whole.crop((0, 0, *canvas.size)))
