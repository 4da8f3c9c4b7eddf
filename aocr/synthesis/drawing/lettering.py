"""Draws text as masks: images of mode `L`, white where there is ink, without empty borders."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from aocr.synthesis.drawing.effects import scaled
from aocr.synthesis.fonts.choice import FontFile, open_font
from aocr.synthesis.fonts.shaping import (
    begins_right_to_left,
    clusters,
    features_for,
    has_raqm,
    needs_shaping,
)

LEAST_HEIGHT = 0.4
"""Height of a line, relative to the font's size: a `-` gets free space above and below."""

LARGEST_SIZE = 2.0
"""Size of a font, relative to the height of the ink: for texts of low characters, such as `-`."""


@dataclasses.dataclass(frozen=True)
class Pen:
    """Says how text is drawn.

    Attributes:
        file: the font.
        size: pixels per em.
        stroke: pixels that are added around the ink.
        spacing: pixels that are added between characters. Text whose letters join has none.
        word_spacing: pixels that are added between words, unless letters join.
    """

    file: FontFile
    size: int
    stroke: float = 0
    spacing: int = 0
    word_spacing: int = 0


class _Placed(NamedTuple):
    """A mask, and where its left and upper edges lie."""

    mask: Image.Image
    x: int
    y: int


def _size_like(height: int, size: int, wanted: float) -> int:
    """Returns the size for a height of the ink, from a size and the height that it gives."""
    return max(4, round(min(wanted * size / max(1, height), LARGEST_SIZE * wanted)))


def draw_line(text: str, pen: Pen) -> Image.Image:
    """Returns a text on a straight line."""
    if not (pen.spacing or pen.word_spacing) or needs_shaping(text):
        return _line([_ink(text, pen)], pen)
    pieces = clusters(text) if pen.spacing else re.split("( )", text)
    placed, x = [], 0.0
    for piece in pieces:
        ink = _ink(piece, pen)
        placed.append(ink._replace(x=ink.x + round(x)))
        x += _advance(piece, pen) + pen.spacing + pen.word_spacing * (piece == " ")
    return _line(placed, pen)


def draw_near_height(text: str, pen: Pen, height: float) -> Image.Image:
    """Returns a text on a straight line whose ink is about as high as wanted: half to twice.

    The size of most fonts is right at once, so that their text is laid out only once.

    Args:
        text: the text.
        pen: the pen; its size is the first to try.
        height: height of the ink in pixels.
    """
    mask = draw_line(text, pen)
    if 0.55 < mask.height / height < 1.8:
        return mask
    return draw_line(text, dataclasses.replace(pen, size=_size_like(mask.height, pen.size, height)))


def draw_cells(text: str, pen: Pen, cell: tuple[int, int]) -> list[Image.Image]:
    """Returns each character in the middle of a cell of its own, on a common line.

    If most characters are wider than a cell, all are squeezed alike; those still wider are
    squeezed further.

    Args:
        text: a text of independent letters.
        pen: the pen that draws them.
        cell: width and height of a cell in pixels.
    """
    inks = [_ink(part, pen) for part in clusters(text)]
    top = min(ink.y for ink in inks)
    height = max(1, max(ink.y + ink.mask.height for ink in inks) - top)
    widths = sorted(ink.mask.width for ink in inks)
    squeeze = min(1.0, cell[0] / widths[len(widths) * 2 // 3])
    cells = []
    for ink in inks:
        whole = Image.new("L", (ink.mask.width, height))
        whole.paste(ink.mask, (0, ink.y - top))
        width = max(1, min(round(whole.width * squeeze), cell[0]))
        mask = Image.new("L", cell)
        glyph = whole.resize((width, cell[1]), Image.Resampling.BICUBIC)
        mask.paste(glyph, ((cell[0] - width) // 2, 0))
        cells.append(mask)
    return cells


@dataclasses.dataclass(frozen=True)
class Scatter:
    """Says how characters deviate from a straight line; sizes are relative to the font's.

    Attributes:
        degrees: most rotation to either side.
        scale: most deviation of the size from 1.
        lift: most deviation from the line, up or down.
        overlap: most overlap of neighbours.
        layers: number of masks that the characters are divided among.
    """

    degrees: float
    scale: float
    lift: float
    overlap: float
    layers: int = 1


def draw_scattered(
    text: str, fonts: tuple[FontFile, ...], pen: Pen, scatter: Scatter, rng: np.random.Generator
) -> list[Image.Image]:
    """Returns `scatter.layers` masks of one size, with the characters on them in turn.

    Args:
        text: a text of independent letters.
        fonts: fonts to choose from for each character.
        pen: the pen that draws the characters.
        scatter: moves them.
        rng: the source of chance.
    """
    placed, x = [], 0.0
    for part in clusters(text):
        own = dataclasses.replace(pen, file=fonts[rng.integers(len(fonts))])
        ink = _ink(part, own)
        scale = 1 + scatter.scale * rng.uniform(-1, 1)  # other sizes of the font take longer
        turned = _turned(ink.mask, scale, scatter.degrees * rng.uniform(-1, 1))
        y = scatter.lift * rng.uniform(-1, 1) * pen.size + ink.y * scale
        placed.append(_Placed(turned, round(x), round(y)))
        x += turned.width + pen.size * (0.06 - scatter.overlap * rng.random())
    return _on_common_canvas(placed, scatter.layers)


def _turned(mask: Image.Image, scale: float, degrees: float) -> Image.Image:
    """Returns a character enlarged and turned, cropped to its ink."""
    size = max(1, round(mask.width * scale)), max(1, round(mask.height * scale))
    sized = mask.resize(size, Image.Resampling.BILINEAR)
    turned = sized.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    return turned.crop(turned.getbbox() or (0, 0, *size))


def _on_common_canvas(placed: list[_Placed], layers: int) -> list[Image.Image]:
    """Returns masks as large as all of the given ones together, which they hold in turn."""
    left, top = min(each.x for each in placed), min(each.y for each in placed)
    right = max(each.x + each.mask.width for each in placed)
    bottom = max(each.y + each.mask.height for each in placed)
    masks = [Image.new("L", (right - left, bottom - top)) for _ in range(layers)]
    for number, each in enumerate(placed):
        masks[number % layers].paste(255, (each.x - left, each.y - top), each.mask)
    return masks


def _layout(text: str) -> dict[str, Any]:
    """Returns Pillow's arguments for the direction of a text, and for its characters as such."""
    is_leftward = needs_shaping(text) and has_raqm() and begins_right_to_left(text)
    return {"direction": "rtl" if is_leftward else None, "features": features_for(text)}


def _advance(text: str, pen: Pen) -> float:
    return open_font(pen.file, pen.size).getlength(text, **_layout(text))


def _ink(text: str, pen: Pen) -> _Placed:
    """Draws a text, in one layout, cropped to its ink; a space has a column without ink."""
    font = open_font(pen.file, pen.size)
    core, offset = font.getmask2(text, "L", **_layout(text))
    free = math.ceil(pen.stroke)
    mask = Image.new("L", (core.size[0] + 2 * free + 1, core.size[1] + 2 * free + 1))
    mask.im.paste(core, (free, free, free + core.size[0], free + core.size[1]))
    box = mask.getbbox()
    if box is None:
        return _Placed(Image.new("L", (max(1, pen.size // 3), 1)), 0, pen.size)
    mask = _thicken(mask, pen.stroke).crop(
        (box[0] - free, box[1] - free, box[2] + free, box[3] + free)
    )
    return _Placed(mask, offset[0] + box[0] - 2 * free, offset[1] + box[1] - 2 * free)


def _thicken(mask: Image.Image, stroke: float) -> Image.Image:
    """Returns ink with so many pixels more on each side; Pillow's own strokes take long."""
    if not stroke:
        return mask
    return scaled(mask.filter(ImageFilter.BoxBlur(stroke)), 2 * stroke + 1)


def _line(placed: list[_Placed], pen: Pen) -> Image.Image:
    """Returns a drawn line cropped to its ink, and to a least height."""
    whole = placed[0].mask if len(placed) == 1 else _on_common_canvas(placed, 1)[0]
    left, top, right, bottom = whole.getbbox() or (0, 0, 1, 1)
    missing = max(0, round(LEAST_HEIGHT * pen.size) - (bottom - top))
    if not missing and whole.size == (right, bottom):
        return whole
    return whole.crop((left, top - missing // 2, right, bottom + missing - missing // 2))
