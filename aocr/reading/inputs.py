"""Takes images as Python programs have them: paths, bytes, Pillow images and NumPy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from aocr.data.images.conversion import to_png
from aocr.data.images.files import ImageFileError, TooManyPixelsError, read_file

ImageInput: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | Image.Image | np.ndarray"
"""A path, local or remote; the bytes of an image file; a picture; pixels uint8 `[h, w]` or
`[h, w, C]` with C = 1 (gray), 3 (RGB) or 4 (RGB and alpha)."""

_ONE_IMAGE = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)


def is_one_image(images: Any) -> bool:
    """Returns whether a value is an image, not several of them."""
    if isinstance(images, np.ndarray):
        return images.ndim < 4 and images.dtype != object
    return isinstance(images, _ONE_IMAGE)


def as_list(images: ImageInput | Iterable[ImageInput]) -> list[ImageInput]:
    """Returns one image or several as a list.

    Raises:
        TypeError: the value is neither an image nor an iterable.
    """
    return [images] if is_one_image(images) else list(images)  # type: ignore[list-item, arg-type]


def encoded_image(image: ImageInput, max_pixels: int) -> bytes:
    """Returns an image as the bytes of a file: files as they are, pictures and pixels as PNG.

    Args:
        image: the image.
        max_pixels: largest accepted number of pixels of a picture or an array.

    Raises:
        ImageFileError: a file cannot be read, or pixels are not an image.
        TypeError: the value is of another type.
    """
    if isinstance(image, np.ndarray):
        image = _picture_of(image)
    if isinstance(image, Image.Image):
        if image.width * image.height > max_pixels:
            raise TooManyPixelsError(f"more than {max_pixels} pixels", str(image.size))
        if not image.width * image.height:
            raise ImageFileError("image without pixels", f"{image.width} x {image.height}")
        return to_png(image.copy())
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        return read_file(os.fspath(image))
    raise TypeError(
        f"not an image but {type(image).__name__}: give a path, bytes, a Pillow image or an array"
    )


def _picture_of(pixels: np.ndarray) -> Image.Image:
    """Returns pixels as a picture."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageFileError(
            "array that is not an image",
            f"{pixels.dtype} {list(pixels.shape)} instead of uint8 [h, w] or [h, w, 1, 3 or 4]",
        )
    if pixels.ndim == 3 and channels == 1:
        pixels = pixels[..., 0]  # [h, w, 1] --> [h, w]
    return Image.fromarray(np.ascontiguousarray(pixels))
