"""Draws plates of vehicles, and meters: evenly spaced characters of high contrast in a frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.colors import as_rgb
from aocr.synthesis.drawing.effects import photograph, scaled
from aocr.synthesis.drawing.lettering import Pen, draw_cells, draw_near_height
from aocr.synthesis.drawing.subject import Subject
from aocr.synthesis.fonts.plain import plain_face
from aocr.synthesis.fonts.shaping import clusters, needs_shaping

SURROUNDINGS = {"plain": 0.5, "gradient": 0.2, "texture": 0.3}

SCHEMES = (
    ((245, 245, 240), (15, 15, 20)),
    ((250, 200, 30), (15, 15, 15)),
    ((25, 70, 185), (245, 245, 245)),
    ((20, 20, 25), (235, 235, 230)),
    ((20, 90, 50), (240, 240, 235)),
    ((245, 245, 240), (150, 15, 25)),
    ((245, 245, 240), (20, 40, 120)),
)
"""Colours of plates and of their characters, as RGB."""

SIZE = 1.4
"""Pixels per em of characters, relative to their height: capitals have about 0.7 of an em."""

SUPERSAMPLING = 1.25
"""Height of a plate before it is photographed, relative to the height of the image."""


class _Plate(NamedTuple):
    """Holds a plate seen from the front.

    Attributes:
        picture: picture of mode `RGB`.
        outline: mask of mode `L`, white inside.
    """

    picture: Image.Image
    outline: Image.Image


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a photographed plate, or a meter for some texts of digits."""
    is_number = subject.text.isdecimal() and not needs_shaping(subject.text)
    make = _meter if is_number and rng.random() < 0.5 else _plate
    plate = make(subject, rng)
    strength, size = subject.strength, plate.picture.size
    tilt = geometry.Tilt(
        geometry.most_degrees(size, 8 * strength * rng.uniform(-1, 1)),
        0.25 * strength * rng.uniform(-1, 1),
        0.12 * strength * rng.random(),
    )
    margins = tuple(rng.uniform(-0.03, 0.03 + 0.15 * strength, 4))
    corners = rng.uniform(-1, 1, (4, 2))
    framed = geometry.frame(size, geometry.View(subject.height, margins, tilt, corners))
    soft = ImageFilter.BoxBlur(0.5)  # thin lines would become dashes
    canvas = subject.backdrop.paint(framed.size, SURROUNDINGS, 30, rng)
    picture = framed.see(plate.picture.filter(soft))
    canvas.paste(picture, mask=framed.see(plate.outline.filter(soft)))
    return photograph(_expose(canvas, strength, rng), strength, rng)


def _expose(image: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns the image darker, paler or tinted, as at night or in the sun."""
    contrast = 1 - 0.4 * strength * rng.random()
    image = scaled(image, contrast, rng.uniform(0, 1) * (1 - contrast) * 255)
    tint = as_rgb(255 * (1 - 0.25 * strength * rng.random(3)))
    return ImageChops.multiply(image, Image.new("RGB", image.size, tint))


def _plate(subject: Subject, rng: np.random.Generator) -> _Plate:
    """Draws characters on a board with a border."""
    board, ink = (
        np.clip(np.array(color) + rng.uniform(-20, 20, 3), 0, 255)
        for color in SCHEMES[rng.integers(len(SCHEMES))]
    )
    height = subject.height * SUPERSAMPLING
    mask = _letter(subject, round(height * rng.uniform(0.58, 0.78)), rng)
    size = round(mask.width + height * rng.uniform(0.2, 0.6)), round(height)
    picture = Image.new("RGB", size, as_rgb(board))
    radius = round(height * rng.uniform(0, 0.15))
    if rng.random() < 0.7:
        picture.paste(as_rgb(ink), mask=_border(size, radius, rng))
    place = (size[0] - mask.width) // 2, (size[1] - mask.height) // 2
    picture.paste(as_rgb(ink), (*place, place[0] + mask.width, place[1] + mask.height), mask)
    return _Plate(picture, _rounded(size, radius))


def _letter(subject: Subject, height: int, rng: np.random.Generator) -> Image.Image:
    """Draws the characters in cells of one width; bold, because plates are read from afar."""
    file = plain_face(subject.fonts, rng)
    size = round(SIZE * height)
    pen = Pen(file, size, size * rng.uniform(0, 0.03))
    if needs_shaping(subject.text):
        return draw_near_height(subject.text, pen, height)
    pitch, width = rng.uniform(0.62, 0.85) * height, rng.uniform(0.8, 0.95)
    cells = draw_cells(subject.text, pen, (max(2, round(pitch * width)), height))
    places, x = [], 0.0
    for part in clusters(subject.text):
        places.append(round(x))
        x += pitch * (0.5 if part == " " else 1)
    row = Image.new("L", (round(x), height))
    for cell, place in zip(cells, places, strict=True):
        row.paste(cell, (place, 0), cell)
    return row


def _rounded(size: tuple[int, int], radius: int) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return mask


def _border(size: tuple[int, int], radius: int, rng: np.random.Generator) -> Image.Image:
    mask = Image.new("L", size)
    inset = round(size[1] * rng.uniform(0.02, 0.05))  # Pillow 10.1 fails on parts of pixels
    box = (inset, inset, size[0] - 1 - inset, size[1] - 1 - inset)
    width = max(1, round(size[1] * rng.uniform(0.015, 0.035)))
    ImageDraw.Draw(mask).rounded_rectangle(box, radius, outline=255, width=width)
    return mask


def _meter(subject: Subject, rng: np.random.Generator) -> _Plate:
    """Draws each digit on a drum behind a window of its own; the last ones may be red."""
    height = round(subject.height * SUPERSAMPLING)
    digits = clusters(subject.text)
    window = round(height * rng.uniform(0.5, 0.7)), round(height * rng.uniform(0.75, 0.95))
    gap = round(height * rng.uniform(0.03, 0.25))
    size = gap + len(digits) * (window[0] + gap), height
    shade = round(rng.uniform(30, 215))
    picture = Image.new("RGB", size, (shade, shade, shade))
    top = (height - window[1]) // 2
    for number, drum in enumerate(_drums(subject, window, rng)):
        picture.paste(drum, (gap + number * (window[0] + gap), top))
    return _Plate(picture, Image.new("L", size, 255))


def _drums(
    subject: Subject, window: tuple[int, int], rng: np.random.Generator
) -> list[Image.Image]:
    """Returns what is seen in each window: a digit on a cylinder, dark above and below."""
    file, (width, height) = plain_face(subject.fonts, rng), window
    ink_height = round(height * rng.uniform(0.6, 0.75))
    pen = Pen(file, round(SIZE * ink_height))
    cells = draw_cells(subject.text, pen, (round(width * 0.8), ink_height))
    bend = 255 * (1 - 0.6 * np.linspace(-1, 1, height) ** 2)
    light = Image.fromarray(bend.astype(np.uint8)[:, np.newaxis]).resize(window).convert("RGB")
    is_light = rng.random() < 0.35
    reds = int(rng.integers(0, 3)) if rng.random() < 0.5 else 0
    drums = []
    for number, cell in enumerate(cells):
        is_red = number >= len(cells) - reds and number > 0
        base = (170, 25, 25) if is_red else (225, 225, 220) if is_light else (25, 25, 28)
        ink = (15, 15, 15) if is_light and not is_red else (240, 240, 240)
        drum = Image.new("RGB", window, base)
        roll = round(0.07 * height * subject.strength * rng.uniform(-1, 1))
        left, top = (width - cell.width) // 2, (height - cell.height) // 2 + roll
        drum.paste(ink, (left, top, left + cell.width, top + cell.height), cell)
        drums.append(ImageChops.multiply(drum, light))
    return drums
