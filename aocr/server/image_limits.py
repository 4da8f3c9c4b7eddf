"""Refuses images that would take too much memory, by their headers."""

from __future__ import annotations

from aocr.data.images.conversion import frame_count
from aocr.data.images.header import ImageFileError, TooManyPixelsError, read_header
from aocr.server.errors import invalid_argument


def check_image(encoded: bytes, max_pixels: int) -> None:
    """Checks an image file before any pixel of it is decoded.

    Raises:
        RestError: it is not an image, or has more pixels than permitted. All frames of a GIF
            count, because TensorFlow decodes them all.
    """
    try:
        picture = read_header(encoded, max_pixels)
    except TooManyPixelsError as error:
        raise _too_many_pixels(error.detail, max_pixels) from error
    except ImageFileError as error:
        raise invalid_argument(f"{error}") from error
    if picture.format == "GIF":
        frames = frame_count(picture)
        if picture.width * picture.height * frames > max_pixels:
            size = f"{picture.width} x {picture.height}, {frames} frames"
            raise _too_many_pixels(size, max_pixels)


def check_size(encoded: bytes, max_pixels: int) -> None:
    """Checks only the number of pixels of what may be an image.

    Raises:
        RestError: it is an image with more pixels than permitted.
    """
    try:
        read_header(encoded, max_pixels)
    except TooManyPixelsError as error:
        raise _too_many_pixels(error.detail, max_pixels) from error
    except ImageFileError:
        return
    check_image(encoded, max_pixels)


def _too_many_pixels(size: str, max_pixels: int):
    return invalid_argument(f"image of more than {max_pixels} pixels (--max-pixels): {size}")
