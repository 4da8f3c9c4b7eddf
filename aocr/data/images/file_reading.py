"""Reads the bytes of image files, local or remote."""

from __future__ import annotations

import os
import stat

from aocr.data.images.header import ImageFileError
from aocr.util.errors import first_line
from aocr.util.paths.checks import is_remote

MAX_FILE_BYTES = 2**30
"""Size of the largest accepted image file. A record must stay below 2 GiB."""


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
        raise ImageFileError("no such file", _name_problem(path)) from error
    except OSError as error:
        raise ImageFileError("cannot read", str(error.strerror)) from error


def _read_remote(path: str) -> bytes:
    import tensorflow as tf  # slow to import, and most files are local

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            _check_size(file.size())
            return file.read()
    except tf.errors.NotFoundError as error:
        raise ImageFileError("no such file", _name_problem(path)) from error
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
