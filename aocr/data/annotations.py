"""Annotation files, or folders of images named by their labels, to numbered rows."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.data.rejections import Rejection, Row
from aocr.util.errors import UserError, first_line

DELIMITERS = {"space": " ", "tab": "\t", "comma": ","}

MAX_LINE = 64 * 1024
"""Bytes; what is longer is no line of annotations, and is not kept in memory."""

_CHUNK = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIRST_WHITESPACE = re.compile(r"(\S+)\s(.*)")
_LABEL_AND_NUMBER = re.compile(r"(.+?)(_\d+)?")


class Annotations(NamedTuple):
    """Where the rows come from.

    Attributes:
        path: a file with one image and its label a line, UTF-8, or a folder of images.
        delimiter: a key of `DELIMITERS`: what stands between path and label. After "space", which
            is any first whitespace, the rest of the line is the label; the others quote as CSV.
        base_dir: the folder that relative paths in a file start from; empty: the working directory.
    """

    path: str
    delimiter: str = "space"
    base_dir: str = ""

    @property
    def unit(self) -> str:
        """What a row's number counts."""
        return "file" if _is_folder(self.path) else "line"

    def rows(self) -> Iterator[Row]:
        """The rows, numbered from 1; blank lines and hidden files give none.

        Raises:
            UserError: there is no such file or folder, or it cannot be read.
        """
        try:
            if _is_folder(self.path):
                yield from _rows_of_folder(self.path)
            elif tf.io.gfile.exists(self.path):
                yield from self._rows_of_file()
            else:
                raise UserError(f"no annotation file {self.path}: it has one 'path label' a line")
        except tf.errors.OpError as error:
            raise UserError(f"cannot read {self.path}: {first_line(error)}") from error

    def row_count(self) -> int:
        """About how many rows there are: blank lines count, too."""
        if _is_folder(self.path):
            return len(_names(self.path))
        return sum(1 for _ in _lines(self.path))

    def _rows_of_file(self) -> Iterator[Row]:
        for number, line in enumerate(_lines(self.path), start=1):
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if line.strip():
                row = _parse(number, line.rstrip(b"\r"), self.delimiter)
                yield row._replace(path=self._located(row.path))

    def _located(self, path: str) -> str:
        """`os.path.join`, but a path with a scheme is absolute, too."""
        return path if not path or "://" in path else os.path.join(self.base_dir, path)


def label_of_name(name: str) -> str:
    """The label in `LABEL.png` or `LABEL_12.png`."""
    stem = os.path.splitext(name)[0]
    match = _LABEL_AND_NUMBER.fullmatch(stem)
    return match[1] if match else stem


def _is_folder(path: str) -> bool:
    """Raises UserError where TensorFlow cannot look for it."""
    try:
        return tf.io.gfile.isdir(path)
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except UnicodeError as error:
        raise UserError(f"cannot read {path!r}: its name is not UTF-8") from error


def _rows_of_folder(folder: str) -> Iterator[Row]:
    """By name; what is no image is for the reader of images to say."""
    visible = (name for name in sorted(_names(folder)) if not name.startswith("."))
    for number, name in enumerate(visible, start=1):
        yield Row(number, os.path.join(folder, name), label_of_name(name))


def _names(folder: str) -> list[str]:
    """What is in the folder; bytes in a name that are not UTF-8 are surrogates."""
    try:
        return [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
    except UnicodeDecodeError:  # only local file systems have such names
        return os.listdir(folder)


def _lines(path: str) -> Iterator[bytes]:
    """The lines without their `\\n`; of one longer than `MAX_LINE`, more than `MAX_LINE` bytes."""
    start = b""
    with tf.io.gfile.GFile(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            *lines, start = (start + chunk).split(b"\n")
            yield from lines
            start = start[: MAX_LINE + 1]
    if start:
        yield start


def _parse(number: int, line: bytes, delimiter: str) -> Row:
    """One line; a rejected row has in place of its path what could not be used."""
    start = line[:80]
    if len(line) > MAX_LINE:
        problem = Rejection(f"line of more than {MAX_LINE} bytes", repr(start))
    elif b"\0" in line:
        problem = Rejection("NUL character in the line", repr(start))
    else:
        try:
            return _split(number, line.decode(), delimiter)
        except UnicodeDecodeError:
            problem = Rejection("not UTF-8", repr(start))
    return Row(number, start.decode(errors="backslashreplace"), "", problem)


def _split(number: int, text: str, delimiter: str) -> Row:
    """One line of text into path and label."""
    if delimiter == "space":
        match = _FIRST_WHITESPACE.fullmatch(text)
        columns = list(match.groups()) if match else []
    else:
        # Line by line: a quote that is not closed must not swallow the lines after it.
        reader = csv.reader([text], delimiter=DELIMITERS[delimiter], strict=True)
        try:
            columns = next(reader)
        except csv.Error as error:
            problem = Rejection("wrong CSV quoting", repr(text[:80]), str(error))
            return Row(number, text, "", problem)
    if len(columns) > 2:
        found = f"{len(columns)} columns"
        problem = Rejection("more than path and label", repr(text[:80]), found)
        return Row(number, text, "", problem)
    if len(columns) < 2 or not columns[0]:
        return Row(number, text, "", Rejection("missing filename or label", repr(text[:80])))
    path, label = columns
    return Row(number, path, label)
