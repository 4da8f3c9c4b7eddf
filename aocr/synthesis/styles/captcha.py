"""Draws captchas: characters that are turned, overlap and are crossed by lines, seen in waves."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

from aocr.synthesis import geometry
from aocr.synthesis.colors import as_weights, least_contrast, paint, random_color, text_color
from aocr.synthesis.effects import add_noise, blur, to_image
from aocr.synthesis.lettering import Pen, Scatter, draw_line, draw_scattered, size_for_ink
from aocr.synthesis.shaping import needs_shaping
from aocr.synthesis.styles.subject import Subject

BACKGROUNDS = {"plain": 0.4, "gradient": 0.35, "noise": 0.15, "texture": 0.1}


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a captcha."""
    strength = subject.strength
    masks = _place(_letter(subject, rng), subject, rng)
    size = masks[0].size
    canvas = subject.backdrop.paint(size, BACKGROUNDS, 4 + 16 * strength, rng)
    canvas, color = _write(canvas, masks, strength, rng)
    canvas = _cross(canvas, color, strength, rng)
    canvas = _speckle(canvas, color, strength, rng)
    return add_noise(blur(to_image(canvas), 0.6 * strength, rng), 0.6 * strength, rng)


def _letter(subject: Subject, rng: np.random.Generator) -> list[Image.Image]:
    """Returns the characters as masks of one size; text whose letters join as a single one."""
    file, strength = subject.font(rng), subject.strength
    size = size_for_ink(subject.text, file, subject.height * 0.9)
    pen = Pen(file, size, round(size * 0.03 * rng.random()))
    if needs_shaping(subject.text):
        return [draw_line(subject.text, pen)]
    scatter = Scatter(
        degrees=4 + 30 * strength * rng.random(),
        scale=0.25 * strength * rng.random(),
        lift=0.2 * strength * rng.random(),
        overlap=0.03 + 0.1 * strength * rng.random(),
    )
    fonts = subject.fonts if rng.random() < 0.5 * strength else (file,)
    return draw_scattered(subject.text, fonts, pen, scatter, rng)


def _place(
    masks: list[Image.Image], subject: Subject, rng: np.random.Generator
) -> list[Image.Image]:
    """Moves the characters in waves, and leaves margins around them."""
    strength, size = subject.strength, masks[0].size
    amplitude = 0.12 * strength * size[1] * rng.random()
    border = math.ceil(amplitude) + 1
    padded = [ImageOps.expand(mask, border) for mask in masks]
    waves = [
        geometry.Wave(amplitude * part, size[1] * rng.uniform(1.2, 3.5), rng.uniform(0, 6.3))
        for part in (1.0, 0.6)
    ]
    padded = geometry.warp(padded, padded[0].size, geometry.ripple(*waves))
    if rng.random() < 0.6 * strength:
        padded = _fray(padded, rng)
    tilt = geometry.Tilt(
        geometry.most_degrees(size, 8 * strength * rng.uniform(-1, 1)),
        0.3 * strength * rng.uniform(-1, 1),
        0.1 * strength * rng.random(),
    )
    margins = (*rng.uniform(0.05, 0.15 + 0.5 * strength, 2), *rng.uniform(0.04, 0.2, 2))
    left, right, top, bottom = margins
    framed = geometry.frame(
        padded[0].size, subject.height, (left, top, right, bottom), tilt, rng.uniform(-1, 1, (4, 2))
    )
    return geometry.warp(padded, framed.size, framed.mapping)


def _fray(masks: list[Image.Image], rng: np.random.Generator) -> list[Image.Image]:
    """Frays edges: each pixel shows one that is up to 3 % of the height away."""
    width, height = masks[0].size
    far = max(1, round(0.03 * height))
    rows = np.clip(np.arange(height)[:, None] + _steps((height, width), far, rng), 0, height - 1)
    columns = np.clip(np.arange(width) + _steps((height, width), far, rng), 0, width - 1)
    return [Image.fromarray(np.asarray(mask)[rows, columns]) for mask in masks]


def _steps(shape: tuple[int, int], far: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-far, far + 1, shape)


def _write(
    canvas: np.ndarray, masks: list[Image.Image], strength: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Paints the characters, in one colour or each in its own; returns the last colour too."""
    contrast, one, background = least_contrast(strength), rng.random() < 0.7, canvas
    saturation = rng.random() if rng.random() < 0.6 else 0
    color = text_color(random_color(rng, saturation), background, contrast, rng)
    groups = [_merged(masks)] if one else masks
    for number, mask in enumerate(groups):
        if number:
            color = _same_side(color, background, contrast, rng)
        canvas = paint(canvas, as_weights(mask), color)
    return canvas, color


def _same_side(
    color: np.ndarray, background: np.ndarray, contrast: float, rng: np.random.Generator
) -> np.ndarray:
    """Returns another colour that is dark on the background if the given one is, else light."""
    mean, is_dark = background.mean(), color.mean() < background.mean()
    for _ in range(8):
        other = text_color(random_color(rng, 1), background, contrast, rng)
        if (other.mean() < mean) == is_dark:
            return other
    return color


def _merged(masks: list[Image.Image]) -> Image.Image:
    whole = masks[0]
    for mask in masks[1:]:
        whole = ImageChops.lighter(whole, mask)
    return whole


def _cross(
    canvas: np.ndarray, color: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Draws thin lines across: bent ones, mostly in the colour of the characters."""
    height, width = canvas.shape[:2]
    for _ in range(rng.integers(0, 2 + round(3 * strength))):
        mask = Image.new("L", (2 * width, 2 * height))  # drawn at twice the size: smooth edges
        thickness = max(2, round(2 * height * rng.uniform(0.015, 0.03 + 0.02 * strength)))
        ImageDraw.Draw(mask).line(_curve(width, height, rng), 255, thickness, joint="curve")
        weights = as_weights(mask.resize((width, height), Image.Resampling.BOX))
        own = color if rng.random() < 0.7 else random_color(rng, 1)
        canvas = paint(canvas, weights, own)
    return canvas


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


def _speckle(
    canvas: np.ndarray, color: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Draws dots of one or two pixels."""
    if rng.random() > 0.8 * strength:
        return canvas
    height, width = canvas.shape[:2]
    side = 1 if height < 40 else 2
    shape = (height // side + 1, width // side + 1)
    dots = rng.random(shape, np.float32) < 0.03 * strength * rng.random()
    whole = np.kron(dots, np.ones((side, side), np.float32))[:height, :width]
    return paint(canvas, whole, color)
