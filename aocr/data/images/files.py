"""Reads image files, local or remote, and opens them with Pillow: their formats and errors."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import warnings
from collections.abc import Iterator

from PIL import Image

from aocr.config import MAX_PIXELS
from aocr.util.errors import first_line
from aocr.util.paths.checks import is_remote

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "JPEG2000", "PPM", "ICO")
"""Formats that are read. Pillow's other readers are for vector files, and may run programs."""

SIGNATURES = {"PNG": b"\x89P", "JPEG": b"\xff\xd8", "BMP": b"BM", "GIF": b"GI"}
"""The first two bytes of the files that the model's graph decodes, by the format's name."""

MAX_FILE_BYTES = 2**30
"""Size of the largest accepted image file. A record must stay below 2 GiB."""

_PREFIX_BYTES = 16
"""Number of bytes by which Pillow recognizes a format."""

NO_SUCH_FILE = "no such file"
"""The reason why a file that does not exist cannot be used."""


class ImageFileError(ValueError):
    """Reports why a file cannot be used as an image.

    Attributes:
        reason: the problem, in words that are the same for all such files, so that they can be
            counted.
        detail: more about the problem of this file, or empty.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason, self.detail = reason, detail


class TooManyPixelsError(ImageFileError):
    """Reports that an image exceeds `--max-pixels` of `aocr dataset`; the detail is its size."""


def failure_of(error: ImageFileError) -> str:
    """Returns why an image cannot be read, without the name of a flag of `aocr dataset`."""
    if isinstance(error, TooManyPixelsError):
        return f"more than {MAX_PIXELS} pixels ({error.detail})"
    return str(error)


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Loads Pillow's readers, and silences its warnings until the block ends.

    Enter it before starting threads that read images: threads must not load the readers at the
    same time. Pillow's warnings would appear on stderr without the name of the file;
    `ImageFileError` reports the problems that matter.
    """
    Image.init()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def read_header(encoded: bytes, max_pixels: int) -> Image.Image:
    """Opens an image file without decoding its pixels.

    Args:
        encoded: a whole image file.
        max_pixels: largest accepted number of pixels (width times height).

    Raises:
        ImageFileError: the file is empty or not an image, or the image has no pixels or too many.
    """
    if not encoded:
        raise ImageFileError("empty file")
    picture = _open(encoded)
    width, height = picture.size
    if width < 1 or height < 1:
        raise ImageFileError("image without pixels", f"{width} x {height}")
    if width * height > max_pixels:
        raise TooManyPixelsError(
            f"more than {max_pixels} pixels (--max-pixels)", f"{width} x {height}"
        )
    return picture


def _open(encoded: bytes) -> Image.Image:
    """Does what `Image.open` does, but without Pillow's limit on the number of pixels.

    That limit is a global variable. `read_header` has its own, which may be higher.
    """
    Image.init()  # returns at once if `quiet_pillow` has loaded the readers
    prefix = encoded[:_PREFIX_BYTES]
    for name in FORMATS:
        read, accepts = Image.OPEN[name]
        try:
            if accepts is None or accepts(prefix) is True:
                return read(io.BytesIO(encoded), "")
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # not this format
        except Exception as error:  # a broken header makes Pillow's readers raise anything
            raise ImageFileError("not a readable image", first_line(error)) from error
    from aocr.data.images import foreign_files  # of no use where all can be read

    raise ImageFileError("not a readable image", foreign_files.describe(encoded))


def read_file(path: str) -> bytes:
    """Returns the bytes of an image file.

    Raises:
        ImageFileError: the file does not exist, is too large or cannot be read.
    """
    try:
        return _read_remote(path) if is_remote(path) else _read_local(path)
    except UnicodeError as error:
        raise ImageFileError("file name that is not UTF-8") from error
    except FileNotFoundError as error:
        raise ImageFileError(NO_SUCH_FILE, _name_problem(path)) from error
    except OSError as error:
        raise ImageFileError("cannot read", str(error.strerror)) from error


def _read_remote(path: str) -> bytes:
    import tensorflow as tf  # slow to import, and most files are local

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            _check_size(file.size())
            return file.read()
    except tf.errors.NotFoundError as error:
        raise ImageFileError(NO_SUCH_FILE, _name_problem(path)) from error
    except tf.errors.OpError as error:
        raise ImageFileError("cannot read", first_line(error)) from error


def _read_local(path: str) -> bytes:
    """Reads a regular file; a pipe might never end. Much faster than TensorFlow's functions."""
    if "\0" in path:  # os.stat would raise a bare ValueError
        raise FileNotFoundError(path)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ImageFileError("not a file")
    _check_size(status.st_size)
    with open(path, "rb") as file:
        return file.read()


def _check_size(file_bytes: int) -> None:
    if file_bytes > MAX_FILE_BYTES:
        raise ImageFileError(f"file of more than {MAX_FILE_BYTES} bytes")


def _name_problem(path: str) -> str:
    """Returns what is wrong with the name of a file that does not exist, or an empty string."""
    if "\0" in path:
        return "its name holds a NUL character"
    try:
        path.encode()
    except UnicodeEncodeError:  # the list of names is in another encoding
        return "its name is not UTF-8"
    return ""
