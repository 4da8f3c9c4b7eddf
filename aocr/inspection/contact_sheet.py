"""One picture of many records: each image as the model sees it, its label beneath."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data import records
from aocr.data.preprocessing import prepare
from aocr.data.record_files import Row
from aocr.inspection.statistics import look_at
from aocr.util.drawing import ACCENT, BACKGROUND, FOREGROUND, MUTED, glyph
from aocr.util.errors import UserError, first_line

SAMPLES = 48
SHEET_WIDTH = 1600  # pixels, unless a single image is wider
SCALES = (3, 2, 1)  # of the images; the first with which two stand side by side
MIN_CELL = 200  # pixels; room for text under a narrow image
MARGIN, GAP, BAR = 16, 4, 2  # pixels


class _Style(NamedTuple):
    """How a text is drawn: its size against that of `glyph`, its lines, how spaces look."""

    scale: float
    lines: int
    visible_spaces: bool


LABEL = _Style(scale=0.65, lines=4, visible_spaces=True)
NAME = _Style(scale=0.4, lines=1, visible_spaces=False)


def evenly_spread(total: int) -> list[int]:
    """The places of at most `SAMPLES` of so many records, the first among them."""
    count = min(total, SAMPLES)
    return [place * total // count for place in range(count)]


def write(path: str, rows: Sequence[Row], config: Config) -> None:
    """Draws records as a PNG file.

    Args:
        path: local or not.
        rows: at least one record.
        config: decides how the images are prepared.

    Raises:
        UserError: the file cannot be written.
    """
    buffer = io.BytesIO()
    draw(rows, config).save(buffer, "PNG")
    try:
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(buffer.getvalue())
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the contact sheet --sheet={path}: {reason}") from error


def draw(rows: Sequence[Row], config: Config) -> Image.Image:
    """The sheet, RGB: cells from left to right, then down. See `write`."""
    image_width = config.image_width
    fits = [scale for scale in SCALES if 2 * (image_width * scale + MARGIN) < SHEET_WIDTH]
    scale = (fits or SCALES[-1:])[0]
    width = max(MIN_CELL, image_width * scale)
    cells = []
    for row in rows:
        picture = _picture(row.image, config, scale)
        cells.append(_stacked([picture, *_captions(row, width)], width))
    columns = max(1, min(len(cells), (SHEET_WIDTH - MARGIN) // (width + MARGIN)))
    pitch = max(cell.height for cell in cells) + MARGIN
    size = MARGIN + columns * (width + MARGIN), MARGIN + -(-len(cells) // columns) * pitch
    sheet = Image.new("RGB", size, BACKGROUND)
    for number, cell in enumerate(cells):
        line, column = divmod(number, columns)
        sheet.paste(cell, (MARGIN + column * (width + MARGIN), MARGIN + line * pitch))
    return sheet


def _picture(encoded: bytes, config: Config, scale: int) -> Image.Image:
    """A prepared image, RGB, over a bar that is as wide as the image without its padding."""
    image_width = config.image_width
    height = IMAGE_HEIGHT * scale
    picture = Image.new("RGB", (image_width * scale, height + BAR + GAP), BACKGROUND)
    problem = look_at(encoded, lambda image: prepare(image, config).pixels).problem
    if problem:
        picture.paste(MUTED, (0, 0, picture.width, height))
        picture.paste(FOREGROUND, (GAP, GAP), _text(problem, picture.width - GAP, LABEL))
    else:
        pixels, width = prepare(tf.constant(encoded), config)
        picture.paste(_enlarged(np.asarray(pixels), scale), (0, 0))
        picture.paste(ACCENT, (0, height, int(width) * scale, height + BAR))
    return picture


def _captions(row: Row, width: int) -> list[Image.Image]:
    """The label and the record's name."""
    label = records.text_of(row.label)
    texts = [(label or "(empty)", FOREGROUND if label else ACCENT, LABEL), (row.name, MUTED, NAME)]
    captions = []
    for text, colour, style in texts:
        mask = _text(text, width, style)
        captions.append(Image.new("RGB", mask.size, BACKGROUND))
        captions[-1].paste(colour, (0, 0), mask)
    return captions


def _stacked(pictures: Sequence[Image.Image], width: int) -> Image.Image:
    """Pictures one below the other."""
    stack = Image.new("RGB", (width, sum(picture.height for picture in pictures)), BACKGROUND)
    y = 0
    for picture in pictures:
        stack.paste(picture, (0, y))
        y += picture.height
    return stack


def _enlarged(pixels: np.ndarray, scale: int) -> Image.Image:
    """Prepared pixels float32 `[32, W, C]` --> RGB, each pixel a square."""
    levels = np.clip(pixels.round(), 0, 255).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(levels, (*levels.shape[:2], 3)).copy())
    size = image.width * scale, image.height * scale
    return image.resize(size, Image.Resampling.NEAREST)


def _text(text: str, width: int, style: _Style) -> Image.Image:
    """Text as a mask (mode `L`), broken into lines; what goes beyond the last one ends in dots."""
    lines = _broken([_glyph(character, style) for character in text], width)
    if len(lines) > style.lines:
        lines = lines[: style.lines]
        lines[-1][-3:] = [_glyph(".", style)] * 3
    pitch = _glyph(" ", style).height
    mask = Image.new("L", (width, pitch * len(lines)))
    for number, line in enumerate(lines):
        x = 0
        for drawn in line:
            mask.paste(drawn, (x, number * pitch))
            x += drawn.width
    return mask


def _broken(masks: Sequence[Image.Image], width: int) -> list[list[Image.Image]]:
    """Lines of at most a width in pixels, at least one line."""
    lines: list[list[Image.Image]] = [[]]
    x = 0
    for mask in masks:
        if x + mask.width > width and lines[-1]:
            lines.append([])
            x = 0
        lines[-1].append(mask)
        x += mask.width
    return lines


@functools.cache
def _glyph(character: str, style: _Style) -> Image.Image:
    """A glyph in the size of a style, as a mask (mode `L`)."""
    mask = glyph(character)
    size = max(1, round(mask.width * style.scale)), round(mask.height * style.scale)
    if character == " " and not style.visible_spaces:
        return Image.new("L", (size[0] // 2, size[1]))
    return mask.resize(size)
