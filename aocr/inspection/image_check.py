"""Checks whether the model can decode an encoded image."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from PIL import Image

from aocr.config import MAX_PIXELS
from aocr.util.errors import first_line

DecodeImage = Callable[[tf.Tensor], tf.Tensor]
"""A decoder of image files: string scalar to pixels `[h, w, C]`."""


class CheckedImage(NamedTuple):
    """Describes an encoded image.

    Attributes:
        kind: format and mode in Pillow's terms, such as `PNG RGBA`; empty if it is not an image.
        size: width and height in pixels; None if it is not an image.
        problem: why the model cannot decode the image; empty if it can.
        complaint: what the decoder complains about although it decodes the image; or empty.
    """

    kind: str
    size: tuple[int, int] | None
    problem: str
    complaint: str = ""

    def with_complaint(self, complaint: str) -> CheckedImage:
        """Returns the description with a complaint, which explains the problem if there is one."""
        if self.problem:
            return self._replace(problem=f"{self.problem}: {complaint}")
        return self._replace(complaint=complaint)


def check_decoding(encoded: bytes, decode: DecodeImage) -> CheckedImage:
    """Reads the header of an image file with Pillow and decodes its pixels as the model does.

    Images of more than `MAX_PIXELS` pixels are not decoded: a small file can hold gigabytes.

    Args:
        encoded: the content of the image file.
        decode: the decoder of the model.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            kind, size = f"{image.format} {image.mode}", image.size
    except Image.DecompressionBombError as error:
        return CheckedImage("", None, first_line(error))
    except Exception:  # a broken header makes Pillow's readers raise errors of any type
        return CheckedImage("", None, "not an image" if encoded else "no bytes")
    width, height = size
    if width * height > MAX_PIXELS:
        return CheckedImage(kind, size, f"{width} x {height} pixels, too many to decode")
    try:
        decode(tf.constant(encoded))
    except tf.errors.OpError:
        problem = f"{kind}, broken or of a kind that the model cannot decode"
        return CheckedImage(kind, size, problem)
    return CheckedImage(kind, size, "")
