"""Draws text as masks: images of mode `L`, white where there is ink, without empty borders."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from aocr.synthesis.fonts.choice import FontFile, open_font
from aocr.synthesis.fonts.shaping import (
    begins_right_to_left,
    clusters,
    features_for,
    has_raqm,
    needs_shaping,
)

_TRIAL_SIZE = 48  # pixels per em

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
    stroke: int = 0
    spacing: int = 0
    word_spacing: int = 0


def size_for_ink(text: str, file: FontFile, ink_height: float) -> int:
    """Returns the size of a font with which the ink of a text has about a height in pixels."""
    _, top, _, bottom = _box(text, Pen(file, _TRIAL_SIZE))
    size = ink_height * _TRIAL_SIZE / max(1, bottom - top)
    return max(4, round(min(size, LARGEST_SIZE * ink_height)))


def draw_line(text: str, pen: Pen) -> Image.Image:
    """Returns a text on a straight line."""
    if not (pen.spacing or pen.word_spacing) or needs_shaping(text):
        return _line(_draw(text, pen), pen)
    pieces = clusters(text) if pen.spacing else re.split("( )", text)
    parts = [_draw(piece, pen) for piece in pieces]
    advances = [
        _advance(piece, pen) + pen.spacing + pen.word_spacing * (piece == " ") for piece in pieces
    ]
    margin = pen.size
    line = Image.new(
        "L", (math.ceil(sum(advances)) + 3 * margin, max(part.height for part in parts))
    )
    x = 0.0
    for part, advance in zip(parts, advances, strict=True):
        line = _add(line, part, round(x), 0)
        x += advance
    return _line(line, pen)


def draw_cells(text: str, pen: Pen, cell: tuple[int, int]) -> list[Image.Image]:
    """Returns each character in the middle of a cell of its own, on a common line.

    Characters that are wider than a cell are squeezed.

    Args:
        text: a text of independent letters.
        pen: the pen that draws them.
        cell: width and height of a cell in pixels.
    """
    parts = clusters(text)
    boxes = [_box(part, pen) for part in parts]
    top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
    cells = []
    for part in parts:
        glyph = _crop_columns(_draw(part, pen), (top, bottom), pen)
        width = min(glyph.width, cell[0])
        glyph = glyph.resize((width, cell[1]), Image.Resampling.BICUBIC)
        mask = Image.new("L", cell)
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
    """

    degrees: float
    scale: float
    lift: float
    overlap: float


def draw_scattered(
    text: str, fonts: tuple[FontFile, ...], pen: Pen, scatter: Scatter, rng: np.random.Generator
) -> list[Image.Image]:
    """Returns each character as a mask of the whole text, so that each can have its own colour.

    Args:
        text: a text of independent letters.
        fonts: fonts to choose from for each character.
        pen: the pen that draws the characters.
        scatter: moves them.
        rng: the source of chance.
    """
    placed, x = [], 0.0
    for part in clusters(text):
        own = dataclasses.replace(
            pen,
            file=fonts[rng.integers(len(fonts))],
            size=max(4, round(pen.size * (1 + scatter.scale * rng.uniform(-1, 1)))),
        )
        glyph = _crop_columns(_draw(part, own), None, own)
        degrees = scatter.degrees * rng.uniform(-1, 1)
        turned = glyph.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
        turned = turned.crop(turned.getbbox() or (0, 0, max(1, pen.size // 3), 1))
        y = scatter.lift * rng.uniform(-1, 1) * pen.size + _top(part, own)
        placed.append(_Placed(turned, round(x), round(y)))
        x += turned.width + pen.size * (0.06 - scatter.overlap * rng.random())
    return _on_common_canvas(placed)


class _Placed(NamedTuple):
    """A mask, and where its left and upper edges lie."""

    mask: Image.Image
    x: int
    y: int


def _on_common_canvas(placed: list[_Placed]) -> list[Image.Image]:
    """Returns masks that are as large as all of them together."""
    left, top = min(each.x for each in placed), min(each.y for each in placed)
    right = max(each.x + each.mask.width for each in placed)
    bottom = max(each.y + each.mask.height for each in placed)
    masks = []
    for each in placed:
        masks.append(Image.new("L", (right - left, bottom - top)))
        masks[-1].paste(each.mask, (each.x - left, each.y - top))
    return masks


def union(masks: list[Image.Image]) -> Image.Image:
    """Returns the ink of all masks in one."""
    whole = masks[0]
    for mask in masks[1:]:
        whole = ImageChops.lighter(whole, mask)
    return whole


def _add(canvas: Image.Image, mask: Image.Image, x: int, y: int) -> Image.Image:
    """Returns the canvas with a mask on it; where both have ink, the darker ink counts."""
    layer = Image.new("L", canvas.size)
    layer.paste(mask, (x, y))
    return ImageChops.lighter(canvas, layer)


def _layout(text: str) -> dict[str, Any]:
    """Returns Pillow's arguments for the direction of a text, and for its characters as such."""
    direction = "rtl" if has_raqm() and begins_right_to_left(text) else None
    return {"direction": direction, "features": features_for(text)}


def _box(text: str, pen: Pen) -> tuple[float, float, float, float]:
    """Returns the left, top, right and bottom of the ink, in pixels from the text's origin."""
    font = open_font(pen.file, pen.size)
    return font.getbbox(text, stroke_width=pen.stroke, **_layout(text))


def _advance(text: str, pen: Pen) -> float:
    return open_font(pen.file, pen.size).getlength(text, **_layout(text))


def _top(text: str, pen: Pen) -> float:
    return _box(text, pen)[1]


def _draw(text: str, pen: Pen) -> Image.Image:
    """Draws a text at `pen.size` pixels from the left and the top of a mask that holds it all."""
    font = open_font(pen.file, pen.size)
    left, top, right, bottom = _box(text, pen)
    margin = pen.size
    size = max(math.ceil(right), margin) + 2 * margin, max(math.ceil(bottom), margin) + 2 * margin
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).text(
        (margin + max(0, -left - margin), margin + max(0, -top - margin)),
        text,
        fill=255,
        font=font,
        stroke_width=pen.stroke,
        **_layout(text),
    )
    return mask


def _line(mask: Image.Image, pen: Pen) -> Image.Image:
    """Crops a drawn line to its ink, and to a least height."""
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
    missing = max(0, round(LEAST_HEIGHT * pen.size) - (bottom - top))
    return mask.crop((left, top - missing // 2, right, bottom + missing - missing // 2))


def _crop_columns(mask: Image.Image, rows: tuple[float, float] | None, pen: Pen) -> Image.Image:
    """Crops a drawn mask to its ink; `rows` are the top and bottom to keep instead of the ink's."""
    box = mask.getbbox() or (0, 0, max(1, pen.size // 3), 1)
    if rows is None:
        return mask.crop(box)
    top, bottom = (round(row) + pen.size for row in rows)
    return mask.crop((box[0], top, box[2], max(bottom, top + 1)))
