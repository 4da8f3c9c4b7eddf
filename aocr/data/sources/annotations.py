"""Reads annotations: a file with a path and a label per line, or a folder of labeled images."""

from __future__ import annotations

import csv
import functools
import logging
import os
import re
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, Protocol

import tensorflow as tf

from aocr.data.sources.formats import DELIMITERS
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote, is_utf8, kind_of_special_file
from aocr.util.paths.files import names_in
from aocr.util.text.characters import escape
from aocr.util.text.encodings import in_utf_8
from aocr.util.text.plurals import counted

MAX_LINE_BYTES = 64 * 1024
"""Length of the longest accepted line. A longer one is not kept in memory."""

STDIN = "-"
"""The path that stands for stdin."""

NO_COLUMNS = "missing filename or label"
"""The reason why a line that has not both is rejected."""

_NAMED_FILES = 3
_CHUNK_BYTES = 1024 * 1024
_QUOTED_CHARACTERS = 80
_FIRST_WHITESPACE = re.compile(r"(\S+)\s(.*)")
_LABEL_AND_NUMBER = re.compile(r"(.+?)(_\d+)?")


class Rejection(NamedTuple):
    """Holds the reason why an annotation is left out of a dataset.

    Attributes:
        reason: the problem, in the same words for every annotation that has it.
        value: the offending path, label or line.
        detail: what else is known about it, or empty.
        cause: what it comes from and what to do, in the same words for every annotation; or empty.
    """

    reason: str
    value: str
    detail: str = ""
    cause: str = ""


class Annotation(NamedTuple):
    """Holds an image and its label, or why it cannot be used.

    Attributes:
        number: number of the line, file or sample, from 1.
        path: path of the image; the start of the line if the line is rejected.
        label: text as it stands in the annotations.
        rejection: why the line cannot be used, or None.
        line: the line as text; empty for a file of a folder, and if it is no text.
        written: the path as it stands in the line.
        is_beside: whether the path was found beside the annotation file.
        encoded: the image file, where the source holds it; None where the path leads to it.
        place: where it stands, for messages; empty for the number in the source.
    """

    number: int
    path: str
    label: str
    rejection: Rejection | None = None
    line: str = ""
    written: str = ""
    is_beside: bool = False
    encoded: bytes | None = None
    place: str = ""


class Source(Protocol):
    """Declares what the build of a dataset needs of annotations, whatever form they have."""

    @property
    def path(self) -> str:
        """The file or folder."""

    @property
    def unit(self) -> str:
        """The noun for an annotation, such as "line"."""

    @property
    def delimiter(self) -> str:
        """The separator of path and label, a key of `DELIMITERS`."""

    @property
    def base_dir(self) -> str:
        """The folder that relative paths start from; empty if none is given."""

    def read(self) -> Iterator[Annotation]:
        """Yields the annotations in order; raises `UserError` if they cannot be read."""

    def estimate_count(self) -> int | None:
        """Returns about how many annotations there are; None if only reading them tells."""

    def beside(self, annotation: Annotation) -> str:
        """Returns where the image may be beside its list; empty if it is looked for there."""


class Annotations(NamedTuple):
    """Locates annotations and reads them.

    Attributes:
        path: a UTF-8 file with the path and the label of an image per line, or a folder of images.
        delimiter: a key of `DELIMITERS`. "space" means that any first whitespace ends the path, and
            the label is the rest of the line. With the others, columns may be quoted as in CSV.
        base_dir: folder that relative paths in a file start from; empty for the working directory.
    """

    path: str
    delimiter: str = "space"
    base_dir: str = ""

    @property
    def unit(self) -> str:
        """The noun for an annotation: "line" or "file"."""
        return "file" if _is_folder(self.path) else "line"

    def read(self) -> Iterator[Annotation]:
        """Yields the annotations in order; leaves out blank lines and hidden files.

        Raises:
            UserError: the file or folder does not exist or cannot be read.
        """
        try:
            if _is_folder(self.path):
                yield from _read_folder(self.path)
            elif self.path == STDIN or tf.io.gfile.exists(self.path):
                yield from self._read_file()
            else:
                raise UserError(
                    f"no annotation file {self.path}: write one with 'path label' on each line"
                )
        except (tf.errors.OpError, OSError) as error:
            raise UserError(f"cannot read {self.path}: {first_line(error)}") from error

    def estimate_count(self) -> int | None:
        """Returns the number of annotations and blank lines.

        It is None if they can be read only once, or not at all, which `read` tells.
        """
        if self.path == STDIN or kind_of_special_file(self.path):
            return None
        if not tf.io.gfile.exists(self.path):
            return None
        if _is_folder(self.path):
            return len(names_in(self.path))
        return sum(1 for _ in _lines(self.path))

    def _read_file(self) -> Iterator[Annotation]:
        for number, line in enumerate(_lines(self.path), start=1):
            if line.strip():
                annotation = _parse(number, line.rstrip(b"\r"), self.delimiter)
                written = annotation.path
                yield annotation._replace(path=self._locate(written), written=written)

    def _locate(self, path: str) -> str:
        """Joins a path to `base_dir`, unless it is absolute or has a scheme such as gs://."""
        return path if not path or is_remote(path) else os.path.join(self.base_dir, path)

    def beside(self, annotation: Annotation) -> str:
        """Returns the path of an image if it is relative to the annotation file.

        It is empty if there is no other folder to look in than `annotation.path` names.
        """
        written = annotation.written
        if self.base_dir or self.path == STDIN or not written or is_remote(written):
            return ""
        path = os.path.join(os.path.dirname(self.path), written)
        return "" if path == written else path


def label_of_name(name: str) -> str:
    """Returns the label in a file name: `LABEL.png` or `LABEL_12.png`."""
    stem = os.path.splitext(name)[0]
    match = _LABEL_AND_NUMBER.fullmatch(stem)
    return match[1] if match else stem


def _is_folder(path: str) -> bool:
    """Returns whether a path is a folder; raises UserError if TensorFlow cannot look it up."""
    try:
        return tf.io.gfile.isdir(path)
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except UnicodeError as error:
        raise UserError(f"cannot read {path!r}: its name is not UTF-8") from error


def _read_folder(folder: str) -> Iterator[Annotation]:
    """Yields the visible files sorted by name, whether or not they are images."""
    names = sorted(names_in(folder))
    visible = [name for name in names if not name.startswith(".")]
    hidden = [escape(name) for name in names if name.startswith(".")]
    if hidden:
        left_out = counted(len(hidden), "hidden file is", "hidden files are")
        named = ", ".join(hidden[:_NAMED_FILES]) + (", ..." if len(hidden) > _NAMED_FILES else "")
        logging.warning("%s: %s left out: %s", folder, left_out, named)
    for number, name in enumerate(visible, start=1):
        rejection = None if is_utf8(name) else Rejection("file name that is not UTF-8", name)
        yield Annotation(number, os.path.join(folder, name), label_of_name(name), rejection)


def _lines(path: str) -> Iterator[bytes]:
    """Yields lines without their ends; longer ones are cut, but not below `MAX_LINE_BYTES` + 1.

    Lines end in `\\n`. Where the file begins without one, `\\r` ends a line too, as on old Macs.
    """
    start = b""
    ends_in_cr = None
    with open_list(path) as file:
        chunks = iter(functools.partial(file.read, _CHUNK_BYTES), b"")
        for chunk in in_utf_8(path, chunks):
            if ends_in_cr is None:
                ends_in_cr = b"\n" not in chunk
            if ends_in_cr:
                chunk = chunk.replace(b"\r", b"\n")
            *lines, start = (start + chunk).split(b"\n")
            yield from lines
            start = start[: MAX_LINE_BYTES + 1]
    if start:
        yield start


def open_list(path: str) -> BinaryIO:
    """Opens a file, a pipe or stdin to read it once; TensorFlow cannot read pipes.

    Raises:
        UserError: it is a device other than a terminal, which may never end; or stdin is closed.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise UserError("cannot read the annotations from stdin: it is closed")
        return sys.stdin.buffer
    kind = kind_of_special_file(path)
    if not kind:
        return tf.io.gfile.GFile(path, "rb")
    file = open(path, "rb")  # noqa: SIM115 (the caller closes it)
    if kind == "a device" and not file.isatty():
        file.close()
        raise UserError(f"no annotation file {path}: it is {kind}")
    return file


def _parse(number: int, line: bytes, delimiter: str) -> Annotation:
    """Parses a line of a file; the annotation has a rejection if that fails."""
    start = line[:_QUOTED_CHARACTERS]
    if len(line) > MAX_LINE_BYTES:
        rejection = Rejection(f"line of more than {MAX_LINE_BYTES} bytes", repr(start))
    elif b"\0" in line:
        rejection = Rejection("NUL character in the line", repr(start))
    else:
        try:
            return _split(number, line.decode(), delimiter)
        except UnicodeDecodeError:
            rejection = Rejection("not UTF-8", repr(start))
    return Annotation(number, start.decode(errors="backslashreplace"), "", rejection)


def _split(number: int, line: str, delimiter: str) -> Annotation:
    """Splits a line into path and label; the annotation has a rejection if that fails."""
    quoted = repr(line[:_QUOTED_CHARACTERS])
    try:
        columns = _columns(line, delimiter)
    except csv.Error as error:
        rejection = Rejection("wrong CSV quoting", quoted, first_line(error))
        return Annotation(number, line, "", rejection)
    if len(columns) > 2:
        rejection = Rejection("more than path and label", quoted, f"{len(columns)} columns")
        return Annotation(number, line, "", rejection)
    if len(columns) < 2 or not columns[0]:
        return Annotation(number, line, "", Rejection(NO_COLUMNS, quoted), line)
    path, label = columns
    return Annotation(number, path, label, line=line)


def _columns(line: str, delimiter: str) -> list[str]:
    """Splits a line at its delimiters; raises csv.Error if its quotes do not match."""
    if delimiter == "space":
        match = _FIRST_WHITESPACE.fullmatch(line)
        return list(match.groups()) if match else []
    # A reader for each line, so that an unclosed quote does not swallow the lines after it.
    return next(csv.reader([line], delimiter=DELIMITERS[delimiter], strict=True))
