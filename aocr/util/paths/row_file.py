"""Writes rows of text to a file that appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import tensorflow as tf

from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import UNDECODABLE
from aocr.util.paths.files import replacing


@contextlib.contextmanager
def open_row_file(flag: str, path: str) -> Iterator[Callable[[str], None]]:
    """Yields a function that adds rows, each with its end, to a UTF-8 file.

    Bytes of a file name that are not UTF-8 are written as they were. The file appears under its
    name when the block ends; if the block raises, no file appears.

    Args:
        flag: the flag that names the file, for messages.
        path: local or remote.

    Raises:
        UserError: the file cannot be written.
    """
    with _errors_as_user_errors(flag, path):
        if tf.io.gfile.exists(path) and tf.io.gfile.isdir(path):
            raise UserError(f"{flag}={path} is a folder: name a file")
    with replacing([path]) as (temporary,):
        file = tf.io.gfile.GFile(temporary, "wb")
        with _errors_as_user_errors(flag, path):
            file.write(b"")  # so that a file without rows appears, too

        def add(rows: str) -> None:
            """Adds rows."""
            with _errors_as_user_errors(flag, path):
                file.write(rows.encode("utf-8", UNDECODABLE))

        try:
            yield add
        finally:
            with _errors_as_user_errors(flag, path):
                file.close()


@contextlib.contextmanager
def _errors_as_user_errors(flag: str, path: str) -> Iterator[None]:
    """Turns TensorFlow's errors in the block into a `UserError` that names the file."""
    try:
        yield
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {flag}={path}: {first_line(error)}") from error
