"""Converts images of any format that Pillow reads to PNG."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from aocr.data.images.header import ImageFileError
from aocr.util.errors import first_line

_PNG_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16")


def to_png(picture: Image.Image) -> bytes:
    """Returns a PNG file of a picture as an image viewer shows it: turned upright.

    The PNG has an alpha channel only if a pixel is transparent.

    Raises:
        ImageFileError: the pixels are broken, or the picture has no equivalent in PNG.
    """
    file_format = picture.format
    if picture.mode == "F" or (picture.mode == "I" and file_format == "TIFF"):
        raise ImageFileError("image of 32-bit pixels, whose value for white is not known")
    load_pixels(picture)
    try:
        upright = _in_png_mode(ImageOps.exif_transpose(picture))
        upright.info = {}  # the PNG must not repeat the color profile and the orientation
        file = io.BytesIO()
        upright.save(file, "PNG")
    except Exception as error:  # rare modes make Pillow raise anything
        raise ImageFileError(
            f"{file_format} image that cannot be converted", first_line(error)
        ) from error
    return file.getvalue()


def load_pixels(picture: Image.Image) -> Image.Image:
    """Decodes all pixels of an opened picture with Pillow, and returns the picture.

    Raises:
        ImageFileError: the file is cut off or broken.
    """
    try:
        picture.load()
    except Exception as error:  # broken pixels make Pillow's readers raise anything
        raise ImageFileError(f"not a whole {picture.format} image", first_line(error)) from error
    return picture


def is_transparent(picture: Image.Image) -> bool:
    """Returns whether any pixel of a picture of mode LA or RGBA is not opaque."""
    return any(picture.getchannel("A").histogram()[:255])


def _in_png_mode(picture: Image.Image) -> Image.Image:
    """Converts a picture to one of `_PNG_MODES`; keeps alpha only if a pixel is transparent."""
    if picture.mode.startswith("I"):  # 16 bits, of which TensorFlow reads the upper 8
        return picture.convert("I").convert("I;16")
    if picture.has_transparency_data or picture.mode in ("La", "RGBa"):
        opaque_mode, mode = ("L", "LA") if picture.mode in ("LA", "La") else ("RGB", "RGBA")
        with_alpha = picture.convert(mode)
        return with_alpha if is_transparent(with_alpha) else with_alpha.convert(opaque_mode)
    return picture if picture.mode in _PNG_MODES else picture.convert("RGB")
