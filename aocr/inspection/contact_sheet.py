"""Draws a contact sheet: prepared images of many records in one picture, with their labels."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.augmentation.augment import Identity, augment
from aocr.data.images.preprocessing import Prepared, prepare
from aocr.data.records import schema
from aocr.data.records.files import RawRecord
from aocr.inspection.statistics import check_header
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import write_atomically
from aocr.util.text.drawing import ACCENT, BACKGROUND, FOREGROUND, MUTED, encode_image, glyph

VARIANTS = 3
"""Number of augmented images that are drawn below each image."""


class Variation(NamedTuple):
    """Asks for augmented images below each image: those of a run with the seed 0.

    Attributes:
        augmentation: a name of `augmentation.STRENGTHS`.
        record_indices: positions of the drawn records in the dataset, from 0.
    """

    augmentation: str
    record_indices: Sequence[int]


def with_variants(image: Prepared, number: int, variation: Variation | None) -> tf.Tensor:
    """Returns a prepared image and its variants, `[1 + VARIANTS, 32, W, C]` or `[1, 32, W, C]`."""
    pixels = image.pixels[tf.newaxis]
    if not variation:
        return pixels
    index = tf.constant(variation.record_indices[number], tf.int64)
    identity = Identity(0, tf.range(VARIANTS, dtype=tf.int64), tf.repeat(index, VARIANTS))
    widths = tf.repeat(image.width, VARIANTS)
    variants = augment(tf.repeat(pixels, VARIANTS, 0), widths, identity, variation.augmentation)
    return tf.concat([pixels, variants], 0)


MAX_SAMPLES = 48

SHEET_WIDTH = 1600
"""Largest width of the sheet in pixels, unless a single image is wider."""

SCALES = (3, 2, 1)
"""Factors that images are enlarged by; the first with which two fit side by side is used."""

MIN_CELL_WIDTH = 200
"""Pixels, so that there is room for text under a narrow image."""

MARGIN, GAP, BAR_HEIGHT = 16, 4, 2  # pixels


class _TextStyle(NamedTuple):
    """Describes how text is drawn.

    Attributes:
        scale: size of the characters relative to `drawing.glyph`.
        max_lines: lines after which text is cut off.
        visible_spaces: draw spaces as open boxes.
    """

    scale: float
    max_lines: int
    visible_spaces: bool


LABEL = _TextStyle(scale=0.65, max_lines=4, visible_spaces=True)

NAME = _TextStyle(scale=0.4, max_lines=1, visible_spaces=False)


def sample_indices(total: int) -> list[int]:
    """Returns the indices of at most `MAX_SAMPLES` records, spread evenly from the first one on.

    Args:
        total: number of records.
    """
    count = min(total, MAX_SAMPLES)
    return [number * total // count for number in range(count)]


def write(
    path: str, rows: Sequence[RawRecord], config: Config, variation: Variation | None = None
) -> None:
    """Draws records and writes the contact sheet as a PNG file.

    Args:
        path: the PNG file; local or remote.
        rows: the records, at least one.
        config: the way to prepare the images.
        variation: augmentation of the images; None to draw them only as they are.

    Raises:
        UserError: the file cannot be written.
    """
    content = encode_image(draw(rows, config, variation), "PNG")
    try:
        write_atomically(path, content)
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write the contact sheet --sheet={path}: {reason}") from error


def draw(
    rows: Sequence[RawRecord], config: Config, variation: Variation | None = None
) -> Image.Image:
    """Returns the contact sheet as an RGB image, with records from left to right, then down.

    Args:
        rows: the records, at least one.
        config: the way to prepare the images.
        variation: augmentation of the images; None to draw them only as they are.
    """
    scale = _scale(config.image_width)
    cells = []
    for number, row in enumerate(rows):
        vary = functools.partial(with_variants, number=number, variation=variation)
        cells.append(_draw_cell(row, _draw_images(row.image, config, scale, vary)))
    return _arrange(cells)


def _scale(image_width: int) -> int:
    """Returns the factor that images are enlarged by."""
    for scale in SCALES:
        if 2 * (image_width * scale + MARGIN) < SHEET_WIDTH:
            return scale
    return SCALES[-1]


def _arrange(cells: Sequence[Image.Image]) -> Image.Image:
    """Places cells of one width on a sheet."""
    column_width = cells[0].width + MARGIN
    row_height = max(cell.height for cell in cells) + MARGIN
    columns = max(1, min(len(cells), (SHEET_WIDTH - MARGIN) // column_width))
    rows = math.ceil(len(cells) / columns)
    size = MARGIN + columns * column_width, MARGIN + rows * row_height
    sheet = Image.new("RGB", size, BACKGROUND)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (MARGIN + column * column_width, MARGIN + row * row_height))
    return sheet


def _draw_cell(row: RawRecord, images: Image.Image) -> Image.Image:
    """Draws a record: its images, its label and its name, one below the other."""
    width = max(MIN_CELL_WIDTH, images.width)
    label = schema.text_of(row.label)
    parts = [
        images,
        _draw_text(label, width, LABEL) if label else _draw_text("(empty)", width, LABEL, ACCENT),
        _draw_text(row.name, width, NAME, MUTED),
    ]
    return _stack(parts, width)


def _stack(parts: Sequence[Image.Image], width: int) -> Image.Image:
    """Places pictures one below the other."""
    stack = Image.new("RGB", (width, sum(part.height for part in parts)), BACKGROUND)
    y = 0
    for part in parts:
        stack.paste(part, (0, y))
        y += part.height
    return stack


def _draw_images(
    encoded: bytes, config: Config, scale: int, vary: Callable[[Prepared], tf.Tensor]
) -> Image.Image:
    """Draws a prepared image and its variants.

    Below each is a bar that is as wide as the image without its padding. If the image cannot be
    decoded, draws the reason instead.
    """
    height = IMAGE_HEIGHT * scale
    empty = Image.new("RGB", (config.image_width * scale, height + BAR_HEIGHT + GAP), BACKGROUND)
    header = check_header(encoded)
    try:
        prepared = None if header.problem else prepare(tf.constant(encoded), config)
    except tf.errors.OpError:
        header, prepared = header.undecodable(), None
    if not prepared:
        empty.paste(MUTED, (0, 0, empty.width, height))
        empty.paste(FOREGROUND, (GAP, GAP), _text_mask(header.problem, empty.width - GAP, LABEL))
        return empty
    empty.paste(ACCENT, (0, height, int(prepared.width) * scale, height + BAR_HEIGHT))
    drawings = []
    for pixels in np.asarray(vary(prepared)):
        drawings.append(empty.copy())
        drawings[-1].paste(_enlarge(pixels, scale), (0, 0))
    return _stack(drawings, empty.width)


def _enlarge(pixels: np.ndarray, scale: int) -> Image.Image:
    """Returns prepared pixels as an RGB image in which each pixel is a square.

    Args:
        pixels: float32 `[32, W, C]`, 0 to 255.
        scale: side of a square in pixels.
    """
    levels = np.clip(pixels.round(), 0, 255).astype(np.uint8)
    rgb = np.broadcast_to(levels, (*levels.shape[:2], 3))  # [32, W, C] --> [32, W, 3]
    image = Image.fromarray(rgb.copy())
    size = image.width * scale, image.height * scale
    return image.resize(size, Image.Resampling.NEAREST)


def _draw_text(
    text: str, width: int, style: _TextStyle, color: tuple[int, int, int] = FOREGROUND
) -> Image.Image:
    """Draws text on the background."""
    mask = _text_mask(text, width, style)
    drawing = Image.new("RGB", mask.size, BACKGROUND)
    drawing.paste(color, (0, 0), mask)
    return drawing


def _text_mask(text: str, width: int, style: _TextStyle) -> Image.Image:
    """Draws text as a mask of mode `L`, wrapped to a width in pixels.

    Text that is cut off ends in three dots.
    """
    lines = _wrap([_glyph(character, style) for character in text], width)
    if len(lines) > style.max_lines:
        lines = lines[: style.max_lines]
        lines[-1][-3:] = [_glyph(".", style)] * 3
    line_height = _glyph(" ", style).height
    mask = Image.new("L", (width, line_height * len(lines)))
    for number, line in enumerate(lines):
        x = 0
        for character in line:
            mask.paste(character, (x, number * line_height))
            x += character.width
    return mask


def _wrap(masks: Sequence[Image.Image], width: int) -> list[list[Image.Image]]:
    """Divides masks of characters into lines of at most a width in pixels; at least one line."""
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
def _glyph(character: str, style: _TextStyle) -> Image.Image:
    """Draws a character as a mask of mode `L`, in the size of a style."""
    mask = glyph(character)
    size = max(1, round(mask.width * style.scale)), round(mask.height * style.scale)
    if character == " " and not style.visible_spaces:
        return Image.new("L", (size[0] // 2, size[1]))
    return mask.resize(size)
