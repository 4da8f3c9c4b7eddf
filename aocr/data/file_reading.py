"""The bytes of image files, near and far."""

from __future__ import annotations

import os
import stat

import tensorflow as tf

from aocr.data.image_files import UnreadableError
from aocr.util.errors import first_line

MAX_FILE = 2**30
"""Bytes of an image file; a record holds less than 2 GiB."""


def read_file(path: str) -> bytes:
    """The bytes of an image file.

    Raises:
        UnreadableError: no such file, or no file.
    """
    try:
        return _read_remote(path) if "://" in path else _read_local(path)
    except UnicodeError as error:
        raise UnreadableError("file name that is not UTF-8") from error
    except (FileNotFoundError, tf.errors.NotFoundError) as error:
        raise UnreadableError("no such file", _name_problem(path)) from error
    except OSError as error:
        raise UnreadableError("cannot read", str(error.strerror)) from error
    except tf.errors.OpError as error:
        raise UnreadableError("cannot read", first_line(error)) from error


def _read_remote(path: str) -> bytes:
    with tf.io.gfile.GFile(path, "rb") as file:
        _check_bytes(file.size())
        return file.read()


def _read_local(path: str) -> bytes:
    """Much faster than TensorFlow's reading, and only of files: a pipe may never end."""
    if "\0" in path:  # os.stat would raise a bare ValueError
        raise FileNotFoundError(path)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("not a file")
    _check_bytes(status.st_size)
    with open(path, "rb") as file:
        return file.read()


def _check_bytes(size: int) -> None:
    if size > MAX_FILE:
        raise UnreadableError(f"file of more than {MAX_FILE} bytes")


def _name_problem(path: str) -> str:
    """Returns what is wrong with the name of a file that does not exist, or an empty string."""
    if "\0" in path:
        return "its name holds a NUL character"
    try:
        path.encode()
    except UnicodeEncodeError:  # the list of names is in another encoding
        return "its name is not UTF-8"
    return ""
