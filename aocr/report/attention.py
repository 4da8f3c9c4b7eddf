"""Pictures of the attention: which part of an image was looked at for each character read."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr.evaluation.result import Result
from aocr.util.drawing import (
    ACCENT,
    BACKGROUND,
    FOREGROUND,
    MUTED,
    decode_for_display,
    encode_image,
    glyph,
    scale_for_display,
)

MIN_LINE = 160  # pixels; room for text under a narrow image
PAGE_LINES = 3  # of text under an image: a long text is shown page by page
MARGIN, GAP, BAR = 8, 2, 6  # pixels
FRAME_MILLISECONDS = 500
DIMMED = 0.25  # brightness where there is no attention
MAX_NAME_BYTES = 80  # of the text in a folder's name; file systems allow 255 in all


def save_attention(
    output_dir: str,
    index: int,
    image: bytes,
    attention: np.ndarray,
    prediction: str,
    label: str,
    content_columns: float,
) -> str:
    """Writes `attention.gif`, `attention.png` and `word.txt` (prediction, label) for one image.

    Args:
        output_dir: gets the folders `correct` and `incorrect`; any path of `tf.io.gfile`.
        index: number of the image in the dataset; makes its folder's name unique.
        image: the encoded file.
        attention: `[steps, T]`, the decoder's weights: a row a character, more rows are ignored.
        prediction: the text read; may be empty.
        label: the true text.
        content_columns: how many of the T feature columns hold the image, in columns and
            fractions of one; the rest is the padding on its right.

    Returns:
        The folder written.

    Raises:
        UserError: the image cannot be decoded.
        ValueError: the attention does not fit the prediction.
    """
    if attention.ndim != 2 or len(attention) < len(prediction) or content_columns <= 0:
        raise ValueError(
            f"image {index}: attention of shape {attention.shape}, {content_columns} columns of "
            f"it on the image, cannot belong to {prediction!r}: one row a character is needed"
        )
    picture = scale_for_display(decode_for_display(image, index))
    rows = attention[: len(prediction)]
    # nothing read: the image as it is
    views = [spotlight(picture, row, content_columns) for row in rows] or [picture]
    verdict = "correct" if prediction == label else "incorrect"
    folder: str = tf.io.gfile.join(output_dir, verdict, folder_name(index, prediction))
    tf.io.gfile.makedirs(folder)
    _write(folder, "attention.gif", _gif(views, prediction))
    _write(folder, "attention.png", _png(views, prediction))
    _write(folder, "word.txt", f"{prediction}\n{label}\n".encode())
    return folder


def attention_strip(tested: Result) -> bytes:
    """A PNG of one image, once a character, with the attended region bright.

    Raises:
        UserError: the image cannot be decoded.
    """
    picture = scale_for_display(decode_for_display(tested.encoded, tested.place + 1))
    rows = tested.attention[: len(tested.prediction)]
    views = [spotlight(picture, row, tested.columns) for row in rows] or [picture]
    return _png(views, tested.prediction)


def folder_name(index: int, text: str) -> str:
    """`00012-HELLO`: letters and digits of any script stay, whatever else becomes `_`."""
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in text)
    return f"{index:05d}-{safe.encode()[:MAX_NAME_BYTES].decode(errors='ignore')}".rstrip("-")


def spotlight(picture: Image.Image, weights: np.ndarray, content_columns: float) -> Image.Image:
    """Dims an RGB picture where the attention is not, and draws the weights as a bar under it.

    Args:
        picture: RGB, `H x W`.
        weights: `[T]`; the largest is shown at full brightness.
        content_columns: how many of the T columns the picture's width covers.

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
    """One frame a view, the text under it, what is being read in colour."""
    places = _typeset(text, max(views[0].width, MIN_LINE))
    first, *others = [_frame(view, text, places, step) for step, view in enumerate(views)]
    options = {"save_all": True, "append_images": others, "duration": FRAME_MILLISECONDS}
    return encode_image(first, "GIF", loop=0, **options)


def _typeset(text: str, width: int) -> list[tuple[int, int]]:
    """Line and x of each character, in lines of at most `width` pixels."""
    places = []
    line = x = 0
    for mask in map(glyph, text):
        if x + mask.width > width:
            line, x = line + 1, 0
        places.append((line, x))
        x += mask.width
    return places


def _frame(view: Image.Image, text: str, places: list[tuple[int, int]], step: int) -> Image.Image:
    """The view of one step over the page of text that is being read."""
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
    """The views stacked, each beside its character."""
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


def _write(folder: str, name: str, content: bytes) -> None:
    """Writes one file, local or not."""
    with tf.io.gfile.GFile(tf.io.gfile.join(folder, name), "wb") as file:
        file.write(content)
