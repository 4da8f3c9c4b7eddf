"""Image files as people have them to image files that the model's graph decodes.

The graph reads PNG, JPEG, BMP and GIF with TensorFlow, whose word on them is final. What it cannot
read, or reads otherwise than it looks, becomes a PNG.
"""

from __future__ import annotations

import io
import struct
import warnings
from typing import NamedTuple

import tensorflow as tf
from PIL import Image, ImageOps

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "JPEG2000", "PPM", "ICO")
"""Of Pillow's readers those of images; others draw vector files, with the help of programs."""

_JUDGED_BY_TENSORFLOW = ("PNG", "JPEG", "MPO")
"""What it cannot read of these is broken. MPO is a JPEG with more pictures behind it."""

_PNG_MODES = ("1", "L", "LA", "RGB", "RGBA", "I;16")
_METADATA = ("exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp")
_ORIENTATION = 0x0112

Image.init()  # loads the readers; threads must not do it at the same time
warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a file is for the log to say
Image.MAX_IMAGE_PIXELS = None  # `readable` has a limit of its own, which may be higher


class UnreadableError(ValueError):
    """Why a file is no image to train on.

    Attributes:
        reason: the same words for the same problem.
        detail: what else is known, or empty.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason, self.detail = reason, detail


class Readable(NamedTuple):
    """An image file that TensorFlow reads.

    Attributes:
        encoded: a PNG, JPEG, BMP or GIF file.
        converted: False if these are the bytes that were given.
        width: in pixels, as it is looked at.
        height: in pixels, as it is looked at.
    """

    encoded: bytes
    converted: bool
    width: int
    height: int


def readable(encoded: bytes, max_pixels: int) -> Readable:
    """The same image as a file that TensorFlow reads; it has been decoded to the last pixel.

    Most files stay as they are, to the bit. Those become PNG that TensorFlow cannot read (TIFF,
    WebP, JPEG 2000, CMYK, many BMP), those whose EXIF data turn or mirror them, and those with
    transparent pixels that it would not see (of GIF, and of a transparent colour in PNG). May be
    called by several threads at a time.

    Args:
        encoded: a whole image file.
        max_pixels: width times height that is decoded; the header is asked first.

    Raises:
        UnreadableError: empty, no image, cut, broken, without pixels, or with too many.
    """
    picture = open_header(encoded, max_pixels)
    if _is_for_tensorflow(encoded, picture, max_pixels):
        _decode(encoded, "JPEG" if picture.format == "MPO" else picture.format)
        if not _is_turned(encoded, picture) and not _has_unseen_transparency(picture):
            return Readable(encoded, False, picture.width, picture.height)
    png = _to_png(picture)
    height, width, _ = _decode(png, "PNG").shape
    return Readable(png, True, width, height)


def is_plain(encoded: bytes, picture: Image.Image) -> bool:
    """Whether `readable` gives back these bytes, if TensorFlow decodes them to the last pixel.

    False where the header alone does not say so. Takes a small part of `readable`'s time.

    Args:
        encoded: a whole image file.
        picture: what `open_header` gave for it.
    """
    return (
        picture.format in ("PNG", "JPEG")
        and picture.mode != "CMYK"
        and "transparency" not in picture.info
        and not _is_turned(encoded, picture)
    )


def open_header(encoded: bytes, max_pixels: int) -> Image.Image:
    """Reads the header, and the size in it, but no pixel.

    Raises:
        UnreadableError: empty, no image, without pixels, or with too many.
    """
    if not encoded:
        raise UnreadableError("empty file")
    picture = _open(encoded)
    _check_size(picture.width, picture.height, max_pixels)
    return picture


def _open(encoded: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(encoded), formats=_FORMATS)
    except Image.UnidentifiedImageError as error:
        raise UnreadableError("not a readable image") from error
    except Exception as error:  # a broken header makes Pillow's readers raise anything
        raise UnreadableError("not a readable image", str(error)) from error


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise UnreadableError("image without pixels", f"{width} x {height}")
    if width * height > max_pixels:
        raise UnreadableError(
            f"more than {max_pixels} pixels (--max-pixels)", f"{width} x {height}"
        )


def _decode(encoded: bytes, image_format: str | None) -> tf.Tensor:
    """Decodes all pixels: uint8 `[h, w, channels]`.

    For a small image the raw operation on a constant takes a fifth less time than
    `tf.io.decode_image` on bytes.
    """
    try:
        return tf.raw_ops.DecodeImage(contents=tf.constant(encoded), expand_animations=False)
    except tf.errors.OpError as error:
        raise UnreadableError(f"not a whole {image_format} image") from error


def _is_for_tensorflow(encoded: bytes, picture: Image.Image, max_pixels: int) -> bool:
    """Whether it is TensorFlow that says if the file is whole."""
    if picture.format == "GIF":  # of which it decodes all frames, to return the first
        return picture.width * picture.height * _frames(picture) <= max_pixels
    if picture.format == "BMP":
        return _is_plain_bmp(encoded, picture)
    return picture.format in _JUDGED_BY_TENSORFLOW and picture.mode != "CMYK"


def _frames(picture: Image.Image) -> int:
    """Frames of a GIF, or 1 if a later one is broken."""
    try:
        return getattr(picture, "n_frames", 1)
    except Exception:  # a broken frame makes Pillow raise anything
        return 1


def _is_plain_bmp(encoded: bytes, picture: Image.Image) -> bool:
    """Whether TensorFlow sees the BMP as it looks: 24 bits, or 8 bits of grey.

    It ignores palettes and compression, and takes the fourth byte of 32 bits for alpha, which
    mostly is 0.
    """
    header_bytes, bits, compression = struct.unpack_from("<I10xHI", encoded, 14)
    depth = (bits, picture.mode) in ((24, "RGB"), (8, "L"))
    return depth and header_bytes >= 40 and compression == 0


def _is_turned(encoded: bytes, picture: Image.Image) -> bool:
    """Whether EXIF or XMP data say that the image is to be turned or mirrored."""
    late_exif = picture.format == "PNG" and b"eXIf" in encoded  # may stand behind the pixels
    if not late_exif and not any(name in picture.info for name in _METADATA):
        return False
    try:
        return picture.getexif().get(_ORIENTATION, 1) in range(2, 9)
    except Exception:  # broken metadata make Pillow raise anything; the pixels are whole
        return False


def _has_unseen_transparency(picture: Image.Image) -> bool:
    """Whether pixels are transparent without an alpha channel that TensorFlow decodes.

    It makes one of a PNG's palette, but not of a transparent grey or colour, nor of a GIF's.
    """
    if "transparency" not in picture.info or (picture.format == "PNG" and picture.mode == "P"):
        return False
    return not picture.mode.startswith("I") and _is_transparent(_load(picture).convert("RGBA"))


def _is_transparent(picture: Image.Image) -> bool:
    """Whether any pixel of an LA or RGBA picture is."""
    return any(picture.getchannel("A").histogram()[:255])


def _load(picture: Image.Image) -> Image.Image:
    """Decodes all pixels with Pillow."""
    try:
        picture.load()
    except Exception as error:  # broken pixels make Pillow's readers raise anything
        raise UnreadableError(f"not a whole {picture.format} image", str(error)) from error
    return picture


def _to_png(picture: Image.Image) -> bytes:
    """The picture as it looks, upright; transparency only where there is some."""
    file_format = picture.format
    if picture.mode == "F" or (picture.mode == "I" and file_format == "TIFF"):
        raise UnreadableError("image of 32-bit pixels, whose white is not known")
    _load(picture)
    try:
        upright = _in_png_mode(ImageOps.exif_transpose(picture))
        upright.info = {}  # else a colour profile or the orientation would be written again
        file = io.BytesIO()
        upright.save(file, "PNG")
    except Exception as error:  # rare modes make Pillow raise anything
        raise UnreadableError(
            f"{file_format} image that cannot be converted", str(error)
        ) from error
    return file.getvalue()


def _in_png_mode(picture: Image.Image) -> Image.Image:
    """The picture in one of `_PNG_MODES`; alpha is kept where a pixel is transparent."""
    if picture.mode.startswith("I"):  # 16 bits, of which TensorFlow takes the upper 8
        return picture.convert("I").convert("I;16")
    if picture.has_transparency_data or picture.mode in ("La", "RGBa"):
        colour, mode = ("L", "LA") if picture.mode in ("LA", "La") else ("RGB", "RGBA")
        with_alpha = picture.convert(mode)
        return with_alpha if _is_transparent(with_alpha) else with_alpha.convert(colour)
    return picture if picture.mode in _PNG_MODES else picture.convert("RGB")
