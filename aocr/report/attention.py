"""Draws the attention: which part of an image the model looked at for each character."""

from __future__ import annotations

import logging
import re
from collections import Counter

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.evaluation.metrics import Result
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import names_in, write_atomically
from aocr.util.text.characters import is_right_to_left
from aocr.util.text.drawing import (
    ACCENT,
    BACKGROUND,
    FOREGROUND,
    MUTED,
    decode_for_display,
    encode_image,
    glyph,
    scale_for_display,
)
from aocr.util.text.plurals import counted

MIN_LINE = 160  # pixels; width of the text under a narrow image
PAGE_LINES = 3  # lines of text under an image; a longer text is shown page by page
MARGIN, GAP, BAR = 8, 2, 6  # pixels
FRAME_MILLISECONDS = 500
DIMMED = 0.25  # brightness of regions without attention
MAX_NAME_BYTES = 80  # length of the text in a folder's name; file systems allow 255 bytes in all

VERDICTS = {True: "correct", False: "incorrect"}
"""Folders for images that were read exactly, or not."""

FILES = ("attention.gif", "attention.png", "word.txt")
"""Files of an image, in the folder `folder_name`."""

_FOLDER_NAME = re.compile(r"\d{5,}(-.+)?")
"""Matches the results of `folder_name`."""


class AttentionPictures:
    """Saves the attention pictures of each image, and logs an image that cannot be drawn.

    Args:
        output_dir: folder for the pictures, local or remote; it is created.

    Raises:
        UserError: the folder cannot be created, or pictures of an earlier test not be removed.
    """

    def __init__(self, output_dir: str) -> None:
        self._output_dir = output_dir
        _make_folder(output_dir)
        _remove_earlier_pictures(output_dir)

    def add(self, result: Result) -> None:
        """Saves the pictures of one image.

        Raises:
            UserError: a file cannot be written.
        """
        if not result.decoded:
            return
        try:
            picture = picture_of(result)
        except UserError as error:
            logging.error("No picture: %s", error)
            return
        save_attention(self._output_dir, result, picture)


def _remove_earlier_pictures(output_dir: str) -> None:
    """Removes what an earlier test has drawn: an image lies in one of the two folders."""
    removed = 0
    try:
        for verdict in VERDICTS.values():
            for path in _folders_in(tf.io.gfile.join(output_dir, verdict)):
                if set(names_in(path)) <= set(FILES):
                    tf.io.gfile.rmtree(path)
                    removed += 1
    except tf.errors.OpError as error:
        raise UserError(f"cannot remove earlier pictures in {output_dir}: {error}") from error
    if removed:
        pictures = counted(removed, "image")
        logging.info("Removed what an earlier test drew of %s in %s.", pictures, output_dir)


def _folders_in(folder: str) -> list[str]:
    """Returns the folders in a folder, if there is one, that are named as those of images are."""
    if not tf.io.gfile.isdir(folder):
        return []
    names = filter(_FOLDER_NAME.fullmatch, names_in(folder))
    return [path for name in names if tf.io.gfile.isdir(path := tf.io.gfile.join(folder, name))]


def attention_strip(result: Result) -> bytes:
    """Returns a PNG that repeats the image for each character, with the attended region bright.

    Raises:
        UserError: the image cannot be decoded.
    """
    return _png(_views(result, picture_of(result)), result.prediction)


def picture_of(result: Result) -> Image.Image:
    """Returns the image as RGB, in a size for people.

    Raises:
        UserError: the image cannot be decoded.
    """
    return scale_for_display(decode_for_display(result.encoded, result.place + 1))


def _check_attention(result: Result) -> None:
    """Raises a `ValueError` if the attention does not belong to the prediction."""
    shape = result.attention.shape
    if len(shape) != 2 or shape[0] < len(result.prediction) or not result.decoded:
        raise ValueError(
            f"image {result.place + 1}: attention of shape {shape}, of which {result.columns} "
            f"columns cover the image, does not have a row for each of {result.prediction!r}"
        )


def save_attention(output_dir: str, result: Result, picture: Image.Image) -> str:
    """Writes `attention.gif`, `attention.png` and `word.txt` (prediction, label) for one image.

    Args:
        output_dir: folder in which `correct` or `incorrect` is created; local or remote.
        result: the image; rows of its attention beyond the prediction are ignored.
        picture: the image, see `picture_of`.

    Returns:
        The folder of the three files.

    Raises:
        UserError: a file cannot be written.
        ValueError: the attention does not have a row for each character of the prediction.
    """
    _check_attention(result)
    views, text = _views(result, picture), result.prediction
    name = folder_name(result.place + 1, text)
    folder: str = tf.io.gfile.join(output_dir, VERDICTS[result.exact], name)
    _make_folder(folder)
    contents = _gif(views, text), _png(views, text), f"{text}\n{result.label}\n".encode()
    for file, content in zip(FILES, contents, strict=True):
        _write(folder, file, content)
    return folder


def _views(result: Result, picture: Image.Image) -> list[Image.Image]:
    """Returns a spotlight for each character, or the picture alone if the prediction is empty."""
    rows = result.attention[: len(result.prediction)]
    return [spotlight(picture, row, result.columns) for row in rows] or [picture]


def folder_name(index: int, text: str) -> str:
    """Returns a name such as `00012-HELLO`, which is unique and safe on any file system.

    Letters and digits of any script stay. Any other character becomes `_`.

    Args:
        index: number of the image in the dataset, from 1.
        text: the prediction.
    """
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in text)
    return f"{index:05d}-{safe.encode()[:MAX_NAME_BYTES].decode(errors='ignore')}".rstrip("-")


def spotlight(picture: Image.Image, weights: np.ndarray, content_columns: float) -> Image.Image:
    """Dims a picture where the attention is low, and draws the weights as a bar below it.

    Args:
        picture: RGB, `H x W`.
        weights: `[T]`; the largest weight is shown at full brightness.
        content_columns: how many of the T columns the width of the picture covers.

    Returns:
        RGB, `(H + GAP + BAR) x W`.
    """
    columns = (np.arange(picture.width) + 0.5) * content_columns / picture.width
    light = np.interp(columns, np.arange(len(weights)) + 0.5, weights)  # [W]
    light = (light / max(np.max(weights), np.finfo(np.float32).tiny))[:, np.newaxis]  # [W, 1]
    lit = np.asarray(picture) * (DIMMED + (1 - DIMMED) * light)  # [H, W, 3]
    gap = np.broadcast_to(BACKGROUND, (GAP, picture.width, 3))
    bar = np.array(BACKGROUND) * (1 - light) + np.array(ACCENT) * light  # [W, 3]
    stacked = np.concatenate([lit, gap, np.broadcast_to(bar, (BAR, *bar.shape))])
    return Image.fromarray(stacked.round().astype(np.uint8))


def _gif(views: list[Image.Image], text: str) -> bytes:
    """Returns an animation: a frame for each view, above the text with its character in colour."""
    places = _typeset(text, max(views[0].width, MIN_LINE))
    first, *others = [_frame(view, text, places, step) for step, view in enumerate(views)]
    options = {"save_all": True, "append_images": others, "duration": FRAME_MILLISECONDS}
    return encode_image(first, "GIF", loop=0, **options)


def _typeset(text: str, width: int) -> list[tuple[int, int]]:
    """Returns the line and the x coordinate of each character, in lines of `width` pixels."""
    from_the_right = is_right_to_left(Counter(text))
    places = []
    line = x = 0
    for mask in map(glyph, text):
        if x + mask.width > width:
            line, x = line + 1, 0
        places.append((line, width - x - mask.width if from_the_right else x))
        x += mask.width
    return places


def _frame(view: Image.Image, text: str, places: list[tuple[int, int]], step: int) -> Image.Image:
    """Returns the view of one step, above the page of text that contains its character."""
    pitch = glyph(" ").height
    lines = min(places[-1][0] + 1, PAGE_LINES) if places else 0
    top = MARGIN + view.height + GAP
    size = max(view.width, MIN_LINE) + 2 * MARGIN, top + lines * pitch + MARGIN
    frame = Image.new("RGB", size, BACKGROUND)
    frame.paste(view, (MARGIN, MARGIN))
    for number, (character, (line, x)) in enumerate(zip(text, places, strict=True)):
        if line // PAGE_LINES == places[step][0] // PAGE_LINES:
            colour = FOREGROUND if number < step else ACCENT if number == step else MUTED
            corner = MARGIN + x, top + line % PAGE_LINES * pitch
            frame.paste(colour, corner, glyph(character))
    return frame


def _png(views: list[Image.Image], text: str) -> bytes:
    """Returns the views in rows, each beside its character."""
    masks = [glyph(character) for character in text]
    indent = MARGIN + max((mask.width + MARGIN for mask in masks), default=0)
    pitch = MARGIN + max(image.height for image in views + masks)
    size = indent + views[0].width + MARGIN, MARGIN + pitch * len(views)
    strip = Image.new("RGB", size, BACKGROUND)
    for row, view in enumerate(views):
        strip.paste(view, (indent, MARGIN + row * pitch))
    for row, mask in enumerate(masks):
        centred = (indent - mask.width) // 2, (MARGIN + pitch - mask.height) // 2 + row * pitch
        strip.paste(FOREGROUND, centred, mask)
    return encode_image(strip, "PNG")


def _make_folder(folder: str) -> None:
    """Creates a folder, local or remote."""
    try:
        tf.io.gfile.makedirs(folder)
    except tf.errors.OpError as error:
        raise UserError(f"cannot create the folder {folder}: {first_line(error)}") from error


def _write(folder: str, name: str, content: bytes) -> None:
    """Writes one file, local or remote."""
    path = tf.io.gfile.join(folder, name)
    try:
        write_atomically(path, content)
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {path}: {first_line(error)}") from error
