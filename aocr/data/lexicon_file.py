"""Reads lexicons: text files with one word a line."""

from __future__ import annotations

import tensorflow as tf

from aocr.data.labels import normalize
from aocr.util.errors import UserError, first_line


def read_lexicon(path: str) -> list[str]:
    """Returns the lines of a UTF-8 file that are not empty, in NFC as labels are.

    Spaces count, at the ends of a line too.

    Raises:
        UserError: the file cannot be read, is not UTF-8, or has no word.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(
            f"--lexicon={path}, line {line}: it is not UTF-8; convert the file to UTF-8"
        ) from error
    except tf.errors.OpError as error:
        raise UserError(f"--lexicon={path}: {first_line(error)}") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    words = [normalize(line, force_uppercase=False, nfc=True) for line in lines if line]
    if not words:
        raise UserError(f"--lexicon={path}: it holds no word; write one word a line")
    return words
