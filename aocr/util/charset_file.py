"""Charsets from files and from datasets."""

from __future__ import annotations

import tensorflow as tf

from aocr.util.charset import Charset
from aocr.util.errors import UserError


def read_charset(path: str) -> str:
    """The characters of a UTF-8 file: one line of them, or one a line. A space is a character.

    Raises:
        UserError: no such file, not UTF-8, no character, or one more than once.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
        characters = text.replace("\r", "").replace("\n", "")
        Charset(characters)
    except tf.errors.OpError as error:
        raise UserError(f"--charset={path}: {error.message}") from error
    except ValueError as error:
        raise UserError(f"--charset={path}: {error}") from error
    return characters
