"""Holds what the readers of all forms share: their request, and how they find files and text."""

from __future__ import annotations

import functools
import importlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import tensorflow as tf

from aocr.data.sources.annotations import Annotation, Rejection, open_list
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import identity, is_remote, is_utf8
from aocr.util.paths.files import names_in
from aocr.util.text.encodings import decode_text, in_utf_8, not_utf_8

BESIDE = ("", "images", "..")
"""Folders where images of a list or of a document are, relative to its own."""

IGNORED = "###"
"""The text of what nobody can read, in the lists of the ICDAR competitions and their followers."""

_QUOTED = 80
_CHUNK_BYTES, _MAX_LINE_BYTES = 2**20, 2**26


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
        with open_list(path) as file:
            return decode_text(file.read())
    except (tf.errors.OpError, OSError) as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def lines_of(path: str) -> Iterator[tuple[int, str]]:
    """Yields the number, from 1, and the text of each line that is not blank, without its end."""
    for number, line in enumerate(raw_lines(path), start=1):
        line = line.removesuffix("\n").removesuffix("\r")
        if line.strip():
            yield number, line


def raw_lines(path: str) -> Iterator[str]:
    """Yields the lines of a file of any size, each with its `\\n`.

    Raises:
        UserError: it cannot be read, is not in its encoding, or a line of it has no end.
    """
    try:
        with open_list(path) as file:
            for number, line in enumerate(_byte_lines(path, file), start=1):
                try:
                    yield line.decode()
                except UnicodeDecodeError as error:
                    problem = not_utf_8(number, line[error.start])
                    raise UserError(f"{path}, {problem}") from error
    except (tf.errors.OpError, OSError) as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error


def _byte_lines(path: str, file: BinaryIO) -> Iterator[bytes]:
    start = b""
    for chunk in in_utf_8(path, iter(functools.partial(file.read, _CHUNK_BYTES), b"")):
        *lines, start = (start + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)
        if len(start) > _MAX_LINE_BYTES:
            raise UserError(f"{path}: a line of more than {_MAX_LINE_BYTES} bytes: it is no list")
    if start:
        yield start


def json_of(text: str, place: str) -> Any:
    """Returns what JSON means.

    Raises:
        UserError: it is no JSON, is nested too deep, has a name twice, or a text of it is no
            Unicode; it begins with the place.
    """
    try:
        found = json.loads(text, object_pairs_hook=_without_doubles)
        if "\\ud" in text.lower():  # half of a character may be written so, and no text holds it
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except ValueError as error:
        raise UserError(f"{place}: not JSON as it has to be: {first_line(error)}") from error
    except RecursionError as error:
        raise UserError(f"{place}: JSON of too many levels: it is no list of images") from error


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(n for i, (n, _) in enumerate(pairs) if n in dict(pairs[:i]))
        raise ValueError(f"{name[:_QUOTED]!r} is in it twice")
    return found


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


def page_named(request: Request, source: str, name: str, folders: Sequence[str]) -> str:
    """Returns the path of a page's image that a document names, see `located`.

    Raises:
        UserError: it is not below `base_dir`, or else the folder above that of the document.
    """
    path = located(request, source, name, folders)
    root = request.base_dir or os.path.dirname(os.path.dirname(_absolute(source)))
    inside = _absolute(path)
    if inside.startswith(os.path.join(_absolute(root), "")) and ("://" not in name):
        return path
    raise UserError(
        f"{source}: it names the image {name[:_QUOTED]!r}, which is not below {root}: name one "
        "that is, or give --base-dir=FOLDER, a folder above it"
    )


def _absolute(path: str) -> str:
    """Returns a path without `..`; of a remote one, too."""
    scheme, sign, rest = path.rpartition("://")
    return f"{scheme}{sign}{os.path.normpath(rest)}" if sign else os.path.abspath(path)


def rejected(number: int, reason: str, value: str, path: str = "") -> Annotation:
    """Returns an annotation that cannot be used; `value` is what is wrong with it."""
    return Annotation(number, path or value[:_QUOTED], "", Rejection(reason, repr(value[:_QUOTED])))


def files_below(folder: str, above: frozenset[object] = frozenset()) -> Iterator[str]:
    """Yields the paths of the visible files of a folder and its folders, sorted.

    Args:
        folder: the folder.
        above: the identities of the folders above it; links to them are not followed.

    Raises:
        UserError: a name is not UTF-8.
    """
    above = above | {identity(folder)}
    for name in sorted(names_in(folder)):
        path = os.path.join(folder, name)
        if not is_utf8(name):
            raise UserError(f"{folder}: the file name {name!r} is not UTF-8: rename it")
        if name.startswith("."):
            continue
        if not tf.io.gfile.isdir(path):
            yield path
        elif identity(path) not in above:
            yield from files_below(path, above)


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
