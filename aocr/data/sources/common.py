"""What the readers of all forms share: what is asked of them, how they find files and text."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from aocr.data.sources.annotations import Annotation, Rejection
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote
from aocr.util.paths.files import names_in
from aocr.util.text.encodings import decode_text

IGNORED = "###"
"""The text of what nobody can read, in the lists of the ICDAR competitions and their followers."""

_QUOTED = 80


class Request(NamedTuple):
    """Determines how a source is read.

    Attributes:
        delimiter: the separator of columns, a key of `formats.DELIMITERS`.
        base_dir: folder that relative paths start from; empty for the folder of the source.
        image_column: name of the column or field with the images; empty to find it.
        label_column: name of the column or field with the labels; empty to find it.
        part: the part of a divided source that is read, one of `formats.PARTS`; empty for all.
        crop_margin: pixels around a region that is cut out of a page.
    """

    delimiter: str = "space"
    base_dir: str = ""
    image_column: str = ""
    label_column: str = ""
    part: str = ""
    crop_margin: int = 0


def text_of(path: str) -> str:
    """Returns the text in a file, local or remote.

    Raises:
        UserError: it cannot be read, or is not in UTF-8 or what its byte order mark says.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return decode_text(file.read())
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def lines_of(path: str) -> Iterator[tuple[int, str]]:
    """Yields the number, from 1, and the text of each line that is not blank, without its end."""
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        line = line.removesuffix("\r")
        if line.strip():
            yield number, line


def json_of(text: str, place: str) -> Any:
    """Returns what JSON means.

    Raises:
        UserError: it is no JSON, or nested too deep; it begins with the place.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{place}: no JSON: {first_line(error)}") from error
    except RecursionError as error:
        raise UserError(f"{place}: JSON of too many levels: it is no list of images") from error


def located(request: Request, source: str, name: str, folders: Sequence[str] = ("",)) -> str:
    """Returns the path of an image that a source names.

    Args:
        request: its `base_dir` is looked in, if it is given, and nowhere else.
        source: the file or folder that names the image.
        name: the name that it has there.
        folders: where to look, relative to the folder of the source.

    Returns:
        The first path where a file is; the first of all if there is none.
    """
    if is_remote(name) or os.path.isabs(name):
        return name
    if request.base_dir:
        return os.path.join(request.base_dir, name)
    base = source if tf.io.gfile.isdir(source) else os.path.dirname(source)
    paths = [os.path.normpath(os.path.join(base, folder, name)) for folder in folders]
    if is_remote(source):
        paths = [os.path.join(base, folder, name) for folder in folders]
    return next((path for path in paths if tf.io.gfile.exists(path)), paths[0])


def rejected(number: int, reason: str, value: str, path: str = "") -> Annotation:
    """Returns an annotation that cannot be used; `value` is what is wrong with it."""
    return Annotation(number, path or value[:_QUOTED], "", Rejection(reason, repr(value[:_QUOTED])))


def files_below(folder: str) -> Iterator[str]:
    """Yields the paths of the visible files of a folder and its folders, sorted."""
    for name in sorted(names_in(folder)):
        path = os.path.join(folder, name)
        if name.startswith("."):
            continue
        if tf.io.gfile.isdir(path):
            yield from files_below(path)
        else:
            yield path


def field_named(names: Sequence[str], wanted: str, known: Sequence[str], flag: str) -> str:
    """Returns the name of the one column or field that holds what is wanted.

    Args:
        names: the names that there are.
        wanted: the name that the user gave; empty to look for a known one.
        known: the names that such a column usually has.
        flag: the flag that names it.

    Raises:
        ValueError: says why there is not just one.
    """
    if wanted:
        if wanted not in names:
            raise ValueError(f"{flag}={wanted}: it has {_listed(names)}")
        return wanted
    found = [name for name in names if name.strip().lower() in known]
    if len(found) == 1:
        return found[0]
    which = "several may be meant" if found else "none is known"
    raise ValueError(f"of {_listed(names)}, {which}: give {flag}=NAME")


def _listed(names: Sequence[str]) -> str:
    return "the columns " + ", ".join(map(repr, names))


IMAGE_FIELDS = (
    *("image_path", "img_path", "image", "img", "file_name", "filename", "file", "path"),
    *("image_file", "file_path", "filepath", "image_name", "name"),
)
"""The names that a column of images usually has, in lower case."""

LABEL_FIELDS = (
    *("plate_text", "text", "label", "words", "word", "transcription", "transcript"),
    *("ground_truth", "gt", "labels", "ocr", "plate", "value"),
)
"""The names that a column of labels usually has, in lower case."""


def needed(module: str, path: str) -> Any:
    """Returns a module of the extra `formats`.

    Raises:
        UserError: it is not installed; names the source that needs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"{path}: it needs {module}, of an extra: pip install 'aocr[formats]'"
        ) from error
