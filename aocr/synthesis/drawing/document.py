"""Draws lines of print as they are scanned: dark on paper, almost straight."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from aocr.synthesis.drawing import geometry
from aocr.synthesis.drawing.backgrounds import blots
from aocr.synthesis.drawing.colors import as_rgb
from aocr.synthesis.drawing.effects import add_noise, blur, light, noise_of, reduce, scaled
from aocr.synthesis.drawing.lettering import Pen, draw_near_height
from aocr.synthesis.drawing.rows import Rows, add_rows
from aocr.synthesis.drawing.subject import Subject

PAPER = {"plain": 1.0}
DARKEST_PAPER, DARKEST_WORN_PAPER = 190.0, 150.0
"""Grey levels at strength 0 and 1; the darkest ink is `colors.least_contrast` below them."""

DARKEST_INK = 70  # grey level

SIZE = 1.2
"""Pixels per em of the text, relative to the height of the image."""


def draw(subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns a scanned line: worn ink on unevenly lit paper, sometimes black and white."""
    strength = subject.strength
    rows = add_rows(_letter(subject, rng), 0.3 * strength, 2, rng)
    mask = _place(rows, subject, rng)
    paper = _paper(mask.size, subject, rng)
    _show_through(paper, mask, strength, rng)
    grey = int(rng.uniform(0, DARKEST_INK))
    paper.paste(grey, mask=_wear(mask, strength, rng))
    _soil(paper, strength, rng)
    image = light(paper, 0.7 * strength, rng) if rng.random() < strength else paper
    image = reduce(blur(image, 0.7 * strength, rng), 0.6 * strength, rng)
    image = add_noise(image, strength, rng)
    kind = rng.random() / strength if strength else math.inf
    return _threshold(image, rng) if kind < 0.5 else _tint(image, rng) if kind < 1.1 else image


def _letter(subject: Subject, rng: np.random.Generator) -> Image.Image:
    file, size = subject.font(rng), round(SIZE * subject.height)
    words = round(size * rng.uniform(0, 0.5)) if rng.random() < 0.5 else 0  # justified lines
    pen = Pen(file, size, word_spacing=words if " " in subject.text else 0)
    return draw_near_height(subject.text, pen, subject.height * 0.8)


def _place(rows: Rows, subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Turns the line a little, and leaves margins around it, none where another row is cut."""
    strength, mask = subject.strength, rows.mask
    degrees = 3 * strength * rng.uniform(-1, 1)
    tilt = geometry.Tilt(geometry.most_degrees(mask.size, degrees), 0, 0)
    left, top, right, bottom = rng.uniform(0.03, 0.12 + 0.12 * strength, 4)
    margins = (left, 0.0 if rows.above else top, right, 0.0 if rows.below else bottom)
    view = geometry.View(subject.height, margins, tilt, np.zeros((4, 2)))
    return geometry.frame(mask.size, view).see(mask)


def _wear(mask: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    """Returns ink that is thin in some places, spread or eroded."""
    blot = mask.height / rng.uniform(3, 12)
    faint = blots(mask.size, blot, blot, rng)
    least = 1 - 0.5 * strength * rng.random()
    worn = ImageChops.multiply(mask, scaled(faint, 2.1 * (1 - least) + 0.01, 255 * least))
    gain = 1 + strength * rng.uniform(-0.4, 1.2)  # above 1 the edges of the ink spread
    if gain > 1.2:
        worn = worn.filter(ImageFilter.BoxBlur(0.012 * mask.height))
    return scaled(worn, gain)


def _paper(size: tuple[int, int], subject: Subject, rng: np.random.Generator) -> Image.Image:
    """Returns paper, an image of mode `L`: light, with stains and grain."""
    strength, backdrop = subject.strength, subject.backdrop
    darkest = DARKEST_PAPER + strength * (DARKEST_WORN_PAPER - DARKEST_PAPER)
    if backdrop.file or backdrop.kind:
        canvas = backdrop.paint(size, PAPER, 4 + 16 * strength, rng).convert("L")
        offset = 230 - float(np.asarray(canvas).mean())
        return canvas.point([round(min(max(v + offset, darkest), 255)) for v in range(256)])
    stains = blots(size, size[1] * rng.uniform(0.3, 3), size[1] * 2, rng)
    depth = 0.25 * strength * rng.random() ** 2
    level = rng.uniform(max(darkest, 250 - 100 * strength) + 255 * depth, 255)
    paper = scaled(stains, -depth, level) if depth else Image.new("L", size, round(level))
    grain = round(8 * strength * rng.random())
    return ImageChops.add(paper, noise_of(size, grain, "L", rng), 1, -128) if grain else paper


def _show_through(
    paper: Image.Image, mask: Image.Image, strength: float, rng: np.random.Generator
) -> None:
    """Paints a trace of print on the other side of the sheet: other letters, seen from behind."""
    if rng.random() > 0.2 * strength:
        return
    behind = Image.new("L", mask.size)
    mirrored = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    behind.paste(mirrored, (mask.height // 3, round(mask.height * rng.uniform(-0.5, 0.5))))
    behind = behind.filter(ImageFilter.BoxBlur(0.03 * mask.height))
    share = rng.uniform(0.05, 0.14)
    paper.paste(0, mask=scaled(behind, share))


def _soil(paper: Image.Image, strength: float, rng: np.random.Generator) -> None:
    """Draws specks of dust, and sometimes a hair or the rule of a form at the border."""
    draw, (width, height) = ImageDraw.Draw(paper), paper.size
    if rng.random() < 0.5 * strength:
        points = rng.random((int(rng.integers(1, 12)), 2)) * paper.size
        draw.point(points.reshape(-1).tolist(), int(rng.integers(0, 130)))
    if rng.random() < 0.1 * strength:
        x, y, far = rng.uniform(0, width), rng.uniform(0, height), rng.normal(0, height, 2)
        draw.line((x, y, x + far[0], y + 0.3 * far[1]), int(rng.integers(90, 170)))
    if rng.random() < 0.12 * strength:
        y = 0 if rng.random() < 0.5 else height - 1
        draw.line((0, y, width, y), int(rng.integers(0, 120)), max(1, height // 30))


def _tint(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Returns a line on yellowed, bluish or pink paper, of mode `RGB`."""
    yellow, other = rng.uniform(0.75, 1), rng.uniform(0.92, 1)
    factors = (1.0, other, yellow) if rng.random() < 0.8 else (other, (other + 1) / 2, 1.0)
    tint = Image.new("RGB", image.size, as_rgb(255 * np.array(factors)))
    return ImageChops.multiply(image.convert("RGB"), tint)


def _threshold(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Returns the line in black and white, as fax machines send it, with slightly soft edges."""
    levels = np.asarray(image)
    darkest, lightest = int(levels.min()), int(levels.max())
    level = darkest + (lightest - darkest) * rng.uniform(0.45, 0.65)
    return image.point(lambda grey: 255 if grey > level else 0).filter(ImageFilter.BoxBlur(0.3))
