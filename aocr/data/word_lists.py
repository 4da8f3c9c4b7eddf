"""Reads charsets from files and from the labels of datasets, and lexicons."""

from __future__ import annotations

import tensorflow as tf

from aocr.charset import Charset
from aocr.data.labels import normalize
from aocr.data.records import files as record_files
from aocr.data.records import schema
from aocr.util.errors import UserError, first_line


def read_charset(path: str) -> str:
    """Returns the characters in a UTF-8 file; line breaks do not count, spaces do.

    Raises:
        UserError: the file cannot be read, is not UTF-8, or has no character or one twice.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
        characters = text.replace("\r", "").replace("\n", "")
        Charset(characters)  # checks the characters
    except (tf.errors.OpError, ValueError) as error:
        raise UserError(f"--charset={path}: {first_line(error)}") from error
    return characters


def characters_of(files: list[str]) -> str:
    """Returns the characters of the labels of TFRecord files, each once, by code point.

    Raises:
        UserError: no label has a character, or a file is not a whole TFRecord file of aocr.
    """
    characters: set[str] = set()
    for record in record_files.read(files):
        characters.update(schema.text_of(record.label))
    if not characters:
        raise UserError(f"--charset=auto: no label of {', '.join(files)} has a character")
    return "".join(sorted(characters))


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
