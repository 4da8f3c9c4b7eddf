"""Converts users' image files to files that the model's graph decodes.

The graph decodes PNG, JPEG, BMP and GIF with TensorFlow. A file that TensorFlow cannot decode, or
decodes differently from what an image viewer shows, is converted to PNG.
"""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageChops, ImageOps

from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.files import ImageFileError, read_header
from aocr.util.errors import first_line

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf


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
    covered = _covered_part(picture)
    load_pixels(picture)
    try:
        upright = _in_png_mode(ImageOps.exif_transpose(_as_seen(picture, covered)))
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


_BLACK = 16
"""Number of the lowest levels, of 256, that an image has if it is all black."""

_Box = tuple[int, int, int, int]
"""The left, upper, right and lower border of a part of a picture, in pixels."""


def _covered_part(picture: Image.Image) -> _Box | None:
    """Returns the part of an opened GIF that its first frame covers; None for the whole picture."""
    tiles = picture.tile if picture.format == "GIF" else None  # type: ignore[attr-defined]
    part = tiles[0][1] if tiles else None
    return None if part == (0, 0, *picture.size) else part


def _as_seen(picture: Image.Image, covered: _Box | None) -> Image.Image:
    """Corrects what Pillow shows otherwise than image viewers and libjpeg do.

    What no frame of a GIF covers is transparent; Pillow gives it the first color of the palette.
    The inks of a CMYK JPEG are inverted if an Adobe marker says so, or if all is black otherwise.

    Args:
        picture: a loaded picture.
        covered: the result of `_covered_part`.
    """
    if covered:
        canvas = Image.new("RGBA", picture.size)
        canvas.paste(picture.convert("RGBA").crop(covered), covered[:2])
        return canvas
    if picture.format == "JPEG" and picture.mode == "CMYK" and "adobe" not in picture.info:
        as_written = ImageChops.invert(picture)  # which Pillow has inverted
        levels = as_written.convert("RGB").convert("L").histogram()
        return as_written if any(levels[_BLACK:]) else picture
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


_JUDGED_BY_TENSORFLOW = ("PNG", "JPEG", "MPO")
"""If TensorFlow cannot decode a file of one of these formats, the file is broken. MPO is a JPEG
file with more pictures after the first."""

_METADATA = ("exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp")

_ORIENTATION = 0x0112  # the EXIF tag

_TURNED_OR_MIRRORED = range(2, 9)


class SupportedImage(NamedTuple):
    """Holds an image file that TensorFlow decodes.

    Attributes:
        encoded: a PNG, JPEG, BMP or GIF file.
        converted_from: format and mode, in Pillow's terms, of the file that was converted to PNG;
            empty if it is the original file.
        width: width of the upright image, in pixels.
        height: height of the upright image, in pixels.
    """

    encoded: bytes
    converted_from: str
    width: int
    height: int

    @property
    def converted(self) -> bool:
        """Whether it was converted to PNG."""
        return bool(self.converted_from)


def to_supported_format(encoded: bytes, max_pixels: int) -> SupportedImage:
    """Decodes an image file to check it, and converts it to PNG if the graph needs that.

    Most files stay unchanged, to the bit. Three kinds of file are converted: those that TensorFlow
    cannot decode correctly (TIFF, WebP, JPEG 2000, CMYK, many BMP, some GIF), those that EXIF data
    turn or mirror, and those whose transparency TensorFlow ignores (in GIF, or as a transparent
    color in PNG). Threads may call this at the same time, see `quiet_pillow`.

    Args:
        encoded: a whole image file.
        max_pixels: largest accepted number of pixels; compared before any pixel is decoded.

    Raises:
        ImageFileError: the file is empty, not an image, cut off or broken, or the image has no
            pixels or too many.
    """
    picture = read_header(encoded, max_pixels)
    if _is_judged_by_tensorflow(encoded, picture, max_pixels):
        decodes = _decodes(encoded, picture)
        if decodes and not _is_turned(encoded, picture) and not _has_ignored_transparency(picture):
            return SupportedImage(encoded, "", picture.width, picture.height)
    kind = f"{picture.format} {picture.mode}"
    png = to_png(picture)
    height, width, _ = _decode(png, "PNG").shape
    return SupportedImage(png, kind, width, height)


def to_upload(encoded: bytes, max_pixels: int) -> bytes:
    """Returns an image file that a server decodes with TensorFlow; works without TensorFlow.

    It is that of `to_supported_format`, except that a broken PNG or JPEG file stays as it is, for
    the server to judge, and that more files are converted to PNG. Their pixels stay.

    Raises:
        ImageFileError: see `to_supported_format`.
    """
    picture = read_header(encoded, max_pixels)
    return encoded if _needs_no_conversion(encoded, picture) else to_png(picture)


def convert_watched(
    encoded: bytes, max_pixels: int, watch: DecoderWatch | None
) -> tuple[SupportedImage, str]:
    """Returns the result of `to_supported_format`, and the complaint of the decoder or "".

    Raises:
        ImageFileError: as `to_supported_format`; its detail holds the complaint.
    """
    if not watch:
        return to_supported_format(encoded, max_pixels), ""

    def convert(images: Sequence[bytes]) -> list[SupportedImage | ImageFileError]:
        try:
            return [to_supported_format(images[0], max_pixels)]
        except ImageFileError as error:
            return [error]

    ((image, complaint),) = watch.decode([encoded], convert)
    if isinstance(image, SupportedImage):
        return image, complaint
    if complaint and not image.detail:
        raise ImageFileError(image.reason, complaint) from image
    raise image


def if_unchanged(encoded: bytes, max_pixels: int) -> SupportedImage | None:
    """Returns the result of `to_supported_format` if the header tells it, else None.

    What decodes the image next still finds out whether all its pixels are there. This takes a small
    part of the time of `to_supported_format`.

    Raises:
        ImageFileError: the header has a problem, see `read_header`.
    """
    picture = read_header(encoded, max_pixels)
    if _needs_no_conversion(encoded, picture):
        return SupportedImage(encoded, "", picture.width, picture.height)
    return None


def problem_of(encoded: bytes, error: Exception, watch: DecoderWatch | None = None) -> str:
    """Returns why an image file cannot be decoded, given the error of what tried it."""
    try:
        convert_watched(encoded, sys.maxsize, watch)
    except ImageFileError as problem:
        return str(problem)
    return first_line(error)


def _needs_no_conversion(encoded: bytes, picture: Image.Image) -> bool:
    """Returns whether the header tells that `to_supported_format` leaves a file unchanged.

    Args:
        encoded: a whole image file.
        picture: the result of `read_header` for it.
    """
    return (
        picture.format in ("PNG", "JPEG")
        and picture.mode != "CMYK"
        and "transparency" not in picture.info
        and not _is_turned(encoded, picture)
    )


def _decode(encoded: bytes, image_format: str | None) -> tf.Tensor:
    """Decodes all pixels with TensorFlow: uint8 `[h, w, channels]`, of a GIF `[frames, h, w, 3]`.

    It decodes all frames, as the model's graph does, which cannot read a GIF with a broken one. For
    a small image the raw operation on a constant takes a fifth less time than `tf.io.decode_image`
    on bytes.
    """
    import tensorflow as tf  # slow to import, and `to_upload` does without it

    try:
        return tf.raw_ops.DecodeImage(
            contents=tf.constant(encoded), expand_animations=image_format == "GIF"
        )
    except tf.errors.OpError as error:
        raise ImageFileError(f"not a whole {image_format} image") from error


def _decodes(encoded: bytes, picture: Image.Image) -> bool:
    """Returns whether TensorFlow decodes a file as it looks; Pillow may read the others.

    TensorFlow refuses a BMP file with bytes after its pixels, and a GIF with an empty comment or a
    broken later frame. It shows a first frame that is smaller than the GIF at another place.

    Raises:
        ImageFileError: the file is broken.
    """
    try:
        pixels = _decode(encoded, "JPEG" if picture.format == "MPO" else picture.format)
    except ImageFileError:
        if picture.format not in ("BMP", "GIF"):
            raise
        return False
    return picture.format != "GIF" or _looks_like(pixels[0].numpy(), picture)


def _looks_like(pixels: np.ndarray, picture: Image.Image) -> bool:
    """Returns whether the first frame of a GIF, uint8 `[h, w, 3]`, is all of what Pillow shows."""
    if _covered_part(picture):
        return False
    seen = load_pixels(picture).convert("RGB")
    return pixels.shape[1::-1] == seen.size and pixels.tobytes() == seen.tobytes()


def _is_judged_by_tensorflow(encoded: bytes, picture: Image.Image, max_pixels: int) -> bool:
    """Returns whether TensorFlow, not Pillow, decides if the file is whole."""
    if picture.format == "GIF":  # TensorFlow decodes all frames and returns the first
        return picture.width * picture.height * frame_count(picture) <= max_pixels
    if picture.format == "BMP":
        return _is_plain_bmp(encoded, picture)
    return picture.format in _JUDGED_BY_TENSORFLOW and picture.mode != "CMYK"


def frame_count(picture: Image.Image) -> int:
    """Returns the number of frames of a GIF, or 1 if a later one is broken."""
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:  # a broken frame makes Pillow raise anything
        return 1


def _is_plain_bmp(encoded: bytes, picture: Image.Image) -> bool:
    """Returns whether TensorFlow decodes a BMP file correctly: 24 bits, or 8 bits of gray.

    TensorFlow ignores palettes and compression. It takes the fourth byte of 32 bits for alpha, but
    most programs leave that byte at 0.
    """
    header_bytes, bits, compression = struct.unpack_from("<I10xHI", encoded, 14)
    plain_depth = (bits, picture.mode) in ((24, "RGB"), (8, "L"))
    return plain_depth and header_bytes >= 40 and compression == 0


def _is_turned(encoded: bytes, picture: Image.Image) -> bool:
    """Returns whether EXIF or XMP data ask for the image to be turned or mirrored."""
    late_exif = picture.format == "PNG" and b"eXIf" in encoded  # may follow the pixels
    if not late_exif and not any(name in picture.info for name in _METADATA):
        return False
    try:
        return picture.getexif().get(_ORIENTATION, 1) in _TURNED_OR_MIRRORED
    except Exception:  # broken metadata make Pillow raise anything; the pixels are whole
        return False


def _has_ignored_transparency(picture: Image.Image) -> bool:
    """Returns whether the image has transparent pixels that TensorFlow decodes as opaque.

    TensorFlow turns the transparent entries of a PNG's palette into an alpha channel. It ignores a
    transparent gray or color of a PNG, and the transparency of a GIF.
    """
    if "transparency" not in picture.info or (picture.format == "PNG" and picture.mode == "P"):
        return False
    return not picture.mode.startswith("I") and is_transparent(load_pixels(picture).convert("RGBA"))
